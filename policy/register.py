"""The register of CSPs: who may hold what, where and until when. Signed; what is not signed is refused.

``policy/register.toml`` in the workspace, its signature beside it in ``register.toml.sig``::

    name = "Sample register"
    jurisdiction = "federal"
    issued = 2026-11-01
    valid_until = 2027-12-31
    sample = true
    source = "Invented for the sample"

    [[csp]]
    id = "sample-markhor"
    name = "Sample Markhor Cloud"

    [[csp.site]]
    region = "islamabad"
    site = "ict-1"
    name = "Sample data centre"
    country = "PK"                      # ISO 3166 alpha-2
    cloud = "government"                # or "public", which is what is taken when nothing is said
    provider = "lab"                    # name of the adapter
    endpoint = "lab:sample-markhor"
    evidence = "Invented for the sample"
    options = {}

    [[csp.state]]
    state = "accredited"                # registered applied under-review accredited suspended revoked expired
    categories = ["open", "public"]     # none: every category in general, and none by name
    sites = ["islamabad/ict-1"]         # none: every site of the CSP
    start = 2026-01-01
    end = 2027-06-30                    # last day; after it the state is "expired"
    reference = "SAMPLE-1"

The rows of ``csp.state`` are a history: on a day, the row that started last counts; of two that started on the same
day, the worse one.
"""

import re
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from pathlib import Path

import msgspec

from policy.newest import note_newest, refuse_older
from policy.signing import read_signed, sign_file
from pse.core.canonical import digest, read_bytes
from pse.core.documents.category import Category
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace, parse_toml
from pse.core.text import printable

FILE = "policy/register.toml"
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_WRITE = (
    "Write it: name, issued, valid_until and source, then each CSP with its sites and states as docs/own-estate.md "
    "shows; then run `pse register sign`."
)
_SIGN = "Check who changed it. If what it says is right, run `pse register sign`."
_OLDER = "Bring the newest register back. If this one counts again, read it and run `pse register sign`."
_COUNTRY = re.compile(r"[A-Z]{2}")


class State(StrEnum):
    """How a CSP stands for a category at a place; later means worse."""

    ACCREDITED = "accredited"
    REGISTERED = "registered"
    UNDER_REVIEW = "under-review"
    APPLIED = "applied"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    REVOKED = "revoked"

    @property
    def rank(self) -> int:
        """0 for accredited up to 6 for revoked."""
        return list(State).index(self)


class Cloud(StrEnum):
    """Deployment model of a site."""

    PUBLIC = "public"
    GOVERNMENT = "government"


class StateRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a CSP's history.

    Attributes:
        state: See `State`.
        categories: Categories that it names; none means every category in general, and none by name.
        sites: Sites as ``region/site``; none means all of the CSP.
        start: First day.
        end: Last day; from the next on the state is expired. None: until another row starts.
        jurisdiction: Whose register says so; empty means the register's own.
        reference: Document that says so.
    """

    state: State
    categories: tuple[Category, ...] = ()
    sites: tuple[str, ...] = ()
    start: date
    end: date | None = None
    jurisdiction: str = ""
    reference: str = ""


class Site(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data centre of a CSP, as the file writes it; `Place` is how the program sees it."""

    region: str
    site: str
    name: str
    country: str
    cloud: Cloud = Cloud.PUBLIC
    provider: str
    endpoint: str
    evidence: str
    options: dict[str, str] = {}


