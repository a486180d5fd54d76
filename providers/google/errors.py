"""What Google Cloud and its libraries say, in the port's words, with the cloud's own code kept.

Compute Engine says no in two forms: at once with a ``reason`` (``notFound``), or inside an operation that is over with
a ``code`` (``RESOURCE_NOT_FOUND``). One table knows both: a code is looked up by its letters alone.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from providers.kit.retryafter import retry_after_s
from providers.ports import PortError
from pse.core.text import printable

NOT_READY = frozenset({"resourceNotReady", "RESOURCE_NOT_READY"})
"""Words for what was made just now and cannot be used yet."""
STALE = frozenset({"conditionNotMet", "CONDITION_NOT_MET"})
"""Words for a fingerprint that is not the newest."""

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "quota": "quotaExceeded limitExceeded quotaLimitExceeded resourceCountLimitExceeded",
        "capacity": "zoneResourcePoolExhausted zoneResourcePoolExhaustedWithDetails resourcePoolExhausted "
        "ipSpaceExhausted ipSpaceExhaustedWithDetails stockout",
        "throttle": "rateLimitExceeded userRateLimitExceeded concurrentOperationsQuotaExceeded "
        "resourceOperationRateExceeded operationsRateExceeded tooManyRequests resourceExhausted",
        "not-found": "notFound resourceNotFound",
        "conflict": "alreadyExists resourceAlreadyExists conditionNotMet duplicate conflict "
        "cnameResourceRecordSetConflict",
        "in-use": "resourceInUseByAnotherResource resourceInUse inUse containerNotEmpty",
        "auth": "forbidden authError required_login unauthorized permissionsError permissionDenied accessNotConfigured "
        "insufficientPermissions accountDisabled unauthenticated projectNotLinked billingNotEnabled expired",
        "transient": "backendError internalError internal serviceUnavailable unavailable resourceNotReady "
        "networkNotReady operationInProgress deadlineExceeded",
        "invalid": "invalid invalidParameter invalidFieldValue invalidUsage required badRequest unsupportedOperation "
        "conditionFailed invalidArgument failedPrecondition",
    }
)


def _plain(code: str) -> str:
    return code.replace("_", "").lower()


_REASONS: Mapping[str, str] = MappingProxyType(
    {_plain(word): reason for reason, words in _WORDS.items() for word in words.split()}
)


def reason_of(code: str, status: int) -> str:
    """The port's word for a reason or code of Compute Engine.

    Args:
        code: The cloud's own.
        status: HTTP status of the answer, or the one that an operation tells.
    """
    known = _REASONS.get(_plain(code))
    if known:
        return known
    if status == 429:
        return "throttle"
    if status >= 500 or not status:
        return "transient"
    return {401: "auth", 403: "auth", 404: "not-found", 409: "conflict", 412: "conflict"}.get(status, "invalid")


def of_answer(response: Any, where: str) -> PortError:
    """The error of a call that was refused.

    Args:
        response: The answer, of `requests`.
        where: The place, for the user.
    """
    status: int = response.status_code
    try:
        body = response.json()
    except ValueError:
        body = None
    said = body.get("error") if isinstance(body, dict) else None
    said = said if isinstance(said, dict) else {}
    details = said.get("errors")
    first = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
    code = printable(str(first.get("reason") or said.get("status") or ""))[:80]
    message = printable(str(said.get("message") or f"HTTP status {status}"))[:500]
    return PortError(
        message,
        reason=reason_of(code, status),
        vendor_code=code or str(status),
        retry_after_s=retry_after_s(response.headers),
        where=where,
    )


def of_operation(operation: Mapping[str, Any], where: str) -> PortError:
    """The error inside an operation that is over: the HTTP status beside it is only a hint."""
    first = operation["error"]["errors"][0]
    code = printable(str(first.get("code", "")))[:80]
    message = printable(str(first.get("message") or operation.get("httpErrorMessage") or code))[:500]
    status = int(operation.get("httpErrorStatusCode") or 0)
    return PortError(message, reason=reason_of(code, status), vendor_code=code, where=where)


@contextmanager
def port_errors(where: str) -> Iterator[None]:
    """Let only `PortError` leave.

    Args:
        where: The place, for the user.

    Raises:
        PortError: Whatever was raised. ``transient`` means that nobody knows whether the call took effect.
    """
    import requests
    from google.auth import exceptions as sdk

    try:
        yield
    except PortError:
        raise
    except sdk.TransportError as exc:
        raise PortError(printable(str(exc))[:500], vendor_code=type(exc).__name__, where=where) from exc
    except sdk.GoogleAuthError as exc:
        raise PortError(
            printable(str(exc))[:500],
            reason="auth",
            vendor_code=type(exc).__name__,
            where=where,
            hint="Give credentials as every Google Cloud tool takes them: `gcloud auth application-default login`, "
            "GOOGLE_APPLICATION_CREDENTIALS, or the machine's service account.",
        ) from exc
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as exc:
        # Not an answer of Compute Engine's, or one that lacks what it has to have. It is not quoted: it may be all of
        # it. requests' own error for what is no JSON is one of these.
        raise PortError("the answer cannot be understood", vendor_code=type(exc).__name__, where=where) from exc
    except requests.RequestException as exc:
        raise PortError(
            printable(str(exc))[:500], reason="transient", vendor_code=type(exc).__name__, where=where
        ) from exc
