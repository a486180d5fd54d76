"""Our errors as gRPC statuses: the engine shows the text, so the text has to be for people."""

from collections.abc import Mapping

import grpc

from providers.plugin.calls import Interrupted
from providers.plugin.ownership import AlreadyExists
from providers.ports import PortError
from pse.core.errors import BadInput, PseError, Refused, UsageError

_BY_REASON: Mapping[str, grpc.StatusCode] = {
    "quota": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "capacity": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "throttle": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "not-found": grpc.StatusCode.NOT_FOUND,
    "conflict": grpc.StatusCode.ALREADY_EXISTS,
    "in-use": grpc.StatusCode.FAILED_PRECONDITION,
    "auth": grpc.StatusCode.PERMISSION_DENIED,
    "invalid": grpc.StatusCode.INVALID_ARGUMENT,
}

_BY_CLASS: Mapping[type[PseError], grpc.StatusCode] = {
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    Refused: grpc.StatusCode.FAILED_PRECONDITION,
    BadInput: grpc.StatusCode.INVALID_ARGUMENT,
    UsageError: grpc.StatusCode.INVALID_ARGUMENT,
    Interrupted: grpc.StatusCode.DEADLINE_EXCEEDED,
}


def code_of(error: PseError) -> grpc.StatusCode:
    """The status of an error.

    Never UNAVAILABLE, which the engine takes for a crash of the plugin, nor UNIMPLEMENTED, which it takes for an old
    one.
    """
    if isinstance(error, PortError):
        return _BY_REASON.get(error.reason, grpc.StatusCode.UNKNOWN)
    return next((code for cls, code in _BY_CLASS.items() if isinstance(error, cls)), grpc.StatusCode.UNKNOWN)


def text_of(error: PseError) -> str:
    """Message, the cloud's own code and what to do, on one line; the engine names the resource itself."""
    vendor = f" [{error.reason}, {error.vendor_code or 'no code'}]" if isinstance(error, PortError) else ""
    return f"{error.message}{vendor}" + (f" ({error.hint})" if error.hint else "")
