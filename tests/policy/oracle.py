"""A second opinion on the law: invented worlds, and who may be where in them, written from the policy's own table.

Nothing of what it checks is used here but the words of the documents: it counts days one by one where the rooms look at
dates, and reads the table of the five data categories where the rooms read rules. A disagreement is a defect of one of
the two.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fnmatch import fnmatchcase

IN_COUNTRY = "PK"
CATEGORIES = ("open", "public", "restricted", "sensitive", "secret")
STATES = ("accredited", "registered", "under-review", "applied", "expired", "suspended", "revoked")
"""The better first."""
ADVERSE = ("expired", "suspended", "revoked")
LIFTABLE = ("PSE-R002", "PSE-R003", "PSE-R004", "PSE-R005", "PSE-R006")
WORKLOADS = ("payments", "portal", "records")
FIRST = date(2026, 3, 1)
KINDS = ("Volume", "Server", "Bucket", "Snapshot")


@dataclass
class Row:
    """A line of a CSP's history."""

    state: str
    start: date
    end: date | None
    categories: tuple[str, ...]
    sites: tuple[str, ...]
    jurisdiction: str


@dataclass
class Place:
    """A site of a CSP."""

    csp: str
    region: str
    site: str
    country: str
    government: bool

    @property
    def id(self) -> str:
        """As the register writes it."""
        return f"{self.csp}/{self.region}/{self.site}"


@dataclass
class Deviation:
    """A NOC."""

    reference: str
    start: date
    end: date
    workloads: tuple[str, ...]
    places: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass
class Resource:
    """Something that a program wants to build, and what its parts point at.

    Attributes:
        kind: Kind.
        workload: Workload that it says it belongs to.
        inputs: By wire name.
        targets: Reference to the place of what it points at; None is not known.
        rests: Every place that its data would rest at or pass; None is not known, and a text that is no place counts.
    """

    kind: str
    workload: str
    inputs: dict[str, object]
    targets: dict[str, str | None]
    rests: list[str | None]


@dataclass
class World:
    """One invented country."""

    day: date
    valid_until: date
    places: list[Place] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    nocs: list[Deviation] = field(default_factory=list)
    categories: dict[str, str | None] = field(default_factory=dict)


def world(rng: random.Random) -> World:
    """Invent one: some CSPs with some history, some NOCs, three workloads."""
    made = World(day=_day(rng), valid_until=FIRST + timedelta(days=rng.choice((700, 900))))
    for number in range(rng.randint(1, 3)):
        csp = f"csp-{number}"
        sites = [f"r{n}/s{n}" for n in range(rng.randint(1, 2))]
        for site in sites:
            region, name = site.split("/")
            country = rng.choice((IN_COUNTRY, IN_COUNTRY, "XA"))
            made.places.append(Place(csp, region, name, country, government=rng.random() < 0.6))
        made.rows[csp] = [_row(rng, sites) for _ in range(rng.choice((0, 1, 2, 2, 3, 4)))]
    made.nocs = [_noc(rng, number, made.places) for number in range(rng.choice((0, 0, 1, 2)))]
    made.categories = {name: rng.choice((*CATEGORIES, *CATEGORIES, None)) for name in WORKLOADS}
    return made


def may(told: World, workload: str, place: Place, day: date) -> bool:
    """Whether the table of the five categories lets ``workload`` rest at ``place`` on ``day``."""
    category = told.categories[workload]
    if category is None or day > told.valid_until:
        return False
    lifted = {
        rule
        for noc in told.nocs
        if noc.start <= day <= noc.end
        and any(fnmatchcase(workload, pattern) for pattern in noc.workloads)
        and any(fnmatchcase(place.id, pattern) for pattern in noc.places)
        for rule in noc.rules
    }
    wrong = set()
    state = standing(told, place, category, day)
    if category == "open":
        if state not in ("registered", "accredited"):
            wrong.add("PSE-R002")
        return wrong <= lifted
    if state != "accredited":
        wrong.add("PSE-R005")
    if category in ("restricted", "sensitive", "secret"):
        if place.country != IN_COUNTRY:
            wrong.add("PSE-R003")
        if not place.government:
            wrong.add("PSE-R004")
    if category == "secret" and standing(told, place, category, day, by_name=True) != "accredited":
        wrong.add("PSE-R006")
    return wrong <= lifted


