"""Everything that gate, rules and register refuse with words of their own, and a way to get each refusal."""

from collections.abc import Callable
from datetime import date

import policy
from policy.nocs import load_nocs, sign_nocs
from policy.register import load_register, sign_register
from policy.rulebook import load_rules
from policy.signing import sign_file
from pse.core.settings import Workspace
from tests.policy.house import OWN, REGISTER, noc
from tests.policy.test_policy_gatefiles import DAY

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


def _signed_all_the_same(house: Workspace, text: str) -> None:
    path = house.path("policy/register.toml")
    path.write_text(text)
    sign_file(house, path)
    load_register(house)


@act("register: wrong, and signed all the same")
def _(house: Workspace) -> None:
    _signed_all_the_same(house, REGISTER.replace('"sample-markhor"', '"Sample"'))


@act("register: not TOML, and signed all the same")
def _(house: Workspace) -> None:
    _signed_all_the_same(house, "[[csp")


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
    ("country", '["PK"]', '["Pak"]'),
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
