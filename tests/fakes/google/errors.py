"""How Compute Engine says no: at once with a reason, or inside an operation with a code."""

import re
from typing import Any

_STATUS = {
    "badRequest": 400,
    "cnameResourceRecordSetConflict": 400,
    "containerNotEmpty": 400,
    "invalid": 400,
    "required": 400,
    "resourceInUseByAnotherResource": 400,
    "resourceNotReady": 400,
    "forbidden": 403,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "notFound": 404,
    "alreadyExists": 409,
    "conflict": 409,
    "conditionNotMet": 412,
    "notImplemented": 501,
}


class Refused(Exception):
    """A call that is answered with an error at once.

    Args:
        reason: Google's own word, for example ``notFound``.
        message: In words.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message

    @property
    def status(self) -> int:
        """HTTP status."""
        return _STATUS[self.reason]


_STATES = {"invalid": "INVALID_ARGUMENT", "required": "INVALID_ARGUMENT", "conditionNotMet": "FAILED_PRECONDITION"}


def answer(reason: str, message: str, status: int = 0, *, plain: bool = False) -> dict[str, Any]:
    """The body of an error.

    Args:
        reason: Google's own word.
        message: In words.
        status: HTTP status, where it is another than the word's.
        plain: As the newer services say it: one word in capitals, and no list.
    """
    code = status or _STATUS[reason]
    if plain:
        word = _STATES.get(reason) or re.sub("([A-Z])", r"_\1", reason).upper()
        return {"error": {"code": code, "message": message, "status": word}}
    said = {"message": message, "domain": "global", "reason": reason}
    return {"error": {"code": code, "message": message, "errors": [said]}}


def missing(path: str) -> Refused:
    """Nothing is at ``path``."""
    return Refused("notFound", f"The resource '{path}' was not found")
