"""Whose an object is, and that nothing about it is kept in a process: the behaviours that adoption rests on."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from providers.conformance.base import Contract
from providers.conformance.rig import Rig
from providers.ports import PortError, settle_s
from pse.core.schema import DELETE_ORDER, KINDS

AT_ONCE = 4
"""Threads that make objects at once."""


class IdentityContract(Contract):
    """Part of `providers.conformance.StoreContract`."""

    def test_same_intent_twice_is_one_object(self, rig: Rig, kind: str) -> None:
        if settle_s(rig.store(kind)) > 0:
            # The cloud has no word against a second one: the plugin looks for the first before it asks again.
            return
        inputs, identity = rig.inputs(kind), rig.identity()
        made = rig.make(kind, inputs, identity)
        try:
            assert rig.store(kind).create(inputs, identity=identity).id == made.id
        except PortError as exc:
            if exc.reason not in {"conflict", "in-use", "invalid"}:
                raise
        assert [found.id for found in rig.store(kind).find(identity.stack, identity.urn)] == [made.id]

    def test_partly_matching_tags_are_not_found(self, rig: Rig) -> None:
        for kind in ("Network", "KeyPair", "Volume"):
            mine = rig.identity()
            rig.make(kind, identity=mine)
            near = (
                (mine.stack, mine.urn[:-1]),
                (mine.stack, mine.urn[1:]),
                (mine.stack[:-1], mine.urn),
                (mine.stack, mine.op),
                (mine.stack, ""),
                ("", mine.urn),
            )
            assert [rig.store(kind).find(*tags) for tags in near] == [()] * len(near)

    def test_list_says_whose_each_object_is(self, rig: Rig) -> None:
        for kind in ("Network", "KeyPair", "Volume"):
            made = rig.make(kind)
            assert made.identity in {found.identity for found in rig.store(kind).list() if found.id == made.id}

    def test_update_keeps_the_identity(self, rig: Rig) -> None:
        for kind in ("Network", "Firewall", "Volume"):
            made = rig.make(kind)
            wanted = rig.changed(kind, made.inputs) or made.inputs
            assert rig.store(kind).update(made.id, made.inputs, wanted).identity == made.identity
            seen = rig.store(kind).read(made.id, wanted)
            assert seen is not None
            assert seen.identity == made.identity

    def test_deleted_object_is_not_found_any_more(self, rig: Rig) -> None:
        for kind in ("Network", "KeyPair", "Volume"):
            identity = rig.identity()
            rig.store(kind).delete(rig.make(kind, identity=identity).id)
            assert rig.store(kind).find(identity.stack, identity.urn) == ()

    def test_another_process_sees_it_at_once(self, rig: Rig) -> None:
        with rig.again() as other:
            for kind in ("Network", "KeyPair", "Volume"):
                made = rig.make(kind)
                assert made.identity is not None
                assert other.store(kind).read(made.id, made.inputs) == made
                assert [seen.id for seen in other.store(kind).find(made.identity.stack, made.identity.urn)] == [made.id]

    def test_deletion_by_somebody_else_reads_as_gone(self, rig: Rig) -> None:
        with rig.again() as other:
            for kind in ("Network", "KeyPair", "Volume"):
                made = rig.make(kind)
                assert rig.store(kind).read(made.id, made.inputs) is not None
                other.store(kind).delete(made.id)
                assert rig.store(kind).read(made.id, made.inputs) is None
                with pytest.raises(PortError) as caught:
                    rig.store(kind).update(made.id, made.inputs, made.inputs)
                assert caught.value.reason == "not-found"

    def test_change_by_somebody_else_is_seen(self, rig: Rig) -> None:
        made = rig.make("Volume")
        wanted = rig.changed("Volume", made.inputs)
        assert wanted is not None
        with rig.again() as other:
            other.store("Volume").update(made.id, made.inputs, wanted)
        seen = rig.store("Volume").read(made.id, made.inputs)
        assert seen is not None
        assert seen.inputs == wanted

    def test_closing_one_leaves_the_others_at_work(self, rig: Rig) -> None:
        with rig.again() as other:
            other.store("Network").list()
            other.close()
        made = rig.make("Network")
        assert rig.store("Network").read(made.id, made.inputs) == made

    def test_threads_at_once_make_one_each(self, rig: Rig) -> None:
        for kind in ("KeyPair", "Volume"):
            inputs = [rig.inputs(kind) for _ in range(AT_ONCE)]
            identities = [rig.identity() for _ in range(AT_ONCE)]
            with ThreadPoolExecutor(AT_ONCE) as pool:
                made = list(pool.map(rig.make, [kind] * AT_ONCE, inputs, identities))
            assert len({one.id for one in made}) == AT_ONCE
            found = [rig.store(kind).find(identity.stack, identity.urn) for identity in identities]
            assert [[one.id for one in seen] for seen in found] == [[one.id] for one in made]

    def test_order_of_deletion_empties_what_was_made(self, rig: Rig) -> None:
        kinds = [kind for kind in DELETE_ORDER if kind in rig.provider.kinds]
        before = {kind: {made.id for made in rig.store(kind).list()} for kind in kinds}
        rig.make("Attachment")
        rig.make("Firewall")
        rig.clear()
        assert {kind: {made.id for made in rig.store(kind).list()} for kind in kinds} == before

    def test_longest_name_is_kept(self, rig: Rig) -> None:
        for kind in ("Network", "KeyPair", "Volume"):
            inputs = rig.inputs(kind)
            inputs = msgspec.structs.replace(inputs, name=f"{inputs.name}-{'x' * 40}"[:39] + "z")
            made = rig.make(kind, inputs)
            assert made.inputs == inputs
            seen = rig.store(kind).read(made.id, None)
            assert seen is not None
            assert seen.inputs.name == inputs.name

    def test_import_finds_what_it_refers_to(self, rig: Rig) -> None:
        for kind in ("Subnet", "Firewall"):
            made = rig.make(kind)
            seen = rig.store(kind).read(made.id, None)
            assert seen is not None
            for field in KINDS[kind].input_fields().values():
                if field.rule.to:
                    assert getattr(seen.inputs, field.name) == getattr(made.inputs, field.name)