class CSP(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cloud service provider with its sites and its history."""

    id: str
    name: str
    sample: bool = False
    site: tuple[Site, ...]
    state: tuple[StateRow, ...] = ()


class RegisterFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file, as it is written.

    Attributes:
        name: Name of the register.
        jurisdiction: ``federal`` or a province's id.
        issued: Day of issue.
        valid_until: Last day on which it may be used.
        sample: Invented; a real cloud refuses it.
        source: Where it comes from.
        csp: The CSPs; none means no place, so that everything is refused.
    """

    name: str
    jurisdiction: str = "federal"
    issued: date
    valid_until: date
    sample: bool = False
    source: str
    csp: tuple[CSP, ...] = ()


class Place(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """CSP + region + site: one address in one country.

    Attributes:
        id: ``csp/region/site``.
        csp: Id of the CSP.
        region: Region.
        site: Site.
        site_name: Name of the data centre, for people.
        country: ISO 3166 alpha-2.
        cloud: Deployment model.
        provider: Name of the adapter.
        endpoint: Service address.
        options: The adapter's own settings.
        sample: Invented.
        evidence: What shows that the site is where it is said to be.
    """

    id: str
    csp: str
    region: str
    site: str
    site_name: str
    country: str
    cloud: Cloud
    provider: str
    endpoint: str
    options: dict[str, str]
    sample: bool
    evidence: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a CSP stands for one category at one place on one day.

    Attributes:
        state: None when the register says nothing.
        row: The row that says so.
    """

    state: State | None
    row: StateRow | None = None


class Register:
    """The register, its signature verified.

    Attributes:
        file: What the file says.
        hash: SHA-256 of the signed bytes.
        places: Every site, sorted by id.
    """

    def __init__(self, file: RegisterFile, *, hash_: str, where: str = FILE) -> None:
        """Check what the types cannot say.

        Raises:
            BadInput: An id that is not plain, a country that is not a code, duplicates, or a state of an unknown site.
        """
        _check(file, where)
        self.file = file
        self.hash = hash_
        self.places = tuple(sorted(_places(file), key=lambda place: place.id))
        self._where = where
        self._rows = {csp.id: csp.state for csp in file.csp}

    @property
    def sample(self) -> bool:
        """The register, or a CSP in it, is invented."""
        return self.file.sample or any(csp.sample for csp in self.file.csp)

    def refuse_expired(self, day: date) -> None:
        """Return when the register may be used on ``day``.

        Raises:
            Refused: Its last day has passed.
        """
        if day > self.file.valid_until:
            raise Refused(
                f"the register expired on {self.file.valid_until}, before {day}",
                where=self._where,
                hint="Get the current register from the Cloud Office, sign it and put it here.",
            )

    def place(self, place_id: str) -> Place | None:
        """The place with this very id, or None."""
        return next((place for place in self.places if place.id == place_id), None)

    def rows(self, csp: str) -> tuple[StateRow, ...]:
        """The history of a CSP."""
        return self._rows.get(csp, ())

    def standing(
        self, place: Place, category: Category, day: date, *, jurisdiction: str, by_name: bool = False
    ) -> Standing:
        """How the place's CSP stands for ``category`` there on ``day``.

        Args:
            place: A place of this register.
            category: Data category.
            day: The day to look at.
            jurisdiction: Only rows of this jurisdiction count.
            by_name: A good state counts only in a row that names the category; a bad one always.
        """
        site = f"{place.region}/{place.site}"
        rows = [
            row
            for row in self.rows(place.csp)
            if row.start <= day
            and (not row.sites or site in row.sites)
            and (category in row.categories or (not row.categories and (not by_name or row.state in _ADVERSE)))
            and (row.jurisdiction or self.file.jurisdiction) == jurisdiction
        ]
        if not rows:
            return Standing(state=None)
        row = max(rows, key=lambda row: (row.start, _state_on(row, day).rank))
        return Standing(state=_state_on(row, day), row=row)


_ADVERSE = frozenset({State.SUSPENDED, State.REVOKED, State.EXPIRED})


def load_register(workspace: Workspace, *, as_of: date | None = None) -> Register:
    """Read the register and verify its signature against the pin.

    Args:
        workspace: Where it is.
        as_of: Day to use it for; None does not look at its last day.

    Raises:
        BadInput: Missing, not TOML, an unknown key, duplicates: file and path are named.
        Refused: Unsigned, altered, signed by another key, older than one that was seen here, or expired on ``as_of``.
    """
    path = workspace.path(FILE)
    _exists(path)
    raw = read_signed(workspace, path, hint=_SIGN)
    register = Register(parse_toml(raw, RegisterFile, where=str(path)), hash_=digest(raw), where=str(path))
    refuse_older(workspace, FILE, raw, issued=register.file.issued, hint=_OLDER)
    if as_of is not None:
        register.refuse_expired(as_of)
    return register


def sign_register(workspace: Workspace) -> str:
    """Sign ``policy/register.toml`` with the workspace's key and return the SHA-256 of what was signed.

    It is the newest from then on, whatever its day of issue.

    Raises:
        BadInput: The register or the key cannot be used.
        Refused: The key here is not the pinned one.
    """
    path = workspace.path(FILE)
    _exists(path)
    raw = read_bytes(path)
    register = Register(parse_toml(raw, RegisterFile, where=str(path)), hash_="", where=str(path))
    sign_file(workspace, path)
    note_newest(workspace, FILE, raw, issued=register.file.issued)
    return digest(raw)


def _exists(path: Path) -> None:
    if not path.exists():
        raise BadInput("there is no register of cloud service providers", where=str(path), hint=_WRITE)


def _state_on(row: StateRow, day: date) -> State:
    """A row past its last day says expired; one that took something away says so for ever."""
    over = row.end is not None and day > row.end
    return State.EXPIRED if over and row.state not in _ADVERSE else row.state


def _places(file: RegisterFile) -> Iterator[Place]:
    for csp in file.csp:
        for site in csp.site:
            yield Place(
                id=f"{csp.id}/{site.region}/{site.site}",
                csp=csp.id,
                region=site.region,
                site=site.site,
                site_name=site.name,
                country=site.country,
                cloud=site.cloud,
                provider=site.provider,
                endpoint=site.endpoint,
                options=site.options,
                sample=file.sample or csp.sample,
                evidence=site.evidence,
            )


def _check(file: RegisterFile, where: str) -> None:
    seen: set[str] = set()
    for c, csp in enumerate(file.csp):
        at = f"{where}, $.csp[{c}]"
        _plain(csp.id, f"{at}.id")
        _once(seen, csp.id, f"{at}.id")
        for s, site in enumerate(csp.site):
            _plain(site.region, f"{at}.site[{s}].region")
            _plain(site.site, f"{at}.site[{s}].site")
            _once(seen, f"{csp.id}/{site.region}/{site.site}", f"{at}.site[{s}]")
            if not _COUNTRY.fullmatch(site.country):
                raise BadInput(
                    f"not a country code: {site.country!r}",
                    where=f"{at}.site[{s}].country",
                    hint="Two capital letters of ISO 3166, for example PK.",
                )
            port = site.options.get("ssh_port", "22")
            if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65535):
                raise BadInput(
                    f"not a port: {printable(port[:40])!r}",
                    where=f"{at}.site[{s}].options.ssh_port",
                    hint="The port of SSH on new servers there, 1 to 65535; 22 where the option is left out.",
                )
        known = {f"{site.region}/{site.site}" for site in csp.site}
        for r, row in enumerate(csp.state):
            for name in row.sites:
                if name not in known:
                    raise BadInput(f"no such site of {csp.id}: {name!r}", where=f"{at}.state[{r}].sites")
            if row.end is not None and row.end < row.start:
                raise BadInput(f"ends on {row.end}, before it starts", where=f"{at}.state[{r}].end")


def _plain(name: str, where: str) -> None:
    # Ids are compared byte for byte everywhere: capitals, spaces and look-alike letters must not get in here.
    if not _ID.fullmatch(name):
        raise BadInput(f"not an id: {name!r}", where=where, hint="Lower-case letters, digits and single hyphens.")


def _once(seen: set[str], name: str, where: str) -> None:
    if name in seen:
        raise BadInput(f"twice in the register: {name!r}", where=where)
    seen.add(name)
