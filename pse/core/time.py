"""Dates as the law means them: days in Pakistan, passed in, never read from the clock inside a decision."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from pse.core.errors import BadInput

KARACHI = ZoneInfo("Asia/Karachi")


def today() -> date:
    """The current day in Asia/Karachi, the default of ``--as-of``."""
    return datetime.now(tz=KARACHI).date()


def now() -> datetime:
    """The current moment in UTC, for logs and ledgers; never inside a hashed decision."""
    return datetime.now(tz=UTC)


def parse_day(text: str, *, where: str) -> date:
    """Read ``YYYY-MM-DD``.

    Raises:
        BadInput: Not a day of the calendar.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise BadInput(f"not a date: {text!r}", where=where, hint="Write it as YYYY-MM-DD.") from exc
