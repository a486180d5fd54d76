"""The hardware that a lab host declares: files in the kernel's own formats, bound over /sys and parts of /proc.

A lab host shares the real machine's CPUs, memory and disks; what discovery reads there is this declaration. Formats:
Documentation/ABI and proc(5) of Linux; sizes of /sys/block are in sectors of 512 bytes whatever the disk says.
"""

import hashlib
import uuid
from pathlib import Path

import msgspec

_SECTORS_PER_GIB = 2 * 1024 * 1024


class LabDisk(msgspec.Struct, frozen=True, kw_only=True):
    """One declared disk.

    Attributes:
        name: Kernel's name.
        size_gib: Size in GiB.
        vendor: SCSI vendor; empty for a virtual disk.
        model: SCSI model.
        rotational: A disk with platters.
        dm_name: Device-mapper name, for a multipath or LVM device.
        dm_uuid: Device-mapper uuid, for example ``mpath-3600601…``.
    """

    name: str
    size_gib: int
    vendor: str = ""
    model: str = ""
    rotational: bool = False
    dm_name: str = ""
    dm_uuid: str = ""


class Hardware(msgspec.Struct, frozen=True, kw_only=True):
    """What a lab host says it is made of.

    Attributes:
        vcpus: Logical CPUs, one socket.
        memory_mib: MiB of memory.
        memory_used: Share of memory in use, 0 to 1.
        disks: See `LabDisk`.
        usb: USB devices: bus position, vendor id, product id, name.
        vendor: DMI system vendor.
        product: DMI product name.
        cpu_model: Model name of the CPU.
        cpu_flags: Flags of the CPU; ``hypervisor`` in it means a virtual machine, ``lm`` a 64-bit one.
    """

    vcpus: int
    memory_mib: int
    memory_used: float = 0.35
    disks: tuple[LabDisk, ...] = (LabDisk(name="vda", size_gib=40),)
    usb: tuple[tuple[str, str, str, str], ...] = ()
    vendor: str = "pse lab"
    product: str = "Lab host"
    cpu_model: str = "Lab Virtual CPU"
    cpu_flags: str = "fpu tsc msr pae cx8 apic sep cmov mmx fxsr sse sse2 ht syscall nx lm hypervisor"


def mac_of(name: str) -> str:
    """A locally administered MAC address, always the same for one name."""
    return "52:54:00:" + ":".join(f"{b:02x}" for b in hashlib.sha256(name.encode()).digest()[:3])


def write(folder: Path, hardware: Hardware, *, seed: str, address: str) -> None:
    """Write the declaration below ``folder``; files that exist keep their inode, so a running host sees the change.

    Args:
        folder: Holds ``sys/`` and ``proc/`` afterwards.
        hardware: What to declare.
        seed: Serial, UUID and MAC are derived from it.
        address: IPv4 address of the host, kept beside the declaration for people.
    """
    files = _proc(hardware) | _dmi(hardware, seed) | _net(seed) | _cpus(hardware)
    for number, disk in enumerate(hardware.disks):
        files |= _disk(disk, number)
    for position, vendor, product, name in hardware.usb:
        base = f"sys/bus/usb/devices/{position}"
        files |= {f"{base}/idVendor": vendor, f"{base}/idProduct": product, f"{base}/product": name}
        files[f"{base}/bDeviceClass"] = "ff"
    files["address"] = address
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="ascii")


def binds(folder: Path) -> list[tuple[str, str]]:
    """What to bind read-only: path outside and path inside."""
    pairs = [(str(folder / "sys"), "/sys")]
    pairs += [(str(path), f"/proc/{path.name}") for path in sorted((folder / "proc").iterdir())]
    return pairs


