"""A register of one place, and rules made for a test."""

from datetime import date
from typing import Any

from policy.labels import Labels
from policy.load import Policy
from policy.nocs import Noc, Nocs
from policy.register import Register
from policy.registerfile import CSP, Audit, Cloud, RegisterFile, Site, StateRow
from policy.rulebook import Kind, Rule, Rules, load_rules
from pse.core.documents.category import Category

DAY = date(2026, 6, 1)
SITE: dict[str, Any] = {
    "region": "region",
    "site": "site",
    "name": "x",
    "country": "PK",
    "cloud": Cloud.GOVERNMENT,
    "provider": "lab",
    "endpoint": "lab:csp",
    "evidence": "x",
}
PLACE = "csp/region/site"


def register(*, state: tuple[StateRow, ...] = (), audit: tuple[Audit, ...] = (), **site: Any) -> Register:
    house = Site(**{**SITE, **site})
    csp = CSP(id="csp", name="x", site=(house,), state=state, audit=audit)
    file = RegisterFile(name="x", issued=DAY, valid_until=date(2027, 12, 31), source="x", csp=(csp,))
    return Register(file, hash_="h", where="r")


def law(known: Register, *rules: Rule, nocs: tuple[Noc, ...] = ()) -> Policy:
    shipped = load_rules()
    return Policy(
        rules=Rules(rules or shipped.all, notice=shipped.notice), register=known, nocs=Nocs(noc=nocs), labels=Labels()
    )


def rule(kind: Kind, **words: Any) -> Rule:
    return Rule(
        id="A-1",
        kind=kind,
        text="t",
        clause="c",
        source="s",
        dated=DAY,
        confidence="C",
        categories=tuple(Category),
        **words,
    )
