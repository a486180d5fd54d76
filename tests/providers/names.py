"""What every cloud that changes record sets in batches has to do, beside the conformance suite."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
import pytest

from providers.conformance import Rig
from providers.ports import PortError
from pse.core.schema import DnsRecordInputs


class Outside(Protocol):
    """The cloud, past the adapter."""

    def put(self, zone: str, name: str, value: str) -> None:
        """A stranger's record set of type A, also in the place of another; an empty value takes it away."""

    def sets(self, zone: str) -> Mapping[tuple[str, str], list[str]]:
        """What a zone holds besides what every zone has: values by name, without the last dot, and type."""

    def lose(self, kind: str) -> Callable[[], int]:
        """Lose the answer to the next call that makes one of a kind; tells how many were lost."""

    def before(self, act: Callable[[], object]) -> None:
        """Act just before the next change takes effect."""

    def late(self) -> Callable[[], int]:
        """Let name servers have the next change after two looks; tells how many were taken."""


def refused(act: Callable[[], object]) -> PortError:
    """The error of an act."""
    with pytest.raises(PortError) as caught:
        act()
    return caught.value


def domain(rig: Rig, zone: str) -> str:
    """The domain of a zone."""
    found = rig.store("DnsZone").read(zone, None)
    assert found is not None
    return str(getattr(found.inputs, "domain", ""))


class NamesTests:
    """Subclass it with the fixtures ``rig`` and ``outside``."""

    @pytest.mark.parametrize("kind", ["DnsZone", "DnsRecord"])
    def test_lost_answer_makes_nothing_twice(self, rig: Rig, outside: Outside, kind: str) -> None:
        inputs, identity = rig.inputs(kind), rig.identity()
        lost = outside.lose(kind)
        assert refused(lambda: rig.make(kind, inputs, identity)).reason == "transient"
        made = rig.make(kind, inputs, identity)
        assert lost() == 1
        assert [found.id for found in rig.store(kind).list()] == [made.id]

    def test_change_is_waited_for_until_all_name_servers_have_it(self, rig: Rig, outside: Outside) -> None:
        looks = outside.late()
        assert rig.make("DnsRecord").healthy
        assert looks() >= 2

    def test_record_of_a_stranger_is_neither_overwritten_nor_deleted(self, rig: Rig, outside: Outside) -> None:
        wanted = rig.inputs("DnsRecord")
        assert isinstance(wanted, DnsRecordInputs)
        name = f"www.{domain(rig, wanted.zone)}"
        outside.put(wanted.zone, name, "198.51.100.7")
        assert refused(lambda: rig.make("DnsRecord", wanted)).reason == "conflict"
        (stranger,) = rig.store("DnsRecord").list()
        assert (stranger.identity, stranger.inputs.name) == (None, "")
        assert refused(lambda: rig.store("DnsRecord").delete(stranger.id)).reason == "conflict"
        assert (
            "stranger" in refused(lambda: rig.store("DnsRecord").update(stranger.id, stranger.inputs, wanted)).message
        )
        assert outside.sets(wanted.zone) == {(name, "A"): ["198.51.100.7"]}
        outside.put(wanted.zone, name, "")

    def test_what_changed_since_it_was_seen_is_not_overwritten(self, rig: Rig, outside: Outside) -> None:
        made = rig.make("DnsRecord")
        zone, _, name = made.id.split("|")
        wanted = rig.changed("DnsRecord", made.inputs)
        assert wanted is not None
        outside.before(lambda: outside.put(zone, name, "198.51.100.7"))
        refused(lambda: rig.store("DnsRecord").update(made.id, made.inputs, wanted))
        assert outside.sets(zone)[name, "A"] == ["198.51.100.7"]
        # The next run sees what there is, and brings it to what is wanted.
        assert rig.store("DnsRecord").update(made.id, made.inputs, wanted).inputs == wanted

    def test_mark_without_its_record_is_taken_over(self, rig: Rig, outside: Outside) -> None:
        made = rig.make("DnsRecord")
        zone, _, name = made.id.split("|")
        outside.put(zone, name, "")
        assert rig.store("DnsRecord").read(made.id, made.inputs) is None
        again = rig.make("DnsRecord", made.inputs)
        assert again.id == made.id
        assert again.identity != made.identity

    @pytest.mark.parametrize(
        ("label", "kind", "values"),
        [
            ("*", "A", ("192.0.2.9",)),
            ("@", "MX", ("10 mail.example.", "20 other.example.")),
            ("@", "TXT", ('"v=spf1 -all"', '"two" "strings"')),
            ("six", "AAAA", ("2001:db8::1",)),
            ("alias", "CNAME", ("www.example.",)),
        ],
    )
    def test_every_type_comes_back_as_it_was_given(
        self, rig: Rig, label: str, kind: str, values: tuple[str, ...]
    ) -> None:
        given: dict[str, Any] = {"label": label, "type": kind, "values": values}
        made = rig.make("DnsRecord", msgspec.structs.replace(rig.inputs("DnsRecord"), **given))
        assert rig.store("DnsRecord").read(made.id, made.inputs) == made
        (listed,) = rig.store("DnsRecord").list()
        assert (listed.id, listed.identity) == (made.id, made.identity)
        assert set(getattr(listed.inputs, "values", ())) == set(values)

    def test_alias_beside_another_record_is_a_conflict(self, rig: Rig) -> None:
        made = rig.make("DnsRecord")
        beside = msgspec.structs.replace(made.inputs, type="CNAME", values=("www.example.",))
        assert refused(lambda: rig.make("DnsRecord", beside)).reason == "conflict"

    def test_zone_with_records_stays(self, rig: Rig) -> None:
        made = rig.make("DnsRecord")
        zone = str(getattr(made.inputs, "zone", ""))
        assert refused(lambda: rig.store("DnsZone").delete(zone)).reason == "in-use"
        assert rig.store("DnsZone").read(zone, None) is not None

    def test_zones_of_one_domain_are_objects_of_their_own(self, rig: Rig) -> None:
        first = rig.make("DnsZone")
        second = rig.make("DnsZone", first.inputs)
        assert first.id != second.id
        assert {found.id for found in rig.store("DnsZone").list()} == {first.id, second.id}
