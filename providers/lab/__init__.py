"""The lab: a provider whose servers are real OpenSSH servers in rootless bubblewrap sandboxes on this machine.

`LabProvider` is the adapter; `providers.lab.hosts` starts, shows and stops its hosts; `providers.lab.sample` makes the
sample workspace and plays the old server room of a small ministry. All lab hosts share one network namespace, so a
service in it binds its own host's 127.x.y.z address and never all addresses.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.lab.provider import LabProvider

__all__ = ["LabProvider"]


def __getattr__(name: str) -> object:
    """Import the adapter only when somebody asks for it, so that the room's import stays cheap."""
    if name == "LabProvider":
        from providers.lab.provider import LabProvider

        return LabProvider
    raise AttributeError(name)
