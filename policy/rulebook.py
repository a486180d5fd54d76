"""Rules as data: what refuses a category of data at a place, and the words of the gate.

Shipped in ``policy/rules/*.toml``; a workspace adds its own in its ``policy/rules/*.toml``. A rule can only refuse, so
an added rule can only tighten; what loosens is a NOC. Not legal advice::

    notice = "Not legal advice. …"

    [[rule]]
    id = "PSE-R003"
    kind = "country"                # see `Kind`
    text = "Restricted, Sensitive and Secret data rests in Pakistan."
    clause = "Cloud First Policy, data categories"
    source = "policy.md"
    dated = 2026-11-22              # day the source was read
    confidence = "A"                # A own documents, B secondary sources, C our stricter default
    valid_from = 2026-01-01         # optional, first day; valid_to the last
    waivable = true                 # a NOC may lift it
    effect = "refuse"               # or warn: allowed, with a finding
    categories = ["restricted"]     # what it is about
    countries = ["PK"]              # parameter of the kind

    [[rule.good]]                   # what it lets pass; `bad` is what it refuses; the tests run both
    category = "restricted"
    country = "PK"
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import msgspec

from policy.jurisdictions import refuse_unknown
from policy.registerfile import Cloud, Result, State
from pse.core.canonical import hash_of
from pse.core.documents.category import Category
from pse.core.documents.gate import GateRule
from pse.core.errors import BadInput
from pse.core.schema import Rests
from pse.core.settings import load_toml
from pse.core.text import printable

SHIPPED = Path(__file__).parent / "rules"
_ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+", re.ASCII)
_OURS = "PSE-"
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


class Kind(StrEnum):
    """What a rule looks at. The first group judges a class at a place, the second the words of `policy.gate.judge`."""

    CLASSIFIED = "classified"
    """Refuses data without a category."""
    COUNTRY = "country"
    """The place has to be in one of ``countries``."""
    CLOUD = "cloud"
    """The place's deployment model has to be one of ``clouds``."""
    STATE = "state"
    """The CSP has to stand at one of ``states`` for the category there; ``by_name``: in a row that names it."""
    PLACE = "place"
    """The place's id must match none of ``places`` (patterns)."""
    AUDIT = "audit"
    """The place's last audit has to have passed, and the next one must not be overdue."""
    JURISDICTION = "jurisdiction"
    """The entity has to be of one of ``jurisdictions``: only their registers accredit."""

    UNKNOWN = "unknown"
    UNLISTED_PLACE = "unlisted-place"
    UNLISTED_ENDPOINT = "unlisted-endpoint"
    FOREIGN_COPY = "foreign-copy"
    FOREIGN_WORKLOAD = "foreign-workload"
    UNKNOWN_KIND = "unknown-kind"
    EXPIRED = "expired"
    CLOCK = "clock"
    SAMPLE = "sample"


PARAMETERS: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        Kind.CLASSIFIED: frozenset(),
        Kind.COUNTRY: frozenset({"categories", "countries"}),
        Kind.CLOUD: frozenset({"categories", "clouds"}),
        Kind.STATE: frozenset({"categories", "states"}),
        Kind.PLACE: frozenset({"categories", "places"}),
        Kind.AUDIT: frozenset({"categories"}),
        Kind.JURISDICTION: frozenset({"categories", "jurisdictions"}),
    }
)
"""Parameters that each kind of place rule needs; a kind that is not here belongs to the gate and takes none."""


class Effect(StrEnum):
    """What comes of a rule that does not hold."""

    REFUSE = "refuse"
    WARN = "warn"
    """The place stays allowed, and whatever is planned there has a finding."""


