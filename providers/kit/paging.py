"""The pages of a list come to an end, whatever a cloud says: no circle, and not for ever."""

from providers.ports import PortError

MOST = 10_000
"""Pages of one list; of 500 objects each they are millions."""


class Pages:
    """Looks at where each page says that the next one is.

    Args:
        where: What is listed.
    """

    def __init__(self, where: str) -> None:
        """No page was seen yet."""
        self._where = where
        self._seen: set[str] = set()

    def turn(self, link: str) -> None:
        """See that the next page is a new one.

        Args:
            link: Its token or address.

        Raises:
            PortError: It was there before, or there are too many.
        """
        if link in self._seen:
            raise PortError("the pages of a list go round in a circle", vendor_code="Paging", where=self._where)
        self._seen.add(link)
        if len(self._seen) >= MOST:
            raise PortError(f"a list has more than {MOST} pages", vendor_code="Paging", where=self._where)
