"""What gates, notes of categories and the record of what was classified refuse; added to the table of `told`."""

from datetime import date

import msgspec

import policy
from policy.categories import NOTE, refuse_stricter
from policy.classified import RECORD, downgrades, remember
from policy.gate import gate_for, open_gate, read_gate, sign_gate, write_gate
from policy.labels import Label, Labels, classify_by
from policy.ledger import Ledger
from policy.nocs import sign_nocs
from policy.signing import init_keys
from pse.core.canonical import encode
from pse.core.documents.category import Category
from pse.core.documents.snapshot import Server
from pse.core.settings import Workspace
from tests.policy.house import noc
from tests.policy.test_policy_gatefiles import DAY, gate_of, note
from tests.policy.told import act


def _gated(house: Workspace) -> None:
    note(house)
    write_gate(house, sign_gate(house, gate_of(house)))


@act("gate: none")
def _(house: Workspace) -> None:
    read_gate(house, "records", now=DAY)


@act("gate: not a unit")
def _(house: Workspace) -> None:
    read_gate(house, "../portal" + "x" * 100, now=DAY)


@act("gate: not a gate file")
def _(house: Workspace) -> None:
    open_gate(house, b"{}", where="gate.json")


@act("gate: laid out otherwise")
def _(house: Workspace) -> None:
    open_gate(house, encode(sign_gate(house, gate_of(house))) + b"\n", where="gate.json")


@act("gate: of another key")
def _(house: Workspace) -> None:
    signed = sign_gate(house, gate_of(house))
    open_gate(house, encode(msgspec.structs.replace(signed, signer="0" * 64)), where="gate.json")


@act("gate: written with a signature that does not fit")
def _(house: Workspace) -> None:
    write_gate(house, msgspec.structs.replace(sign_gate(house, gate_of(house)), signature="0" * 128))


@act("gate: of another unit")
def _(house: Workspace) -> None:
    _gated(house)
    folder = house.private / "gate"
    (folder / "records.json").write_bytes((folder / "portal.json").read_bytes())
    read_gate(house, "records", now=DAY)


@act("gate: read too early")
def _(house: Workspace) -> None:
    _gated(house)
    read_gate(house, "portal", now=date(2026, 6, 30))


@act("gate: read with a law that cannot be read")
def _(house: Workspace) -> None:
    _gated(house)
    house.path("policy/labels.toml").write_text("[[label]]\n")
    read_gate(house, "portal", now=DAY)


@act("gate: read with another law")
def _(house: Workspace) -> None:
    _gated(house)
    house.path("policy/labels.toml").write_text("")
    house.path("policy/nocs.toml").write_text(noc())
    sign_nocs(house)
    read_gate(house, "portal", now=DAY)


@act("gate: of what is stricter today")
def _(house: Workspace) -> None:
    _gated(house)
    note(house, Category.SECRET)
    read_gate(house, "portal", now=DAY)


@act("gate: read after a clock that was wrong")
def _(house: Workspace) -> None:
    _gated(house)
    Ledger(house).record("up", {})
    read_gate(house, "portal", now=DAY)


@act("gate: of a class that is not there")
def _(house: Workspace) -> None:
    law = policy.load_policy(house, as_of=DAY)
    verdicts = policy.decide(law, {"portal": Category.OPEN}, as_of=DAY)
    gate_for(law, verdicts, "portal", ["portal"], "restricted", Category.RESTRICTED, as_of=DAY)


@act("gate: of verdicts for another day")
def _(house: Workspace) -> None:
    law = policy.load_policy(house, as_of=DAY)
    verdicts = policy.decide(law, {"portal": Category.OPEN}, as_of=DAY)
    gate_for(law, verdicts, "portal", ["portal"], "open", Category.OPEN, as_of=date(2026, 7, 2))


@act("categories: altered")
def _(house: Workspace) -> None:
    note(house)
    path = house.private / "categories.json"
    path.write_text(path.read_text().replace("restricted", "open"))
    NOTE.read(house)


@act("categories: not what was written")
def _(house: Workspace) -> None:
    (house.private / "categories.json").write_text("[]")
    NOTE.read(house)


@act("categories: not noted")
def _(house: Workspace) -> None:
    refuse_stricter(house, policy.load_policy(house, as_of=DAY), [gate_of(house)])


@act("categories: not noted, for a file")
def _(house: Workspace) -> None:
    refuse_stricter(house, policy.load_policy(house, as_of=DAY), [gate_of(house)], where="plan.json")


@act("categories: stricter today")
def _(house: Workspace) -> None:
    note(house, Category.SENSITIVE)
    refuse_stricter(house, policy.load_policy(house, as_of=DAY), [gate_of(house)])


@act("categories: none today, for a file")
def _(house: Workspace) -> None:
    note(house, None)
    refuse_stricter(house, policy.load_policy(house, as_of=DAY), [gate_of(house)], where="plan.json")


SERVERS = [Server(id=f"s{n}", hostname=f"db{n}") for n in range(7)]


def _lower(house: Workspace, servers: list[Server], *, where: str = "") -> None:
    was, now = (Labels(label=(Label(category=one, hosts=("db*",)),)) for one in (Category.SECRET, Category.OPEN))
    remember(house, classify_by(was, servers, []).by_server)
    downgrades(house, now, servers, classify_by(now, servers, []).by_server, where=where)


@act("classified: one server lowered by nobody")
def _(house: Workspace) -> None:
    _lower(house, SERVERS[:1])


@act("classified: five lowered")
def _(house: Workspace) -> None:
    _lower(house, SERVERS[:5])


@act("classified: many lowered, by a file")
def _(house: Workspace) -> None:
    _lower(house, SERVERS, where="new.toml")


@act("classified: the record is gone")
def _(house: Workspace) -> None:
    remember(house, classify_by(Labels(label=(Label(category=Category.OPEN, hosts=("*",)),)), SERVERS, []).by_server)
    (house.private / "classified.json").unlink()
    downgrades(house, Labels(), SERVERS, classify_by(Labels(), SERVERS, []).by_server)


@act("classified: the record was altered")
def _(house: Workspace) -> None:
    remember(house, classify_by(Labels(label=(Label(category=Category.OPEN, hosts=("*",)),)), SERVERS, []).by_server)
    path = house.private / "classified.json"
    path.write_text(path.read_text().replace("open", "public"))
    RECORD.read(house)


@act("keys: another key signs")
def _(house: Workspace) -> None:
    (house.private / "signing_key").unlink()
    init_keys(house.root)
    sign_gate(house, gate_of(house))