_ALL_PARAMETERS = ("categories", "countries", "clouds", "states", "places", "jurisdictions")


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case beside a rule: an invented place and class, or an invented resource before an invented gate.

    Attributes:
        note: What it shows.
        category: None is unclassified. For a gate rule it does not matter.
        place: Id of the place.
        country: Its country.
        cloud: Its deployment model.
        state: How its CSP stands there for the category.
        listed: The register says so; false: it says nothing.
        by_name: The register's row names the category.
        audit: Outcome of the last audit; None is none.
        due: The next audit is due after the day of judging; false: it is overdue.
        jurisdiction: That of the entity and of the register.
        rests: For a gate rule: what the field has to do with residency.
        text: For a gate rule: the field's value; left out means not known.
        kind: For a gate rule: kind of the resource.
        workload: For a gate rule: workload of the resource.
        endpoint: For a gate rule: address of the place that the gate lists.
        sample: For a gate rule: the register is a sample.
        day: For a gate rule: day of judging.
    """

    note: str = ""
    category: Category | None = None
    place: str = "csp/region/site"
    country: str = "PK"
    cloud: Cloud = Cloud.GOVERNMENT
    state: State = State.ACCREDITED
    listed: bool = True
    by_name: bool = True
    audit: Result | None = Result.PASSED
    due: bool = True
    jurisdiction: str = "federal"
    rests: Rests = Rests.PLACE
    text: str | None = None
    kind: str = "Volume"
    workload: str = "portal"
    endpoint: str = "https://cloud.example"
    sample: bool = False
    day: date = date(2026, 6, 1)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule; see the module.

    Attributes:
        id: Unique over all files. ``PSE-…`` are the tool's.
        kind: See `Kind`.
        text: The rule in words, as a refusal shows it.
        clause: Clause or document it rests on.
        source: Where it was read.
        dated: Day it was read.
        confidence: ``A``, ``B`` or ``C``.
        valid_from: First day; None is always.
        valid_to: Last day; None is for ever.
        waivable: A NOC may lift it.
        effect: Refuse, or only warn.
        categories: Categories it is about.
        countries: Permitted, ISO 3166 alpha-2.
        clouds: Permitted deployment models.
        states: States that will do.
        by_name: The state has to be in a row that names the category.
        places: Refused, as patterns of place ids.
        jurisdictions: Ids of those whose registers accredit.
        good: Cases that it lets pass.
        bad: Cases that it refuses.
    """

    id: str
    kind: Kind
    text: str
    clause: str
    source: str
    dated: date
    confidence: str
    valid_from: date | None = None
    valid_to: date | None = None
    waivable: bool = True
    effect: Effect = Effect.REFUSE
    categories: tuple[Category, ...] = ()
    countries: tuple[str, ...] = ()
    clouds: tuple[Cloud, ...] = ()
    states: tuple[State, ...] = ()
    by_name: bool = False
    places: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    good: tuple[Case, ...] = ()
    bad: tuple[Case, ...] = ()

    @property
    def of_gate(self) -> bool:
        """It gives the gate its words and judges no place."""
        return self.kind not in PARAMETERS

    @property
    def cited(self) -> str:
        """Source, confidence and date in one line, and that it is not legal advice."""
        return f"{self.source}; confidence {self.confidence}; read {self.dated}; not legal advice"

    def holds(self, day: date) -> bool:
        """Whether it is in force on ``day``."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


class RuleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file."""

    notice: str = ""
    rule: tuple[Rule, ...]


class Rules:
    """All rules, shipped and own.

    Attributes:
        all: Sorted by id.
        hash: SHA-256 of what they say, whatever their layout; the cases beside them say nothing.
        notice: That none of it is legal advice.
    """

    def __init__(self, rules: Iterable[Rule], *, notice: str) -> None:
        """Sort them; `load_rules` has checked them."""
        self.all = tuple(sorted(rules, key=lambda rule: rule.id))
        self.hash = hash_of([msgspec.structs.replace(rule, good=(), bad=()) for rule in self.all])
        self.notice = notice

    def of_places(self) -> tuple[Rule, ...]:
        """Rules that judge a class at a place."""
        return tuple(rule for rule in self.all if not rule.of_gate)

    def of_gate(self, day: date) -> tuple[GateRule, ...]:
        """Words of the gate that are in force on ``day``, sorted."""
        return tuple(
            sorted(
                GateRule(kind=rule.kind.value, rule=rule.id, clause=rule.clause, text=rule.text, source=rule.cited)
                for rule in self.all
                if rule.of_gate and rule.holds(day)
            )
        )