def stays(told: World, workload: str, place: Place, until: date) -> bool:
    """Whether it may be there on every single day from the plan's to ``until``.

    A NOC that begins after the plan's day opens nothing for that plan: it is planned anew.
    """
    then = replace(told, nocs=[noc for noc in told.nocs if noc.start <= told.day])
    days = (until - told.day).days
    return days >= 0 and all(may(then, workload, place, told.day + timedelta(days=n)) for n in range(days + 1))


def standing(told: World, place: Place, category: str, day: date, *, by_name: bool = False) -> str | None:
    """How the CSP stands there: the row that began last, the worse of two of one day."""
    found: tuple[date, int] | None = None
    for row in told.rows[place.csp]:
        general = not row.categories and (not by_name or row.state in ADVERSE)
        if row.start > day or row.jurisdiction != "federal" or (category not in row.categories and not general):
            continue
        if row.sites and f"{place.region}/{place.site}" not in row.sites:
            continue
        ended = row.end is not None and day > row.end and row.state not in ADVERSE
        worth = (row.start, STATES.index("expired" if ended else row.state))
        found = max(found, worth) if found else worth
    return STATES[found[1]] if found else None


def resources(rng: random.Random, told: World, workload: str) -> Iterator[Resource]:
    """Some resources of one workload's unit: most as they should be, the others wrong in one thing or another."""
    for number in range(4):
        kind = rng.choice(KINDS)
        place = rng.choice(told.places).id
        elsewhere = rng.choice([*(other.id for other in told.places), place, place, "nowhere/at/all", None])
        owner = workload if rng.random() < 0.9 else rng.choice(WORKLOADS)
        inputs: dict[str, object] = {"name": f"n{number}", "workload": owner, "place": place}
        targets: dict[str, str | None] = {}
        rests: list[str | None] = [place]
        for wire in {"Volume": ("encryptionKey",), "Bucket": ("encryptionKey",), "Snapshot": ("volume",)}.get(kind, ()):
            if kind == "Snapshot" or rng.random() < 0.5:
                inputs[wire], targets[wire] = "ref", elsewhere
                rests.append(elsewhere)
        if kind == "Server":
            image, image_at = rng.choice(
                [
                    ("debian-12", place),
                    (f"{elsewhere}:debian-12", elsewhere),
                    ("https://images.example/x", "https://images.example/x"),
                ]
            )
            inputs |= {"image": image, "subnet": "ref", "keyPair": "ref"}
            targets |= {"subnet": place, "keyPair": elsewhere}
            rests += [image_at if image_at is not None else "None:debian-12", place, elsewhere]
        if rng.random() < 0.1:
            inputs["place"], rests[0] = rng.choice(
                [(place.upper(), place.upper()), (f"{place} ", f"{place} "), (None, None)]
            )
            if kind == "Server" and inputs["image"] == "debian-12":
                rests[1] = rests[0]
        yield Resource(kind, owner, inputs, targets, rests)


def fits(told: World, unit: str, resource: Resource, day: date) -> bool:
    """Whether the resource may be built in the unit of workload ``unit`` on ``day``."""
    by_id = {place.id: place for place in told.places}
    return resource.workload == unit and all(
        rests is not None and rests in by_id and stays(told, unit, by_id[rests], day) for rests in resource.rests
    )


def _day(rng: random.Random) -> date:
    return FIRST + timedelta(days=rng.randint(-30, 60))


def _row(rng: random.Random, sites: list[str]) -> Row:
    start = _day(rng) - timedelta(days=rng.choice((0, 60, 120)))
    return Row(
        state=rng.choice((*("accredited",) * 8, *STATES)),
        start=start,
        end=start + timedelta(days=rng.randint(0, 400)) if rng.random() < 0.4 else None,
        categories=tuple(sorted(rng.sample(CATEGORIES, rng.choice((0, 0, 2, 4))))),
        sites=tuple(rng.sample(sites, rng.choice((0, 0, 1)))),
        jurisdiction=rng.choice((*("federal",) * 7, "sindh")),
    )


def _noc(rng: random.Random, number: int, places: list[Place]) -> Deviation:
    start = _day(rng) - timedelta(days=20)
    return Deviation(
        reference=f"NOC-{number}",
        start=start,
        end=start + timedelta(days=rng.randint(0, 60)),
        workloads=rng.choice((("*",), ("pay*",), ("portal", "records"))),
        places=rng.choice((("*",), (rng.choice(places).id,), ("csp-0/*",))),
        rules=tuple(sorted(rng.sample(LIFTABLE, rng.randint(1, 4)))),
    )
