"""Everything that gate, rules and register refuse with words of their own, and a way to get each refusal."""

from collections.abc import Callable
from datetime import date

import msgspec

import policy
from policy.categories import NOTE, refuse_stricter
from policy.classified import RECORD, downgrades, remember
from policy.gate import gate_for, open_gate, read_gate, sign_gate, write_gate
from policy.labels import Label, Labels, classify_by
from policy.ledger import Ledger
from policy.nocs import load_nocs, sign_nocs
from policy.register import load_register, sign_register
from policy.rulebook import load_rules
from policy.signing import init_keys
from pse.core.canonical import encode
from pse.core.documents.category import Category
from pse.core.documents.snapshot import Server
from pse.core.settings import Workspace
from tests.policy.house import OWN, REGISTER, noc
from tests.policy.test_policy_gatefiles import DAY, gate_of, note

Act = Callable[[Workspace], object]
ACTS: dict[str, Act] = {}


def act(name: str) -> Callable[[Act], Act]:
    """Add one to the table."""

    def add(function: Act) -> Act:
        ACTS[name] = function
        return function

    return add


def _register(name: str, old: str, new: str) -> None:
    @act(f"register: {name}")
    def _(house: Workspace) -> None:
        assert old in REGISTER
        (house.root / "policy" / "register.toml").write_text(REGISTER.replace(old, new, 1))
        sign_register(house)


for _name, _old, _new in (
    ("id", '"sample-markhor"', '"Sample"'),
    ("region", '"islamabad"', '"Islam abad"'),
    ("site", '"ict-1"', '"ict_1"'),
    ("csp twice", '"sample-ibex"', '"sample-markhor"'),
    ("country", 'country = "PK"', 'country = "Pak"'),
    ("contact", "[[csp.site]]", '[[csp.contact]]\nrole = "x"\n\n[[csp.site]]'),
    ("ends before", "end = 2027-06-30", "end = 2025-06-30"),
    ("of no jurisdiction", 'jurisdiction = "federal"', 'jurisdiction = "lahore"'),
    ("state of no jurisdiction", "end = 2027-06-30", 'jurisdiction = "lahore"'),
    ("state of no site", "end = 2027-06-30", 'sites = ["a/b"]'),
    ("audit of no site", "next_due = 2026-12-31", 'sites = ["a/b"]'),
    ("audit due before", "next_due = 2026-12-31", "next_due = 2026-01-01"),
    ("half a coordinate", 'evidence = "Invented"', 'evidence = "x"\nlatitude = 30.0'),
    ("off the globe", 'evidence = "Invented"', 'evidence = "x"\nlatitude = 91.0\nlongitude = 70.0'),
    ("not in Pakistan", 'evidence = "Invented"', 'evidence = "x"\nlatitude = 51.5\nlongitude = 0.1'),
    ("port", 'evidence = "Invented"', 'evidence = "x"\noptions = { ssh_port = "0" }'),
    ("not TOML", "[[csp]]", "[[csp"),
):
    _register(_name, _old, _new)


@act("register: site twice")
def _(house: Workspace) -> None:
    site = REGISTER[REGISTER.index("[[csp.site]]") : REGISTER.index("[[csp.state]]")]
    (house.root / "policy" / "register.toml").write_text(REGISTER.replace(site, site + site, 1))
    sign_register(house)


@act("register: gone")
def _(house: Workspace) -> None:
    (house.root / "policy" / "register.toml").unlink()
    load_register(house)


@act("register: gone, to be signed")
def _(house: Workspace) -> None:
    (house.root / "policy" / "register.toml").unlink()
    sign_register(house)


@act("register: altered")
def _(house: Workspace) -> None:
    (house.root / "policy" / "register.toml").write_text(REGISTER + "\n")
    load_register(house)


@act("register: expired")
def _(house: Workspace) -> None:
    load_register(house, as_of=date(2028, 1, 1))


