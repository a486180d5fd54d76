"""What every store has to do, one test for each behaviour: most of them for every kind that the adapter makes."""

import msgspec
import pytest

from providers.conformance.base import Contract
from providers.conformance.identities import IdentityContract
from providers.conformance.insides import InsideContract
from providers.conformance.refusals import RefusalContract
from providers.conformance.rig import Rig
from providers.ports import PortError
from pse.core.schema import KINDS

UNKNOWN_ID = "suite-no-such-object"
HOLDS = frozenset({"Network", "Subnet", "Volume"})
"""Kinds that no cloud lets go while something uses them. A server takes its attachments with it on many clouds, and a
key pair is only read at the first boot."""
LOOSE = frozenset({"BackupPolicy", "Snapshot"})
"""Kinds that name what they look at and do not hold it, at some clouds at least."""


class KindContract(Contract):
    """Part of `StoreContract`: what is asked of every kind."""

    def test_every_kind_is_made_or_its_lack_is_explained(self, rig: Rig) -> None:
        lacks = rig.provider.lacks
        assert set(KINDS) == set(rig.provider.kinds) | {name for name in lacks if "." not in name}
        assert not set(rig.provider.kinds) & set(lacks)
        inputs = {f"{kind.name}.{wire}" for kind in KINDS.values() for wire in kind.input_fields()}
        assert {name for name in lacks if "." in name} <= inputs
        assert all(lacks.values())

    def test_created_object_carries_its_identity_and_inputs(self, rig: Rig, kind: str) -> None:
        inputs, identity = rig.inputs(kind), rig.identity()
        made = rig.make(kind, inputs, identity)
        assert made.id
        assert made.identity == identity
        assert made.healthy
        assert made.inputs == inputs

    def test_placement_says_where_it_rests(self, rig: Rig, kind: str) -> None:
        made = rig.make(kind)
        assert {aspect.where for aspect in made.outputs.placement} == {rig.place}
        assert {aspect.source for aspect in made.outputs.placement} == {"set"}
        # An audit compares what stands with what was built.
        read = rig.store(kind).read(made.id, made.inputs)
        assert read is not None
        assert set(read.outputs.placement) == set(made.outputs.placement)

    def test_outputs_are_of_the_schema(self, rig: Rig, kind: str) -> None:
        assert isinstance(rig.make(kind).outputs, KINDS[kind].outputs)

    def test_read_gives_the_live_object(self, rig: Rig, kind: str) -> None:
        made = rig.make(kind)
        assert rig.store(kind).read(made.id, made.inputs) == made

    def test_read_without_inputs_finds_it_for_import(self, rig: Rig, kind: str) -> None:
        made = rig.make(kind)
        found = rig.store(kind).read(made.id, None)
        assert found is not None
        assert (found.id, found.inputs.name) == (made.id, made.inputs.name)

    def test_read_of_nothing_is_none(self, rig: Rig, kind: str) -> None:
        assert rig.store(kind).read(UNKNOWN_ID, None) is None

    def test_find_gives_exactly_what_carries_the_tags(self, rig: Rig, kind: str) -> None:
        mine, other = rig.identity(), rig.identity()
        first, _ = rig.make(kind, identity=mine), rig.make(kind, identity=other)
        assert [found.id for found in rig.store(kind).find(mine.stack, mine.urn)] == [first.id]
        assert rig.store(kind).find("suite-another-stack", mine.urn) == ()

    def test_find_gives_every_object_of_one_urn(self, rig: Rig, kind: str) -> None:
        first = rig.identity()
        again = msgspec.structs.replace(first, op=rig.identity().op)
        made = {rig.make(kind, identity=first).id, rig.make(kind, identity=again).id}
        assert {found.id for found in rig.store(kind).find(first.stack, first.urn)} == made

    def test_list_has_everything_of_the_account(self, rig: Rig, kind: str) -> None:
        made = rig.make(kind)
        assert made.id in {found.id for found in rig.store(kind).list()}

    def test_update_changes_in_place(self, rig: Rig, kind: str) -> None:
        made = rig.make(kind)
        wanted = rig.changed(kind, made.inputs)
        if wanted is None:
            # Nothing about this kind changes in place: repeating what is there changes nothing.
            wanted = made.inputs
        before = rig.count(kind)
        updated = rig.store(kind).update(made.id, made.inputs, wanted)
        assert (updated.id, updated.inputs) == (made.id, wanted)
        assert rig.store(kind).read(made.id, wanted) == updated
        assert rig.count(kind) == before

    def test_update_may_be_repeated(self, rig: Rig, kind: str) -> None:
        made = rig.make(kind)
        wanted = rig.changed(kind, made.inputs) or made.inputs
        first = rig.store(kind).update(made.id, made.inputs, wanted)
        assert rig.store(kind).update(made.id, made.inputs, wanted) == first

    def test_update_of_nothing_says_not_found(self, rig: Rig, kind: str) -> None:
        inputs = rig.inputs(kind)
        with pytest.raises(PortError) as caught:
            rig.store(kind).update(UNKNOWN_ID, inputs, inputs)
        assert caught.value.reason == "not-found"

    def test_delete_waits_until_it_is_gone(self, rig: Rig, kind: str) -> None:
        made = rig.make(kind)
        rig.store(kind).delete(made.id)
        assert rig.store(kind).read(made.id, made.inputs) is None
        assert made.id not in {found.id for found in rig.store(kind).list()}

    def test_delete_of_nothing_is_quiet(self, rig: Rig, kind: str) -> None:
        rig.store(kind).delete(UNKNOWN_ID)
        made = rig.make(kind)
        rig.store(kind).delete(made.id)
        rig.store(kind).delete(made.id)

    def test_dangling_reference_is_refused_and_makes_nothing(self, rig: Rig, kind: str) -> None:
        references = [field for field in KINDS[kind].input_fields().values() if field.rule.to and field.required]
        inputs = rig.inputs(kind)
        for field in references:
            listed = isinstance(getattr(inputs, field.name), tuple)
            wrong = msgspec.structs.replace(inputs, **{field.name: (UNKNOWN_ID,) if listed else UNKNOWN_ID})
            before = rig.count(kind)
            with pytest.raises(PortError) as caught:
                rig.store(kind).create(wrong, identity=rig.identity())
            assert caught.value.reason in {"invalid", "not-found"}
            assert rig.count(kind) == before

    def test_what_is_used_is_not_deleted(self, rig: Rig, kind: str) -> None:
        references = [field for field in KINDS[kind].input_fields().values() if field.rule.to in HOLDS]
        made = rig.make(kind)
        for field in references if kind not in LOOSE else ():
            given = getattr(made.inputs, field.name)
            for used in given if isinstance(given, tuple) else (given,) if given else ():
                with pytest.raises(PortError) as caught:
                    rig.store(field.rule.to).delete(used)
                assert caught.value.reason == "in-use"
                assert rig.store(field.rule.to).read(used, None) is not None


class StoreContract(KindContract, IdentityContract, RefusalContract, InsideContract):
    """Subclass it, name the adapter, give the fixture ``rig``, and the adapter is held to the port."""
