"""What Azure Resource Manager and its SDK say, in the port's words, with the cloud's own code kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from providers.kit.retryafter import retry_after_s
from providers.ports import PortError
from pse.core.text import printable

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "QuotaExceeded": "quota",
        "ResourceQuotaExceeded": "quota",
        "SubscriptionQuotaReached": "quota",
        "PublicIPCountLimitReached": "quota",
        "TooManyTags": "quota",
        "SubnetIsFull": "quota",
        "MaxStorageAccountsCountPerSubscriptionExceeded": "quota",
        # The zone has none of it: another zone or size may have.
        "AllocationFailed": "capacity",
        "ZonalAllocationFailed": "capacity",
        "OverconstrainedAllocationRequest": "capacity",
        "OverconstrainedZonalAllocationRequest": "capacity",
        "SkuNotAvailable": "capacity",
        "NotAvailableForSubscription": "capacity",
        # Too fast: the call had no effect.
        "TooManyRequests": "throttle",
        "OperationNotAllowedByRateLimit": "throttle",
        "SubscriptionRequestsThrottled": "throttle",
        # Somebody else is or was faster.
        "PreconditionFailed": "conflict",
        "NetcfgSubnetRangesOverlap": "conflict",
        "NetcfgInvalidVirtualNetworkSite": "conflict",
        "InvalidResourceLocation": "conflict",
        "ResourceExists": "conflict",
        "StorageAccountAlreadyTaken": "conflict",
        "PropertyChangeNotAllowed": "conflict",
        "Conflict": "conflict",
        # Something holds it.
        "InUseSubnetCannotBeDeleted": "in-use",
        "InUsePrefixCannotBeDeleted": "in-use",
        "InUseNetworkSecurityGroupCannotBeDeleted": "in-use",
        "InUseNatGatewayCannotBeDeleted": "in-use",
        "NicInUse": "in-use",
        "PublicIPAddressCannotBeDeleted": "in-use",
        "PublicIPAddressInUse": "in-use",
        "ContainerProtectedFromDeletion": "in-use",
        "ConflictingUserInput": "in-use",
        "DiskInUse": "in-use",
        # Who we are, and what we may.
        "AuthenticationFailed": "auth",
        "AuthorizationFailed": "auth",
        "ExpiredAuthenticationToken": "auth",
        "InvalidAuthenticationToken": "auth",
        "InvalidAuthenticationTokenTenant": "auth",
        "LinkedAuthorizationFailed": "auth",
        "RequestDisallowedByPolicy": "auth",
        "RequestDisallowedByAzure": "auth",
        "ScopeLocked": "auth",
        "ReadOnlyDisabledSubscription": "auth",
        "MissingSubscriptionRegistration": "auth",
        # What does not exist.
        "NotFound": "not-found",
        "InvalidResourceReference": "not-found",
        "PlatformImageNotFound": "not-found",
        "ImageNotFound": "not-found",
        "ResourceGroupBeingDeleted": "not-found",
        # Again, and it may work. The first two are about one thing, with which something else goes on, and not about
        # how many calls come: the calls for other things need not be slower.
        "AnotherOperationInProgress": "transient",
        "RetryableError": "transient",
        "InternalServerError": "transient",
        "InternalOperationError": "transient",
        "InternalExecutionError": "transient",
        "ServerTimeout": "transient",
        "GatewayTimeout": "transient",
        "ServiceUnavailable": "transient",
        "OSProvisioningTimedOut": "invalid",
    }
)
"""The codes of ARM by reason; `reason_of` says what becomes of one that is not here."""
_ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        "NotFound": "not-found",
        "CountLimitReached": "quota",
        "QuotaExceeded": "quota",
        "LimitExceeded": "quota",
        "InUse": "in-use",
        "CannotBeDeleted": "in-use",
        "AlreadyExists": "conflict",
    }
)


def reason_of(code: str, status: int, message: str = "") -> str:
    """The port's word for a code.

    The status is no help for 409: ARM says quota, conflict and in use with it, so the code decides, and for
    ``OperationNotAllowed``, which says many things, the text.

    Args:
        code: The cloud's own.
        status: HTTP status of the answer.
        message: In words.
    """
    said = message.lower()
    if code == "OperationNotAllowed":
        return "quota" if "quota" in said else "in-use" if "attached" in said else "invalid"
    if code == "Conflict" and ("concurrent" in said or "in progress" in said):
        return "transient"
    if code in REASONS:
        return REASONS[code]
    by_status = {401: "auth", 403: "auth", 429: "throttle"} | ({} if code else {404: "not-found"})
    if status in by_status or status >= 500 or not code:
        return by_status.get(status, "transient")
    return next((reason for ending, reason in _ENDINGS.items() if code.endswith(ending)), "invalid")


def refusal(
    error: Any, status: int, *, where: str, what: str = "", headers: Mapping[str, str] = MappingProxyType({})
) -> PortError:
    """An error of ARM's.

    Args:
        error: The object under ``error`` of an answer or of an operation; anything else when something between us
            and the cloud wrote the answer.
        status: HTTP status.
        where: The place.
        what: The call.
        headers: Of the answer.
    """
    told = error if isinstance(error, dict) else {}
    code = str(told.get("code") or "")
    message = str(told.get("message") or f"HTTP status {status}")
    return PortError(
        printable(f"{what}: {message}" if what else message)[:500],
        reason=reason_of(code, status, message),
        vendor_code=printable(code or str(status))[:100],
        retry_after_s=retry_after_s(headers),
        where=where,
    )


@contextmanager
def port_errors(where: str, what: str = "") -> Iterator[None]:
    """Let only `PortError` leave.

    Args:
        where: The place, for the user.
        what: The call.

    Raises:
        PortError: Whatever the SDK raised. ``transient`` means that nobody knows whether the call took effect.
    """
    from azure.core import exceptions as sdk

    try:
        yield
    except sdk.HttpResponseError as exc:
        answer: Any = exc.response
        if answer is not None and not 200 <= answer.status_code < 300:
            raise refusal(_told(answer), answer.status_code, where=where, what=what, headers=answer.headers) from exc
        if answer is not None:
            raise PortError("the answer cannot be understood", vendor_code=type(exc).__name__, where=where) from exc
        if not isinstance(exc, sdk.ClientAuthenticationError):
            raise _lost(exc, where) from exc
        raise PortError(
            printable(str(exc.message).split("\n", 1)[0])[:500],
            reason="auth",
            vendor_code=type(exc).__name__,
            where=where,
            hint="Give credentials as Azure's own tools take them: environment, managed identity, or `az login`.",
        ) from exc
    except (sdk.ServiceRequestError, sdk.ServiceResponseError, OSError) as exc:
        raise _lost(exc, where) from exc
    except (sdk.AzureError, KeyError, IndexError, TypeError, ValueError, AttributeError) as exc:
        # Not an answer of ARM's, or one that lacks what it has to have. Its text is not quoted: it may be all of it.
        raise PortError("the answer cannot be understood", vendor_code=type(exc).__name__, where=where) from exc


def _lost(exc: Exception, where: str) -> PortError:
    """A connection that failed; nothing of the request is in these texts."""
    inner = getattr(exc, "inner_exception", None) or exc
    return PortError(printable(str(exc))[:500], reason="transient", vendor_code=type(inner).__name__, where=where)


def _told(answer: Any) -> Any:
    """What an answer that says no has under ``error``."""
    try:
        found = answer.json()
    except ValueError:
        return None
    return found.get("error") if isinstance(found, dict) else None
