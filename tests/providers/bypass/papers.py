"""Papers that somebody changed: gate file, register, NOCs, rules, categories, ledger."""

import json
from datetime import timedelta
from unittest.mock import patch

import msgspec

from policy.gate import sign_gate, write_gate
from policy.ledger import Ledger
from policy.nocs import sign_nocs
from policy.register import sign_register
from pse.core.documents.gate import AllowedPlace
from pse.core.time import now, today
from tests.policy.house import noc
from tests.providers.bypass.scene import Scene, attempt
from tests.providers.house import ABROAD, REGISTER, UNIT

NETWORK = {"cidr": "10.0.0.0/16"}
GATE = "PSE-G010"


def _gate_text(scene: Scene) -> str:
    return (scene.house.root / ".pse" / "gate" / f"{UNIT}.json").read_text()


def _gate(what: str, old: str, new: str) -> None:
    @attempt(f"a gate file with {what}", "check", GATE)
    def _(scene: Scene) -> str:
        text = _gate_text(scene)
        assert old in text
        (scene.house.root / ".pse" / "gate" / f"{UNIT}.json").write_text(text.replace(old, new))
        return scene.check("Network", **NETWORK, place=ABROAD)


for _what, _old, _new in (
    ("another category", '"restricted"', '"open"'),
    ("the place abroad in it", '"sample-north/khi/two"', f'"{ABROAD}"'),
    ("another day", '"2026-06-01"', '"2020-06-01"'),
    ("another endpoint", '"lab:north"', '"lab:far"'),
    ("another workload", f'"{UNIT}"', '"records"'),
    ("a real register", '"sample": true', '"sample": false'),
):
    _gate(_what, _old, _new)


@attempt("no gate file", "check", GATE)
def _(scene: Scene) -> str:
    (scene.house.root / ".pse" / "gate" / f"{UNIT}.json").unlink()
    return scene.check("Network", **NETWORK)


@attempt("another unit's gate file under this unit's name", "check", GATE)
def _(scene: Scene) -> str:
    scene.house.gate(unit="other", workloads=(UNIT,))
    folder = scene.house.root / ".pse" / "gate"
    (folder / f"{UNIT}.json").write_text((folder / "other.json").read_text())
    return scene.check("Network", **NETWORK)


@attempt("a gate file that another key signed", "check", GATE)
def _(scene: Scene) -> str:
    path = scene.house.root / ".pse" / "gate" / f"{UNIT}.json"
    found = json.loads(path.read_text())
    found["signature"] = "0" * 128
    path.write_text(json.dumps(found))
    return scene.check("Network", **NETWORK)


def _register(what: str, old: str, new: str, *, signed: bool) -> None:
    @attempt(f"a register with {what}{', signed anew' if signed else ''}", "check", GATE)
    def _(scene: Scene) -> str:
        assert old in REGISTER
        (scene.house.root / "policy" / "register.toml").write_text(REGISTER.replace(old, new, 1))
        if signed:
            sign_register(scene.house.workspace)
        return scene.check("Network", **NETWORK, place=ABROAD)


for _what, _old, _new in (
    ("the place abroad in Pakistan", 'country = "XA"', 'country = "PK"'),
    ("another endpoint for an allowed place", 'endpoint = "lab:north"', 'endpoint = "lab:far"'),
    (
        "the outside CSP accredited",
        'id = "sample-far"',
        'id = "sample-far"\nstate = [{ state = "accredited", start = 2026-01-01 }]',
    ),
):
    for _signed in (False, True):
        _register(_what, _old, _new, signed=_signed)


@attempt("an own rule file that takes the place of a shipped rule", "check", GATE)
def _(scene: Scene) -> str:
    folder = scene.house.root / "policy" / "rules"
    folder.mkdir(exist_ok=True)
    (folder / "own.toml").write_text(
        '[[rule]]\nid = "PSE-R003"\nkind = "country"\ntext = "x"\nclause = "x"\nsource = "x"\ndated = 2026-01-01\n'
        'confidence = "A"\ncategories = ["secret"]\ncountries = ["PK"]\n'
    )
    return scene.check("Network", **NETWORK, place=ABROAD)


@attempt("a NOC that nobody signed", "check", GATE)
def _(scene: Scene) -> str:
    (scene.house.root / "policy" / "nocs.toml").write_text(
        '[[noc]]\nreference = "NOC-1"\nstart = 2026-01-01\nend = 2099-12-31\nworkloads = ["*"]\nplaces = ["*"]\n'
        'rules = ["PSE-R003", "PSE-R004", "PSE-R005"]\n'
    )
    return scene.check("Network", **NETWORK, place=ABROAD)


@attempt("labels that were changed since the plan", "check", GATE)
def _(scene: Scene) -> str:
    path = scene.house.root / "policy" / "labels.toml"
    path.write_text('[[label]]\ncategory = "open"\nhosts = ["*"]\n')
    return scene.check("Network", **NETWORK)


@attempt("a note of categories that says Open", "check", GATE)
def _(scene: Scene) -> str:
    path = scene.house.root / ".pse" / "categories.json"
    path.write_text(path.read_text().replace('"restricted"', '"open"'))
    return scene.check("Network", **NETWORK)


@attempt("a NOC that expired since the plan was made", "check", "PSE-R003")
def _(scene: Scene) -> str:
    end = today() - timedelta(days=1)
    scene.house.workspace.path("policy", "nocs.toml").write_text(
        noc(
            end=end.isoformat(),
            workloads='["*"]',
            places='["*"]',
            rules='["PSE-R003", "PSE-R004", "PSE-R005"]',
        )
    )
    sign_nocs(scene.house.workspace)
    gate = scene.house.gate()
    allowed = (*gate.allowed, AllowedPlace(place=ABROAD, until=end))
    lifted = msgspec.structs.replace(
        gate,
        class_id=f"{gate.class_id}+NOC-1",
        allowed=allowed,
        refused=(),
        endpoints={**gate.endpoints, ABROAD: "lab:far"},
    )
    write_gate(scene.house.workspace, sign_gate(scene.house.workspace, lifted))
    return scene.check("Network", **NETWORK, place=ABROAD)


@attempt("a clock that is behind the ledger", "check", GATE)
def _(scene: Scene) -> str:
    later = now() + timedelta(days=40)
    with patch("policy.ledger.now", lambda: later):
        Ledger(scene.house.workspace).record("up", {})
    return scene.check("Network", **NETWORK)


@attempt("a gate that was made for a day to come", "check", GATE)
def _(scene: Scene) -> str:
    gate = msgspec.structs.replace(scene.house.gate(), as_of=today() + timedelta(days=1))
    write_gate(scene.house.workspace, sign_gate(scene.house.workspace, gate))
    return scene.check("Network", **NETWORK)


@attempt("a register that expired", "check", GATE)
def _(scene: Scene) -> str:
    path = scene.house.workspace.path("policy", "register.toml")
    path.write_text(path.read_text().replace("2099-12-31", (today() - timedelta(days=1)).isoformat()))
    sign_register(scene.house.workspace)
    return scene.check("Network", **NETWORK)


@attempt("the place abroad taken out of the register", "check", GATE)
def _(scene: Scene) -> str:
    path = scene.house.workspace.path("policy", "register.toml")
    path.write_text(path.read_text().partition('[[csp]]\nid = "sample-far"')[0])
    sign_register(scene.house.workspace)
    return scene.check("Network", **NETWORK, place=ABROAD)