@act("register: an older one put back")
def _(house: Workspace) -> None:
    path, signature = house.path("policy/register.toml"), house.path("policy/register.toml.sig")
    old = (path.read_bytes(), signature.read_bytes())
    path.write_text(REGISTER + "\n")
    sign_register(house)
    path.write_bytes(old[0])
    signature.write_bytes(old[1])
    load_register(house)


def _nocs(name: str, text: str, *, signed: bool = True) -> None:
    @act(f"nocs: {name}")
    def _(house: Workspace) -> None:
        house.path("policy/nocs.toml").write_text(text)
        if signed:
            sign_nocs(house)
        load_nocs(house)


for _name, _text in {
    "reference": noc("NOC 1"),
    "twice": noc() + noc(),
    "ends before": noc(end="2026-05-31"),
    "no workloads": noc(workloads="[]"),
    "no places": noc(places="[]"),
    "no rules": noc(rules="[]"),
    "not TOML": "[[noc",
}.items():
    _nocs(_name, _text)
_nocs("unsigned", noc(), signed=False)
_nocs("unsigned and broken", noc("NOC 1"), signed=False)


@act("nocs: gone, to be signed")
def _(house: Workspace) -> None:
    sign_nocs(house)


@act("nocs: older ones put back")
def _(house: Workspace) -> None:
    path, signature = house.path("policy/nocs.toml"), house.path("policy/nocs.toml.sig")
    path.write_text(noc())
    sign_nocs(house)
    old = (path.read_bytes(), signature.read_bytes())
    path.write_text(noc("NOC-2"))
    sign_nocs(house)
    path.write_bytes(old[0])
    signature.write_bytes(old[1])
    load_nocs(house)


@act("nocs: of a rule that is not there")
def _(house: Workspace) -> None:
    house.path("policy/nocs.toml").write_text(noc(rules='["PSE-R999", "A-1"]'))
    sign_nocs(house)
    policy.load_policy(house, as_of=DAY)


def _rule(name: str, old: str, new: str) -> None:
    @act(f"rules: {name}")
    def _(house: Workspace) -> None:
        assert old in OWN
        folder = house.path("policy/rules")
        folder.mkdir(exist_ok=True)
        (folder / "own.toml").write_text(OWN.replace(old, new))
        load_rules(folder)


for _name, _old, _new in (
    ("id", "MINISTRY-001", "ministry"),
    ("kept id", "MINISTRY-001", "PSE-R999"),
    ("twice", OWN, OWN + OWN),
    ("of the gate", 'kind = "country"', 'kind = "unknown"'),
    ("confidence", 'confidence = "A"', 'confidence = "D"'),
    ("parameter missing", 'countries = ["PK"]', ""),
    ("parameter too many", 'countries = ["PK"]', 'countries = ["PK"]\nstates = ["accredited"]'),
    (
        "of no jurisdiction",
        OWN,
        OWN.replace('"country"', '"jurisdiction"').replace('countries = ["PK"]', 'jurisdictions = ["x"]'),
    ),
    ("by name", 'countries = ["PK"]', 'countries = ["PK"]\nby_name = true'),
    ("dates", 'confidence = "A"', 'confidence = "A"\nvalid_from = 2026-02-01\nvalid_to = 2026-01-31'),
):
    _rule(_name, _old, _new)


@act("rules: none")
def _(house: Workspace) -> None:
    house.path("empty").mkdir()
    load_rules(shipped=house.path("empty"))


@act("rules: of the gate that warns")
def _(house: Workspace) -> None:
    house.path("own").mkdir()
    (house.path("own") / "gate.toml").write_text(
        OWN.replace('kind = "country"', 'kind = "unknown"\neffect = "warn"')
        .replace('categories = ["public"]\n', "")
        .replace('countries = ["PK"]\n', "")
    )
    load_rules(shipped=house.path("own"))


@act("settings: of no jurisdiction")
def _(house: Workspace) -> None:
    settings = house.path("pse.toml")
    settings.write_text(f'jurisdiction = "lahore"\n{settings.read_text()}')
    policy.load_policy(Workspace(house.root), as_of=DAY)


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