def load_rules(own: Path | None = None, *, shipped: Path = SHIPPED) -> Rules:
    """Read the shipped rules and a workspace's own.

    Args:
        own: Folder of the workspace's rules; None or missing adds nothing.
        shipped: Folder of the tool's rules.

    Raises:
        BadInput: Not TOML, an unknown key or kind, a parameter that is missing or has no meaning for its kind, an id
            twice, an own rule with an id of the tool's or of the gate: file and path are named.
    """
    rules: dict[str, Rule] = {}
    notices: list[str] = []
    for folder, ours in ((shipped, True), (own, False)):
        for path in sorted(folder.glob("*.toml")) if folder is not None and folder.is_dir() else ():
            file = load_toml(path, RuleFile)
            notices.append(file.notice)
            for number, rule in enumerate(file.rule):
                where = f"{path}, $.rule[{number}]"
                _check(rule, where, ours=ours)
                if rule.id in rules:
                    raise BadInput(
                        f"a rule {rule.id} is there already",
                        where=f"{where}.id",
                        hint="Give it an id of its own. A rule is tightened by adding one, and loosened by a NOC only.",
                    )
                rules[rule.id] = rule
    if not rules:
        raise BadInput("no rules at all", where=str(shipped), hint="The installation is broken; install it again.")
    return Rules(rules.values(), notice=notices[0])


def _check(rule: Rule, where: str, *, ours: bool) -> None:
    if not _ID.fullmatch(rule.id):
        raise BadInput(f"not an id: {rule.id!r}", where=f"{where}.id", hint="For example MINISTRY-001.")
    if not ours and rule.id.startswith(_OURS):
        raise BadInput(
            f"{rule.id} is kept for the tool's own rules",
            where=f"{where}.id",
            hint="Give it an id of its own. A rule is tightened by adding one, and loosened by a NOC only.",
        )
    if not ours and rule.of_gate:
        raise BadInput(f"the gate's own rules cannot be added to: {rule.kind.value}", where=f"{where}.kind")
    if rule.confidence not in {"A", "B", "C"}:
        raise BadInput(f"confidence is A, B or C, not {rule.confidence!r}", where=f"{where}.confidence")
    _check_parameters(rule, where)
    if rule.valid_from is not None and rule.valid_to is not None and rule.valid_to < rule.valid_from:
        raise BadInput("valid_to is before valid_from", where=f"{where}.valid_to")


def _check_parameters(rule: Rule, where: str) -> None:
    needed = PARAMETERS.get(rule.kind, frozenset())
    for name in _ALL_PARAMETERS:
        if name in needed and not getattr(rule, name):
            raise BadInput(f"a rule of kind {rule.kind.value} needs {name}", where=f"{where}.{name}")
        if name not in needed and getattr(rule, name):
            raise BadInput(f"{name} means nothing in a rule of kind {rule.kind.value}", where=f"{where}.{name}")
    for name in rule.countries:
        if not _COUNTRY.fullmatch(name):
            raise BadInput(
                f"not a country code: {printable(name)!r}",
                where=f"{where}.countries",
                hint="Two capital letters of ISO 3166, for example PK.",
            )
    for name in rule.jurisdictions:
        refuse_unknown(name, where=f"{where}.jurisdictions")
    if rule.effect is Effect.WARN and rule.of_gate:
        raise BadInput("a check of the gate refuses, it never warns", where=f"{where}.effect")
    if rule.by_name and rule.kind is not Kind.STATE:
        raise BadInput(f"by_name means nothing in a rule of kind {rule.kind.value}", where=f"{where}.by_name")
