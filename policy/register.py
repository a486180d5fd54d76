"""The register of CSPs: who may hold what, where and until when. Signed; what is not signed is refused.

What it says is in `policy.registerfile`.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from policy.newest import note_newest, refuse_older
from policy.registerfile import Audit, Cloud, RegisterFile, Result, State, StateRow, check
from policy.signing import read_signed, sign_file
from pse.core.canonical import digest, read_bytes
from pse.core.documents.category import Category
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace, parse_toml

FILE = "policy/register.toml"
_WRITE = (
    "Write it: name, issued, valid_until and source, then each CSP with its sites and states as docs/own-estate.md "
    "shows; then run `pse register sign`."
)
_SIGN = "Check who changed it. If what it says is right, run `pse register sign`."
_OLDER = "Bring the newest register back. If this one counts again, read it and run `pse register sign`."


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
        jurisdictions: Those whose registers it holds, side by side; its own first.
    """

    def __init__(self, file: RegisterFile, *, hash_: str, where: str = FILE) -> None:
        """Check what the types cannot say.

        Raises:
            BadInput: An id that is not plain, a country that is not a code, duplicates, or a state of an unknown site.
        """
        check(file, where)
        self.file = file
        self.hash = hash_
        self.places = tuple(sorted(_places(file), key=lambda place: place.id))
        others = {row.jurisdiction for csp in file.csp for row in csp.state} - {"", file.jurisdiction}
        self.jurisdictions = (file.jurisdiction, *sorted(others))
        self._where = where
        self._rows = {csp.id: csp.state for csp in file.csp}
        self._audits = {csp.id: csp.audit for csp in file.csp}

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

    def audits(self, csp: str) -> tuple[Audit, ...]:
        """The audits of a CSP."""
        return self._audits.get(csp, ())

    def last_audit(self, place: Place, day: date) -> Audit | None:
        """The newest audit of the place with a result on ``day``, of several of one day the worst; None without any."""
        site = f"{place.region}/{place.site}"
        known = [
            audit for audit in self.audits(place.csp) if audit.on <= day and (not audit.sites or site in audit.sites)
        ]
        return max(known, key=lambda audit: (audit.on, list(Result).index(audit.outcome)), default=None)

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
