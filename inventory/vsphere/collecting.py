"""Machines of a vSphere, asked for page by page: what is in memory at once does not grow with their number."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from pse.core.errors import RemoteError
from pse.core.text import printable

PAGE = 200
"""Machines of one answer: some 2 MB each, and a thousandth of the time is lost on asking."""
PROPERTIES = (
    *("name", "parent", "snapshot", "customValue"),
    *("config.template", "config.uuid", "config.instanceUuid", "config.guestFullName", "config.firmware"),
    *("config.bootOptions.efiSecureBootEnabled", "config.hardware.numCPU", "config.hardware.memoryMB"),
    *("config.hardware.device", "config.managedBy", "config.ftInfo", "config.keyId"),
    *("runtime.powerState", "runtime.connectionState", "runtime.host"),
    *("guest.hostName", "guest.ipAddress", "guest.net", "guest.guestFullName", "summary.storage"),
)
"""All that is read of a machine; each is named, as everything costs a server a hundred times as much."""

Values = Mapping[str, Any]
"""Values of properties by their names; what an account may not see is not there."""


def machines(content: Any) -> Iterator[tuple[str, Values]]:
    """Id and properties of each virtual machine and template.

    Args:
        content: See `inventory.vsphere.connection.connected`.

    Raises:
        RemoteError: It did not answer the question.
    """
    from pyVmomi import vim

    yield from _collected(content, {vim.VirtualMachine: PROPERTIES})


def places(content: Any) -> dict[str, tuple[str, str, str]]:
    """Kind, name and parent of each host, cluster, folder and data centre, by id."""
    from pyVmomi import vim

    kinds = (vim.HostSystem, vim.ComputeResource, vim.Folder, vim.Datacenter)
    found = {}
    for name, values in _collected(content, dict.fromkeys(kinds, ("name", "parent"))):
        kind = name.rstrip("-0123456789")
        found[name] = (kind, str(values.get("name", "")), id_of(values.get("parent")))
    return found


def attributes(content: Any) -> dict[int, str]:
    """Names of custom attributes by key; none where there is no manager of them, as on ESXi."""
    manager = content.customFieldsManager
    return {one.key: str(one.name) for one in manager.field} if manager is not None else {}


def id_of(thing: Any) -> str:
    """Id of a managed object; empty for none."""
    return str(thing._moId) if thing is not None else ""  # noqa: SLF001 - the library has no public name for it


def _collected(content: Any, wanted: Mapping[Any, tuple[str, ...]]) -> Iterator[tuple[str, Values]]:
    from pyVmomi import vim, vmodl

    query = vmodl.query.PropertyCollector
    view = content.viewManager.CreateContainerView(content.rootFolder, list(wanted), True)
    collector, token = content.propertyCollector, None
    try:
        walk = query.TraversalSpec(name="view", path="view", skip=False, type=vim.view.ContainerView)
        spec = query.FilterSpec(
            objectSet=[query.ObjectSpec(obj=view, skip=True, selectSet=[walk])],
            propSet=[query.PropertySpec(type=kind, pathSet=list(paths), all=False) for kind, paths in wanted.items()],
        )
        page = collector.RetrievePropertiesEx([spec], query.RetrieveOptions(maxObjects=PAGE))
        while page is not None:
            token = page.token
            for one in page.objects:
                yield id_of(one.obj), {prop.name: prop.val for prop in one.propSet}
            page = collector.ContinueRetrievePropertiesEx(token) if token else None
            token = None if page is None else token
    except (vmodl.MethodFault, vmodl.RuntimeFault) as exc:
        said = printable(str(exc.msg or type(exc).__name__))[:200]
        raise RemoteError(
            f"it refused the list of machines: {said}",
            hint="Give the account the role Read-only at the root, propagated to all below.",
        ) from exc
    finally:
        with contextlib.suppress(Exception):  # what is left of a list ends with the session at the latest
            if token:
                collector.CancelRetrievePropertiesEx(token)
            view.DestroyView()
