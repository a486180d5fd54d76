"""The header ``Retry-After`` of an answer (RFC 9110, section 10.2.3): seconds, or a moment."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

HEADER = "retry-after"


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds that the cloud asks to wait; 0 when it does not say, or nothing that can be understood.

    Args:
        headers: Of the answer; the case of their names does not matter.
    """
    said = next((value.strip() for name, value in headers.items() if name.lower() == HEADER), "")
    if said.isascii() and said.isdigit():
        # More digits than any wait has, and a float would overflow.
        return float(said[:9])
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
