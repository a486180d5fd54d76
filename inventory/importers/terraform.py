"""Terraform states (versions 3 and 4): the servers in them. A state may hold secrets, so little of it is kept."""

from collections.abc import Iterator, Mapping

from inventory.importers.cells import Way
from inventory.importers.documents import Documents
from inventory.importers.machines import Intake, Parts
from inventory.importers.reading import ReadFile, Source
from inventory.importers.values import Numbers
from pse.core.documents.snapshot import Disk

_KINDS = {
    "aws_instance": "aws",
    "aws_spot_instance_request": "aws",
    "azurerm_virtual_machine": "azure",
    "azurerm_linux_virtual_machine": "azure",
    "azurerm_windows_virtual_machine": "azure",
    "google_compute_instance": "google",
    "openstack_compute_instance_v2": "openstack",
    "flexibleengine_compute_instance_v2": "openstack",
    "opentelekomcloud_compute_instance_v2": "openstack",
    "huaweicloud_compute_instance": "openstack",
    "vsphere_virtual_machine": "vmware",
    "libvirt_domain": "kvm",
    "proxmox_vm_qemu": "kvm",
}
"""Resource types that are servers, and what they run on."""
_ADDRESSES = (
    "private_ip",
    "public_ip",
    "access_ip_v4",
    "access_ip_v6",
    "default_ip_address",
    "private_ip_address",
    "public_ip_address",
)
_TYPES = ("instance_type", "machine_type", "vm_size", "size", "flavor_name", "flavor_id")
_STATES = ("instance_state", "power_state", "current_status", "status")
_NAMES = ("name", "computer_name", "hostname")


class Terraform:
    """Importer of Terraform's states; CPUs and memory are not in there, but the name of the size is."""

    name = "terraform-state"
    title = "state of Terraform (JSON)"

    def knows(self, source: Source) -> bool:
        """See `inventory.importers.reading.Importer`."""
        return isinstance(source, Documents) and any(_is_state(document.data) for document in source.documents)

    def read(self, source: Source) -> ReadFile:
        """See `inventory.importers.reading.Importer`; each server is a row."""
        intake = Intake(f"{self.name}:{source.path.name}#")
        if not isinstance(source, Documents):
            return intake.result()
        for document in source.documents:
            if not _is_state(document.data):
                intake.skip({}, document.name, "it is no state of Terraform")
                continue
            for address, kind, attributes in _servers(document.data):
                way = Way(numbers=Numbers(), units={"memory": "m"}, virtual=_KINDS[kind], key=("id",))
                where = f"{document.name}:{address}" if len(source.documents) > 1 else address
                cells = _cells(address, attributes)
                intake.take(cells, where, way, Parts(disks=tuple(_disks(attributes))), key=(where,))
        for name, why in source.unread:
            intake.skip({}, name, why)
        return intake.result()


def _is_state(data: Mapping[str, object]) -> bool:
    return (
        "version" in data
        and ("resources" in data or "modules" in data)
        and ("serial" in data or "lineage" in data or "terraform_version" in data)
    )


def _servers(data: Mapping[str, object]) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Address, type and attributes of each server."""
    for resource in _dicts(data.get("resources")):
        kind, name = str(resource.get("type", "")), str(resource.get("name", ""))
        if kind not in _KINDS or resource.get("mode") == "data":
            continue
        module = f"{resource['module']}." if isinstance(resource.get("module"), str) else ""
        for instance in _dicts(resource.get("instances")):
            index = f"[{instance['index_key']}]" if "index_key" in instance else ""
            attributes = instance.get("attributes") or instance.get("attributes_flat")
            yield f"{module}{kind}.{name}{index}", kind, attributes if isinstance(attributes, dict) else {}
    for module_ in _dicts(data.get("modules")):
        resources = module_.get("resources")
        for address, resource in sorted(resources.items()) if isinstance(resources, dict) else ():
            kind = str(resource.get("type", "")) if isinstance(resource, dict) else ""
            if kind in _KINDS and not str(address).startswith("data."):
                primary = resource.get("primary")
                attributes = primary.get("attributes") if isinstance(primary, dict) else None
                path = ".".join(str(part) for part in _list(module_.get("path")) if part != "root")
                yield (
                    f"{path}.{address}" if path else str(address),
                    kind,
                    attributes if isinstance(attributes, dict) else {},
                )


def _cells(address: str, attributes: Mapping[str, object]) -> dict[str, str]:
    tags = attributes.get("tags")
    name = str(tags["Name"]) if isinstance(tags, dict) and tags.get("Name") else _text(attributes, "tags.Name", *_NAMES)
    cells = {
        "name": name or address.rpartition(".")[2],
        "id": _text(attributes, "id"),
        "vcpus": _text(attributes, "num_cpus", "vcpu", "cores"),
        "memory": _text(attributes, "memory"),
        "power": _text(attributes, *_STATES),
        "tag:terraform": address,
        "tag:machine-type": _text(attributes, *_TYPES),
        "uuid": _text(attributes, "uuid"),
    }
    found = {_text(attributes, field) for field in _ADDRESSES}
    for block in _dicts(attributes.get("network_interface")) + _dicts(attributes.get("network")):
        found |= {_text(block, field) for field in ("network_ip", "fixed_ip_v4", "fixed_ip_v6", "address")}
    for number, one in enumerate(sorted(found - {""}), start=1):
        cells[f"addresses#{number}"] = one
    return {name: text for name, text in cells.items() if text}


def _disks(attributes: Mapping[str, object]) -> Iterator[Disk]:
    blocks = [
        (kind, block)
        for kind in ("root_block_device", "ebs_block_device", "os_disk", "disk", "boot_disk")
        for block in _dicts(attributes.get(kind))
    ]
    for number, (kind, block) in enumerate(blocks, start=1):
        inner = next(iter(_dicts(block.get("initialize_params"))), block)
        size = _text(inner, "volume_size", "disk_size_gb", "size")
        if size.isdecimal() and 0 < int(size[:9]) < 10**8 and len(size) < 9:
            yield Disk(server="", name=f"{kind} {number}", size_mib=int(size) * 1024)


def _text(attributes: Mapping[str, object], *names: str) -> str:
    for name in names:
        value = attributes.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def _dicts(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