def _proc(hardware: Hardware) -> dict[str, str]:
    total = hardware.memory_mib * 1024
    free = int(total * (1 - hardware.memory_used))
    cached = int(total * hardware.memory_used / 2)
    meminfo = {
        "MemTotal": total,
        "MemFree": free - free // 4,
        "MemAvailable": free,
        "Buffers": cached // 16,
        "Cached": cached,
        "SwapCached": 0,
        "Active": int(total * hardware.memory_used),
        "Shmem": 0,
        "SwapTotal": 0,
        "SwapFree": 0,
        "HugePages_Total": 0,
    }
    partitions = ["major minor  #blocks  name", ""]
    diskstats = []
    for number, disk in enumerate(hardware.disks):
        partitions.append(f"{_major(disk):4d} {number * 16:8d} {disk.size_gib * 1024 * 1024:10d} {disk.name}")
        diskstats.append(f"{_major(disk):4d} {number * 16:7d} {disk.name}" + " 0" * 17)
    return {
        "proc/cpuinfo": "\n".join(_cpu(hardware, n) for n in range(hardware.vcpus)),
        "proc/meminfo": "\n".join(
            f"{k + ':':15s} {v:10d}" + ("" if k[0] == "H" else " kB") for k, v in meminfo.items()
        ),
        "proc/partitions": "\n".join(partitions),
        "proc/diskstats": "\n".join(diskstats),
        "proc/swaps": "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority",
    }


def _cpu(hardware: Hardware, number: int) -> str:
    return (
        f"processor\t: {number}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n"
        f"model name\t: {hardware.cpu_model}\nstepping\t: 7\ncpu MHz\t\t: 2100.000\ncache size\t: 16384 KB\n"
        f"physical id\t: 0\nsiblings\t: {hardware.vcpus}\ncore id\t\t: {number}\ncpu cores\t: {hardware.vcpus}\n"
        f"flags\t\t: {hardware.cpu_flags}\n"
    )


def _cpus(hardware: Hardware) -> dict[str, str]:
    listed = f"0-{hardware.vcpus - 1}" if hardware.vcpus > 1 else "0"
    return {f"sys/devices/system/cpu/{name}": listed for name in ("online", "present", "possible")}


def _dmi(hardware: Hardware, seed: str) -> dict[str, str]:
    return {
        "sys/class/dmi/id/sys_vendor": hardware.vendor,
        "sys/class/dmi/id/product_name": hardware.product,
        "sys/class/dmi/id/product_serial": "LAB" + hashlib.sha256(seed.encode()).hexdigest()[:10].upper(),
        "sys/class/dmi/id/product_uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, seed)),
        "sys/class/dmi/id/bios_vendor": "pse lab",
        "sys/class/dmi/id/bios_version": "1",
        "sys/class/dmi/id/chassis_type": "1",
    }


def _net(seed: str) -> dict[str, str]:
    return {
        "sys/class/net/eth0/address": mac_of(seed),
        "sys/class/net/eth0/mtu": "1500",
        "sys/class/net/eth0/speed": "1000",
        "sys/class/net/eth0/operstate": "up",
        "sys/class/net/eth0/type": "1",
        "sys/class/net/lo/address": "00:00:00:00:00:00",
        "sys/class/net/lo/mtu": "65536",
        "sys/class/net/lo/operstate": "unknown",
        "sys/class/net/lo/type": "772",
    }


def _major(disk: LabDisk) -> int:
    if disk.dm_uuid:
        return 253
    return 8 if disk.name.startswith("sd") else 252


def _disk(disk: LabDisk, number: int) -> dict[str, str]:
    base = f"sys/block/{disk.name}"
    files = {
        f"{base}/size": str(disk.size_gib * _SECTORS_PER_GIB),
        f"{base}/dev": f"{_major(disk)}:{number * 16}",
        f"{base}/ro": "0",
        f"{base}/removable": "0",
        f"{base}/queue/rotational": str(int(disk.rotational)),
        f"{base}/queue/logical_block_size": "512",
        f"{base}/queue/physical_block_size": "512",
        f"{base}/stat": " ".join(["0"] * 17),
    }
    if disk.vendor or disk.model:
        files |= {f"{base}/device/vendor": disk.vendor, f"{base}/device/model": disk.model}
    if disk.dm_uuid:
        files |= {f"{base}/dm/name": disk.dm_name, f"{base}/dm/uuid": disk.dm_uuid}
    return files
