"""What AWS and its SDK say, in the port's words, with the cloud's own code kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from providers.kit.retryafter import retry_after_s
from providers.ports import PortError
from pse.core.text import printable

REASONS: Mapping[str, str] = MappingProxyType(
    {
        # Quotas that do not end in LimitExceeded, and one that does and is a rate.
        "InstanceLimitExceeded": "quota",
        "MaxIOPSLimitExceeded": "quota",
        "PendingVpcPeeringConnectionLimitExceeded": "quota",
        "ResourceLimitExceeded": "quota",
        "RulesPerSecurityGroupLimitExceeded": "quota",
        "SecurityGroupsPerInterfaceLimitExceeded": "quota",
        "TagLimitExceeded": "quota",
        "VcpuLimitExceeded": "quota",
        "Client.VolumeLimitExceeded": "quota",
        "RequestLimitExceeded": "throttle",
        "BandwidthLimitExceeded": "throttle",
        # The zone has none of it: another zone or shape may have.
        "InsufficientInstanceCapacity": "capacity",
        "InsufficientHostCapacity": "capacity",
        "InsufficientVolumeCapacity": "capacity",
        "InsufficientFreeAddressesInSubnet": "capacity",
        "InsufficientCapacity": "capacity",
        "Server.InsufficientInstanceCapacity": "capacity",
        "Unsupported": "capacity",
        # Too fast.
        "Throttling": "throttle",
        "ThrottlingException": "throttle",
        "ThrottledException": "throttle",
        "TooManyRequestsException": "throttle",
        "SlowDown": "throttle",
        "EC2ThrottledException": "throttle",
        # Route 53 is at the change before, and did nothing of this one.
        "PriorRequestNotComplete": "throttle",
        # Somebody else is or was faster. A spent token is one too: the intent it stood for is over.
        "InvalidGroup.Duplicate": "conflict",
        "InvalidKeyPair.Duplicate": "conflict",
        "InvalidPermission.Duplicate": "conflict",
        "InvalidSubnet.Conflict": "conflict",
        "IdempotentParameterMismatch": "conflict",
        "IdempotentInstanceTerminated": "conflict",
        "VolumeModificationRateExceeded": "conflict",
        "IncorrectModificationState": "conflict",
        "Resource.AlreadyAssociated": "conflict",
        "DuplicateLoadBalancerName": "conflict",
        "DuplicateTargetGroupName": "conflict",
        "BucketAlreadyOwnedByYou": "conflict",
        "ConflictingDomainExists": "conflict",
        # Something holds it.
        "DependencyViolation": "in-use",
        "VolumeInUse": "in-use",
        "InvalidGroup.InUse": "in-use",
        "IncorrectInstanceState": "in-use",
        "IncorrectState": "in-use",
        "ResourceInUse": "in-use",
        "KMSInvalidStateException": "in-use",
        "BucketNotEmpty": "in-use",
        "HostedZoneNotEmpty": "in-use",
        # Who we are, and what we may.
        "AuthFailure": "auth",
        "UnauthorizedOperation": "auth",
        "AccessDenied": "auth",
        "AccessDeniedException": "auth",
        "Blocked": "auth",
        "ExpiredToken": "auth",
        "ExpiredTokenException": "auth",
        "InvalidClientTokenId": "auth",
        "MissingAuthenticationToken": "auth",
        "OptInRequired": "auth",
        "PendingVerification": "auth",
        "SignatureDoesNotMatch": "auth",
        "InvalidSignatureException": "auth",
        # This machine's clock is minutes off.
        "RequestExpired": "auth",
        "RequestTimeTooSkewed": "auth",
        "UnrecognizedClientException": "auth",
        "InvalidPlacementGroup.Unknown": "not-found",
        "NoSuchBucket": "not-found",
        "NoSuchHostedZone": "not-found",
        # A malformed ARN is nobody's.
        "InvalidArnException": "not-found",
        # Again, and it may work.
        "DependencyTimeoutException": "transient",
        "OperationAborted": "transient",
        "InternalError": "transient",
        "InternalFailure": "transient",
        "RequestTimeout": "transient",
        "ServiceUnavailable": "transient",
        "Unavailable": "transient",
    }
)
"""The codes of EC2 and its neighbours by reason; `reason_of` says what becomes of one that is not here."""


def reason_of(code: str, status: int) -> str:
    """The port's word for a code.

    Args:
        code: The cloud's own.
        status: HTTP status of the answer.
    """
    if code in REASONS:
        return REASONS[code]
    if status == 429:
        return "throttle"
    if status >= 500 or not code:
        return "transient"
    if code.startswith("TooMany"):
        return "quota"
    # A malformed id is nobody's id.
    for ending, reason in (
        ("NotFound", "not-found"),
        ("Malformed", "not-found"),
        ("LimitExceeded", "quota"),
        ("InUse", "in-use"),
        ("Duplicate", "conflict"),
        ("AlreadyExists", "conflict"),
    ):
        if code.removesuffix("Exception").endswith(ending):
            return reason
    return "invalid"


@contextmanager
def port_errors(where: str) -> Iterator[None]:
    """Let only `PortError` leave.

    Args:
        where: The place, for the user.

    Raises:
        PortError: Whatever the SDK raised. ``transient`` means that nobody knows whether the call took effect.
    """
    from botocore import exceptions as sdk
    from botocore.parsers import ResponseParserError

    try:
        yield
    except sdk.ClientError as exc:
        said = exc.response.get("Error", {})
        about = exc.response.get("ResponseMetadata", {})
        status = int(about.get("HTTPStatusCode", 0))
        # An error without a code, from something between us and the cloud, has the status in its place.
        code = str(said.get("Code", ""))
        code = "" if code.isdigit() else code
        message = printable(str(said.get("Message", "") or f"HTTP status {status}"))[:500]
        raise PortError(
            f"{exc.operation_name}: {message}",
            reason=reason_of(code, status),
            vendor_code=printable(code or str(status)),
            retry_after_s=retry_after_s(about.get("HTTPHeaders", {})),
            where=where,
        ) from exc
    except (sdk.NoCredentialsError, sdk.PartialCredentialsError, sdk.ProfileNotFound, sdk.CredentialRetrievalError,
            sdk.TokenRetrievalError, sdk.UnauthorizedSSOTokenError) as exc:  # fmt: skip
        raise PortError(
            printable(str(exc)),
            reason="auth",
            vendor_code=type(exc).__name__,
            where=where,
            hint="Give credentials as every AWS tool takes them: environment, profile or role.",
        ) from exc
    except sdk.ParamValidationError as exc:
        # Its text quotes values, and one of them may be a first-boot script.
        raise PortError(
            "the SDK takes no such parameters", reason="invalid", vendor_code="ParamValidation", where=where
        ) from exc
    except (ResponseParserError, KeyError, IndexError, TypeError, ValueError) as exc:
        # Not an answer of EC2's, or one that lacks what it has to have. Its text is not quoted: it may be all of it.
        raise PortError("the answer cannot be understood", vendor_code=type(exc).__name__, where=where) from exc
    except (sdk.BotoCoreError, sdk.HTTPClientError) as exc:
        raise PortError(
            printable(str(exc))[:500], reason="transient", vendor_code=type(exc).__name__, where=where
        ) from exc
