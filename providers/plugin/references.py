"""Where a reference points, and whether it may: an id takes its object's place, and counts only as the unit's own.

Own are the objects of the unit and of its landing zone; see `providers.plugin.ownership`.
"""

from providers.gatekeeper import ForeignReference
from providers.identity import Urn
from providers.plugin.ownership import unreferable
from providers.plugin.session import Session
from providers.plugin.wire import UNKNOWN
from pse.core.schema import Kind
from pse.core.text import printable

ASK_S = 60.0


class Resolver:
    """Finds the place of what a reference points at: asked at the resource's own place, once on a connection.

    Args:
        session: The connection.
        kind: Kind of the resource that refers.
        urn: Its URN.
        place: Its place; None when that is not known.
    """

    def __init__(self, session: Session, kind: Kind, urn: Urn, place: str | None) -> None:
        """Ask nothing yet."""
        self._session = session
        self._kind = kind
        self._urn = urn
        self._place = place

    def __call__(self, wire: str, value: object) -> str | None:
        """The place id, or None when there is no such object where the resource is to be.

        Raises:
            ForeignReference: The object is neither the unit's own nor its landing zone's.
        """
        to = self._kind.input_fields()[wire].rule.to
        if value is UNKNOWN:
            # A resource of this same program, judged by itself; the id is checked again when it is known.
            return self._place
        if not isinstance(value, str) or self._place is None:
            return None
        known = self._session.referable(to, value)
        if known is not None:
            return known
        store = self._session.places.store(self._place, to)
        deadline = self._session.calls.deadline(ASK_S)
        made = self._session.calls.again(lambda: store.read(value, None), at=self._place, deadline=deadline)
        if made is None:
            # Gone or elsewhere: the state's word counts, and what is elsewhere is refused for its place.
            return self._session.place_of(to, value)
        if made.elsewhere:
            # No place that any gate allows.
            return printable(made.elsewhere)
        why = unreferable(self._session, self._urn, self._place, made)
        if why:
            raise ForeignReference(f"{self._kind.name}.{wire} is {value!r}, which {why}")
        self._session.let_refer(to, value, self._place)
        return self._place
