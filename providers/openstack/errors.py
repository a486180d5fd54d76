"""What OpenStack's errors mean in the port's words.

Every service has a shape of its own for an error, and the same status says different things: 403 is a quota at Nova
and a missing role elsewhere, 413 a quota at Cinder and a throttle in old releases. So text and type are looked at too.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from providers.kit.retryafter import HEADER, retry_after_s
from providers.ports import PortError
from pse.core.text import printable

_BY_STATUS = {401: "auth", 403: "auth", 404: "not-found", 408: "transient", 409: "conflict", 412: "transient"}
_BY_TYPE = {
    "OverQuota": "quota",
    "VolumeSizeExceedsAvailableQuota": "quota",
    "IpAddressGenerationFailure": "capacity",
    "NoNetworkAvailable": "capacity",
    "NoNetworkFoundInMaximumAllowedAttempts": "capacity",
    "RevisionNumberConstraintFailed": "transient",
}
"""Types of Neutron's and words of Cinder's errors whose status alone would mislead."""
_QUOTA = ("quota", "limitexceeded")
_BUSY = ("while it is in vm_state", "while it is in task_state", "while it is in state", "is locked by")
_USED = ("invalid volume", "must be available", "already attached", "is in use", "must be detached")
_TEXT = 400


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, *, where: str, hide: tuple[str, ...] = ()
) -> PortError:
    """The error for an answer that is not a success.

    Args:
        status: HTTP status.
        headers: Of the answer.
        body: Of the answer, at most `providers.openstack.client.CAP` bytes.
        where: What was asked.
        hide: Secrets that the service may quote.
    """
    code, text = _said(body)
    for secret in hide:
        text = text.replace(secret, "…")
    if hide and "user_data" in text:
        # Nova quotes the value that it does not like, whole or in part.
        text = "the first-boot script is not accepted: at most 65,535 bytes in base64"
    code = code or f"HTTP {status}"
    throttled = status == 429 or (status == 413 and HEADER in {name.lower() for name in headers})
    reason = _reason(status, code, text.lower(), throttled=throttled)
    return PortError(
        printable(text[:_TEXT]) or f"the answer was HTTP {status}",
        reason=reason,
        vendor_code=printable(code[:80]),
        retry_after_s=retry_after_s(headers),
        where=where,
        hint=_HINTS.get(reason, ""),
    )


_HINTS = {
    "auth": "Look at the credentials and roles: docs/providers/openstack.md names what is needed.",
    "quota": "Ask the operator for a larger quota of the project.",
}


def _reason(status: int, code: str, text: str, *, throttled: bool) -> str:
    """The first row that fits; the order matters."""
    rows = (
        (code in _BY_TYPE, _BY_TYPE.get(code, "")),
        (status in {403, 413, 429} and any(word in text for word in _QUOTA), "quota"),
        (throttled, "throttle"),
        ("InUse" in code, "in-use"),
        (code.endswith("NotFound"), "not-found"),
        (status == 409 and any(word in text for word in _BUSY), "transient"),
        (status in {400, 409} and any(word in text for word in _USED), "in-use"),
        (status >= 500, "transient"),
    )
    return next((reason for fits, reason in rows if fits), _BY_STATUS.get(status, "invalid"))


def _said(body: bytes) -> tuple[str, str]:
    """Code and text of an error body, whatever service wrote it."""
    try:
        parsed: Any = json.loads(body)
    except ValueError:
        return "", ""
    if not isinstance(parsed, dict):
        return "", ""
    for key, inner in parsed.items():
        if isinstance(inner, dict) and isinstance(inner.get("message"), str):
            code = inner.get("type") or inner.get("title") or key
            return str(code), inner["message"]
        if key == "NeutronError" and isinstance(inner, str):
            return key, inner
    return "", str(parsed.get("message", ""))


@contextmanager
def port_errors(place: str) -> Iterator[None]:
    """Let only `PortError` out.

    An answer that is not what the API promises is ``transient``: nobody knows what was done, so the plugin looks.

    Args:
        place: For the error.
    """
    try:
        yield
    except PortError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as exc:
        raise PortError(
            f"an answer was not what the API promises ({type(exc).__name__})", vendor_code="malformed", where=place
        ) from exc
    except Exception as exc:
        raise _of_sdk(exc, place) from exc


def _of_sdk(exc: Exception, place: str) -> PortError:
    """The error for what keystoneauth, requests or the SDK's configuration raised; anything else is a defect."""
    import openstack.exceptions
    import requests
    from keystoneauth1 import exceptions as ksa

    words = printable(str(exc).splitlines()[0][:_TEXT]) if str(exc) else type(exc).__name__
    code = type(getattr(exc, "original", None) or exc).__name__
    auth = (
        ksa.Unauthorized,
        ksa.Forbidden,
        ksa.MissingRequiredOptions,
        ksa.NoMatchingPlugin,
        ksa.AuthPluginException,
        ksa.AuthorizationFailure,
        ksa.SSLError,
        openstack.exceptions.ConfigException,
    )
    # keystoneauth says so with a bare Exception when a password or a name is missing.
    if isinstance(exc, auth) or type(exc) is Exception:
        return PortError(words, reason="auth", vendor_code=code, where=place, hint=_HINTS["auth"])
    if isinstance(exc, ksa.CatalogException | ksa.EndpointNotFound | ksa.DiscoveryFailure):
        return PortError(words, reason="invalid", vendor_code=code, where=place)
    if isinstance(exc, ksa.HttpError):
        reason = _reason(exc.http_status or 500, code, words.lower(), throttled=exc.http_status == 429)
        wanted = float(getattr(exc, "retry_after", 0) or 0)
        return PortError(words, reason=reason, vendor_code=code, retry_after_s=wanted, where=place)
    if isinstance(exc, ksa.ClientException | requests.RequestException | OSError):
        return PortError(words, reason="transient", vendor_code=code, where=place)
    raise exc
