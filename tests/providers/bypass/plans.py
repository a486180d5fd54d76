"""What is tried on a plan: before it is made, after it was made, and on the day it is built."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

from policy import Ledger
from policy.nocs import sign_nocs
from policy.register import sign_register
from pse.core.time import now, today
from tests.blueprints.estates import ABROAD, IN_COUNTRY, SUSPENDED
from tests.policy.house import noc
from tests.providers.bypass.office import DAY, Office
from tests.providers.bypass.scene import attempt

LOWERED = "1 category would become less strict, and no second person agreed: records (sensitive to open)"
LOWERED_WISH = "1 category would become less strict, and no second person agreed: analytics (restricted to open)"
DAYS = 40
CLOCK = f"the clock says {today()}, and the ledger was written on {today() + timedelta(days=DAYS)}"
CHANGED = "the plan was changed after it was made"
UNSIGNED = "the signature does not fit what it stands beside: one of the two was altered"


def _edited(what: str, part: str, reason: str, *changes: tuple[str, str]) -> None:
    @attempt(f"a plan with {what}", "plan", reason, stage="office")
    def _(office: Office) -> str:
        office.edit(part, *changes)
        return office.up()


for _what, _part, _changes in (
    ("a unit at the place abroad", "units/records.json", ((IN_COUNTRY, ABROAD),)),
    ("a unit of a renamed category", "units/records.json", (('"sensitive"', '"open"'),)),
    ("a gate for another category", "gate/records.json", (('"sensitive"', '"open"'),)),
    ("the place abroad in a gate", "gate/records.json", ((IN_COUNTRY, ABROAD),)),
    ("verdicts that allow what they refuse", "verdicts.json", (('"allowed": false', '"allowed": true'),)),
    ("a class that was renamed", "verdicts.json", (('"id": "sensitive"', '"id": "open"'),)),
):
    _edited(_what, _part, "this part of the plan was changed after it was made", *_changes)
_edited("another day", "plan.json", CHANGED, (f'"{DAY}"', '"2027-12-01"'))
_edited("a decision for the place abroad", "plan.json", CHANGED, (IN_COUNTRY, ABROAD))


def _sealed(what: str, **changes: Any) -> None:
    @attempt(f"a plan sealed anew with {what}", "plan", "PSE-R003", "PSE-G002", "PSE-G005", stage="office")
    def _(office: Office) -> str:
        office.sealed("records", **changes)
        return office.up("--unit", "records")


_sealed("a unit at the place abroad", place=ABROAD)
_sealed("a unit at a look-alike of its place", place=IN_COUNTRY.replace("a", "\u0430", 1))
_sealed("a unit of another workload", workload="opendata")


@attempt("a plan that another key signed", "plan", UNSIGNED, stage="office")
def _(office: Office) -> str:
    (office.folder / "plan.json.sig").write_text("0" * 128 + "\n")
    return office.up()


def _papers(what: str, reason: str, file: str, old: str, new: str) -> None:
    @attempt(f"after the plan was made: {what}", "plan", reason, stage="office")
    def _(office: Office) -> str:
        path = office.path(*file.split("/"))
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        if path.name == "register.toml":
            sign_register(office.workspace)
        return office.up()


_papers(
    "the place abroad moved to Pakistan, signed anew",
    "register changed since the plan was made",
    "policy/register.toml",
    'country = "XA"',
    'country = "PK"',
)
_papers(
    "labels that say Open",
    "labels changed since the plan was made",
    "policy/labels.toml",
    '"sensitive"',
    '"open"',
)


@attempt(
    "after the plan was made: a rule of its own that says the opposite",
    "plan",
    "rules changed since the plan was made",
    stage="office",
)
def _(office: Office) -> str:
    folder = office.path("policy", "rules")
    folder.mkdir(exist_ok=True)
    (folder / "own.toml").write_text(
        '[[rule]]\nid = "OWN-1"\nkind = "country"\ntext = "x"\nclause = "x"\nsource = "x"\ndated = 2026-01-01\n'
        'confidence = "A"\ncategories = ["secret"]\ncountries = ["XA"]\n'
    )
    return office.up()


@attempt("a clock that was set back", "plan", CLOCK, stage="office")
def _(office: Office) -> str:
    later = now() + timedelta(days=DAYS)
    with patch("policy.ledger.now", lambda: later):
        Ledger(office.workspace).record("up", {})
    return office.up()


def _demanded(what: str, rule: str, workload: str, place: str) -> None:
    @attempt(f"a workload that people send {what}", "plan", rule, stage="office")
    def _(office: Office) -> str:
        _send(office, workload, place)
        return office.plan("--as-of", DAY)


_demanded("abroad", "PSE-R003", "records", ABROAD)
_demanded("to a suspended CSP", "PSE-R005", "records", SUSPENDED)


@attempt("an environment of Restricted data that is to be built abroad", "plan", "PSE-R003", stage="office")
def _(office: Office) -> str:
    path = office.path("environments", "analytics.toml")
    path.write_text(f'place = "{ABROAD}"\n{path.read_text()}')
    return office.plan("--as-of", DAY)


@attempt("a price book in which nobody but the place abroad sells anything", "plan", "PSE-R003", stage="office")
def _(office: Office) -> str:
    _send(office, "records")
    path = office.path("policy", "prices.toml")
    head, *offers = path.read_text().split("[[offer]]")
    path.write_text("[[offer]]".join((head, *(offer for offer in offers if IN_COUNTRY not in offer))))
    return office.plan("--as-of", DAY)


@attempt("a NOC that has expired", "plan", "PSE-R003", stage="office")
def _(office: Office) -> str:
    end = today() - timedelta(days=1)
    path = office.path("policy", "nocs.toml")
    path.write_text(
        noc(
            end=end.isoformat(),
            start=(end - timedelta(days=30)).isoformat(),
            workloads='["*"]',
            places='["*"]',
            rules='["PSE-R003", "PSE-R004", "PSE-R005"]',
        )
    )
    sign_nocs(office.workspace)
    _send(office, "records")
    return office.plan("--as-of", today().isoformat())


@attempt("a NOC that nobody signed, at the plan", "plan", "not signed", stage="office")
def _(office: Office) -> str:
    office.path("policy", "nocs.toml").write_text(noc(workloads='["*"]', places='["*"]'))
    return office.plan("--as-of", DAY)


@attempt("a register that was altered, at the plan", "plan", UNSIGNED, stage="office")
def _(office: Office) -> str:
    path = office.path("policy", "register.toml")
    path.write_text(path.read_text().replace('country = "XA"', 'country = "PK"'))
    return office.plan("--as-of", DAY)


@attempt(
    "a register put back from before the suspension",
    "plan",
    "an older one was put back: another was signed after it",
    stage="office",
)
def _(office: Office) -> str:
    path, signature = (office.path("policy", name) for name in ("register.toml", "register.toml.sig"))
    old = (path.read_bytes(), signature.read_bytes())
    path.write_text(path.read_text() + "\n# newer\n")
    sign_register(office.workspace)
    path.write_bytes(old[0])
    signature.write_bytes(old[1])
    return office.plan("--as-of", DAY)


@attempt("a day before the suspension by `--as-of`, built today", "program", "PSE-R005", stage="office")
def _(office: Office) -> str:
    _send(office, "portal", SUSPENDED)
    office.pse_done("plan", "--as-of", "2026-05-31", "--out", str(office.path("plans", "early")))
    office.folder = office.path("plans", "early")
    return office.up("--unit", "portal")


@attempt("a workload whose label was taken away", "plan", "PSE-R001", stage="office")
def _(office: Office) -> str:
    path = office.path("policy", "labels.toml")
    path.write_text(path.read_text().replace('hosts = ["records"]\ntags = ["service=file-records"]', 'hosts = ["x"]'))
    return office.plan("--as-of", DAY)


@attempt("a category that one person made less strict", "plan", LOWERED, stage="office")
def _(office: Office) -> str:
    office.pse_done("plan", "--as-of", DAY)
    path = office.path("policy", "labels.toml")
    path.write_text(path.read_text().replace('"sensitive"', '"open"'))
    return office.plan("--as-of", DAY)


@attempt("an environment that one person made less strict", "plan", LOWERED_WISH, stage="office")
def _(office: Office) -> str:
    office.pse_done("plan", "--as-of", DAY)
    path = office.path("environments", "analytics.toml")
    path.write_text(path.read_text().replace('"restricted"', '"open"'))
    return office.plan("--as-of", DAY)


def _send(office: Office, workload: str, place: str = ABROAD) -> None:
    path, head = office.path("workloads.toml"), f"[workload.{workload}]\n"
    assert head in path.read_text()
    path.write_text(path.read_text().replace(head, f'{head}place = "{place}"\n', 1))
