"""Discovery: asks many hosts at once; one bad host never delays or stops the others."""

from collections.abc import Sequence

import msgspec

from inventory.estate import Estate
from pse.core.findings import Finding
from pse.core.progress import Progress, silent
from pse.core.settings import Workspace


class HostResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one host.

    Attributes:
        host: Name in ``hosts.toml``.
        status: ``ok``, ``partial``, ``unreachable``, ``auth``, ``hostkey``, ``not-a-shell``, ``noise``, ``deadline``,
            ``oversize`` or ``protocol``.
        message: In words; empty when ok.
        seconds: Time taken.
        failed: Names of facts without a value, with the reason: ``name: reason``.
    """

    host: str
    status: str
    message: str = ""
    seconds: float = 0.0
    failed: tuple[str, ...] = ()


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found.

    Attributes:
        estate: All that is known now, of this and earlier runs and imports.
        hosts: One result a host asked, in the order of the file.
        findings: Of this run: hosts that could not be asked, readings that failed.
    """

    estate: Estate
    hosts: tuple[HostResult, ...]
    findings: tuple[Finding, ...] = ()


def discover(
    workspace: Workspace, *, accept_new: bool = False, only: Sequence[str] = (), progress: Progress = silent
) -> Discovery:
    """Ask the hosts of ``hosts.toml`` and write a new snapshot."""
    raise NotImplementedError
