"""Where a reference points: the id of another resource takes that resource's place, once that place is known."""

from providers.plugin.session import Session
from providers.plugin.wire import UNKNOWN
from pse.core.schema import Kind

ASK_S = 60.0


class Resolver:
    """Finds the place of what a reference points at: seen on this connection, else asked at the resource's own place.

    Args:
        session: The connection.
        kind: Kind of the resource that refers.
        place: Its place; None when that is not known.
    """

    def __init__(self, session: Session, kind: Kind, place: str | None) -> None:
        """Ask nothing yet."""
        self._session = session
        self._kind = kind
        self._place = place

    def __call__(self, wire: str, value: object) -> str | None:
        """The place id, or None when there is no such object where the resource is to be."""
        to = self._kind.input_fields()[wire].rule.to
        if value is UNKNOWN:
            # A resource of this same program, judged by itself; the id is checked again when it is known.
            return self._place
        if not isinstance(value, str) or self._place is None:
            return None
        seen = self._session.place_of(to, value)
        if seen is not None:
            return seen
        store = self._session.places.store(self._place, to)
        deadline = self._session.calls.deadline(ASK_S)
        if self._session.calls.again(lambda: store.read(value, None), deadline=deadline) is None:
            return None
        self._session.saw(to, value, self._place)
        return self._place
