"""The register of CSPs as it is written: providers, their sites, how they stand, and their audits.

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

    [[csp.audit]]
    on = 2026-03-01                     # day of its result
    outcome = "passed"                  # or passed-with-conditions, failed
    next_due = 2027-03-01               # last day by which the next one has to have a result
    reference = "SAMPLE-AUDIT-1"

The rows of ``csp.state`` are a history: on a day, the row that started last counts; of two that started on the same
day, the worse one.
"""

import re
from datetime import date
from enum import StrEnum

import msgspec

from policy.jurisdictions import refuse_unknown
from pse.core.documents.category import Category
from pse.core.errors import BadInput
from pse.core.text import printable

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}")
_PAKISTAN = ((23.5, 37.2), (60.8, 78.0))
"""Degrees of latitude and longitude around the country and what it administers: wide, it only has to show slips."""


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


class Result(StrEnum):
    """Outcome of an audit."""

    PASSED = "passed"
    CONDITIONS = "passed-with-conditions"
    FAILED = "failed"


class Audit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ICT audit of a CSP; accredited ones undergo them regularly (policy.md, roles).

    Attributes:
        on: Day of its result.
        outcome: See `Result`.
        next_due: Last day by which the next one has to have a result; None is not known.
        sites: Sites as ``region/site``; none means all of the CSP.
        by: Office or firm that audited.
        reference: Document that says so.
    """

    on: date
    outcome: Result
    next_due: date | None = None
    sites: tuple[str, ...] = ()
    by: str = ""
    reference: str = ""


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to ask, by role: people change.

    Attributes:
        role: For example ``data protection`` or ``incidents, day and night``.
        email: Address.
        phone: Number.
    """

    role: str
    email: str = ""
    phone: str = ""


class Site(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data centre of a CSP, as the file writes it; `policy.register.Place` is how the program sees it.

    Attributes:
        region: Region.
        site: Site.
        name: Name of the data centre.
        country: ISO 3166 alpha-2.
        cloud: Deployment model.
        provider: Name of the adapter.
        endpoint: Service address.
        evidence: What shows that it is where it is said to be.
        address: Where it stands, as on an envelope.
        latitude: Degrees north, with ``longitude``.
        longitude: Degrees east.
        services: What the CSP sells there, in its words.
        options: The adapter's own settings.
    """

    region: str
    site: str
    name: str
    country: str
    cloud: Cloud = Cloud.PUBLIC
    provider: str
    endpoint: str
    evidence: str
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    services: tuple[str, ...] = ()
    options: dict[str, str] = {}


class CSP(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cloud service provider.

    Attributes:
        id: Plain id.
        name: For people.
        legal_entity: Name and number under which it is incorporated.
        sample: Invented.
        contact: Whom to ask.
        site: Its data centres.
        state: How it stands: a history.
        audit: Its audits: a history.
    """

    id: str
    name: str
    legal_entity: str = ""
    sample: bool = False
    contact: tuple[Contact, ...] = ()
    site: tuple[Site, ...]
    state: tuple[StateRow, ...] = ()
    audit: tuple[Audit, ...] = ()


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


def check(file: RegisterFile, where: str) -> None:
    """Check what the types cannot say.

    Raises:
        BadInput: An id that is not plain, a country that is not a code, coordinates that cannot be, duplicates, a
            contact that cannot be reached, dates the wrong way round, or a row of an unknown site or jurisdiction.
    """
    _check_head(file, where)
    seen: set[str] = set()
    for c, csp in enumerate(file.csp):
        at = f"{where}, $.csp[{c}]"
        _plain(csp.id, f"{at}.id")
        _once(seen, csp.id, f"{at}.id")
        for s, site in enumerate(csp.site):
            _once(seen, f"{csp.id}/{site.region}/{site.site}", f"{at}.site[{s}]")
            _check_site(site, f"{at}.site[{s}]")
        for k, contact in enumerate(csp.contact):
            if not (contact.role and (contact.email or contact.phone)):
                raise BadInput("a contact needs a role, and an email or a phone", where=f"{at}.contact[{k}]")
        known = {f"{site.region}/{site.site}" for site in csp.site}
        for r, row in enumerate(csp.state):
            _known(row.sites, known, csp.id, f"{at}.state[{r}].sites")
            if row.jurisdiction:
                refuse_unknown(row.jurisdiction, where=f"{at}.state[{r}].jurisdiction")
            if row.end is not None and row.end < row.start:
                raise BadInput(f"ends on {row.end}, before it starts", where=f"{at}.state[{r}].end")
        for a, audit in enumerate(csp.audit):
            _known(audit.sites, known, csp.id, f"{at}.audit[{a}].sites")
            if audit.next_due is not None and audit.next_due <= audit.on:
                raise BadInput(f"due on {audit.next_due}, before this one ended", where=f"{at}.audit[{a}].next_due")


def _check_head(file: RegisterFile, where: str) -> None:
    refuse_unknown(file.jurisdiction, where=f"{where}, $.jurisdiction")
    if file.valid_until < file.issued:
        raise BadInput(f"valid until {file.valid_until}, before it was issued", where=f"{where}, $.valid_until")


def _check_site(site: Site, at: str) -> None:
    _plain(site.region, f"{at}.region")
    _plain(site.site, f"{at}.site")
    if not _COUNTRY.fullmatch(site.country):
        raise BadInput(
            f"not a country code: {site.country!r}",
            where=f"{at}.country",
            hint="Two capital letters of ISO 3166, for example PK.",
        )
    _check_coordinates(site, at)
    port = site.options.get("ssh_port", "22")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise BadInput(
            f"not a port: {printable(port[:40])!r}",
            where=f"{at}.options.ssh_port",
            hint="The port of SSH on new servers there, 1 to 65535; 22 where the option is left out.",
        )


def _check_coordinates(site: Site, at: str) -> None:
    north, east = site.latitude, site.longitude
    if north is None and east is None:
        return
    if north is None or east is None:
        raise BadInput("latitude and longitude go together", where=at)
    if not (-90 <= north <= 90 and -180 <= east <= 180):
        raise BadInput(f"not on the globe: {north}, {east}", where=at, hint="Degrees north, degrees east.")
    (south, most_north), (west, most_east) = _PAKISTAN
    if site.country == "PK" and not (south <= north <= most_north and west <= east <= most_east):
        raise BadInput(
            f"said to be in Pakistan, and {north}, {east} is not",
            where=at,
            hint="Correct the coordinates or the country; latitude is first, in degrees north.",
        )


def _known(sites: tuple[str, ...], known: set[str], csp: str, where: str) -> None:
    for name in sites:
        if name not in known:
            raise BadInput(f"no such site of {csp}: {name!r}", where=where)


def _plain(name: str, where: str) -> None:
    # Ids are compared byte for byte everywhere: capitals, spaces and look-alike letters must not get in here.
    if not _ID.fullmatch(name):
        raise BadInput(f"not an id: {name!r}", where=where, hint="Lower-case letters, digits and single hyphens.")


def _once(seen: set[str], name: str, where: str) -> None:
    if name in seen:
        raise BadInput(f"twice in the register: {name!r}", where=where)
    seen.add(name)
