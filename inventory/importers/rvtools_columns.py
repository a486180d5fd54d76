"""Column names of RVTools: 3.x with MB, 4.x with MiB, and the internal names that some workbooks carry."""

from types import MappingProxyType

from inventory.importers.alike import ATTRIBUTE, TAG
from pse.core.tables.table import heading

# MB of 3.x and MiB of 4.x hold the same binary numbers.
_NAMES: dict[str, tuple[str, ...]] = {
    "name": ("VM", "vInfoVMName"),
    "power": ("Powerstate", "vInfoPowerstate"),
    "template": ("Template", "vInfoTemplate"),
    "placeholder": ("SRM Placeholder", "vInfoSRMPlaceHolder"),
    "dns": ("DNS Name", "vInfoGuestHostName"),
    "connection": ("Connection state",),
    "vcpus": ("CPUs", "vInfoCPUs"),
    "memory": ("Memory", "vInfoMemory", "Memory MiB", "Memory MB"),
    "disk_total": ("Provisioned MiB", "Provisioned MB", "vInfoProvisioned"),
    "disk_used": ("In Use MiB", "In Use MB", "vInfoInUse"),
    "addresses": ("Primary IP Address", "vInfoPrimaryIPAddress"),
    TAG + "datacenter": ("Datacenter", "vInfoDataCenter"),
    TAG + "cluster": ("Cluster", "vInfoCluster"),
    TAG + "folder": ("Folder", "vInfoFolder"),
    "os_also": ("OS according to the configuration file", "vInfoOS"),
    "os": ("OS according to the VMware Tools", "vInfoOSTools"),
    "ft_role": ("FT Role",),
    "firmware": ("Firmware",),
    "secure_boot": ("EFI Secure boot",),
    "id": ("VM ID",),
    "bios_uuid": ("SMBIOS UUID",),
    "uuid": ("VM UUID", "vInfoUUID"),
    "vcenter": ("VI SDK UUID",),
    "disk_capacity": ("Total disk capacity MiB", "Total disk capacity MB"),
    "disk": ("Disk",),
    "capacity": ("Capacity MiB", "Capacity MB"),
    "raw": ("Raw",),
    "raw_mode": ("Raw Comp. Mode",),
    "raw_lun": ("Raw LUN ID",),
    "sharing": ("Sharing mode",),
    "shared_bus": ("Shared Bus",),
    "nic": ("NIC label",),
    "mac": ("Mac Address",),
    "ipv4": ("IPv4 Address",),
    "ipv6": ("IPv6 Address",),
    "usb_type": ("Device Type",),
    "connected": ("Connected",),
    "consumed": ("Consumed MiB", "Consumed MB"),
}
BY_HEADING = MappingProxyType({heading(name): used for used, names in _NAMES.items() for name in names})
"""Column name, ready for comparing, to the name used here."""

# Every other column of vInfo that RVTools itself writes; what is left is a custom attribute of the site.
_PLAIN = """
Config status|Guest state|Heartbeat|Consolidation Needed|PowerOn|Suspended To Memory|Suspend time|Suspend Interval
Creation date|vInfoCreateDate|Change Version|Overall Cpu Readiness|Active Memory|NICs|vInfoNICs|Disks
vInfoNumVirtualDisks|Fixed Passthru HotPlug|min Required EVC Mode Key|Latency Sensitivity
Op Notification Timeout|EnableUUID|CBT|Network #1|Network #2|Network #3|Network #4|Network #5|Network #6|Network #7
Network #8|Num Monitors|Video Ram KiB|Video Ram KB|Resource pool|Folder ID|vApp|DAS protection|FT State|FT Latency
FT Bandwidth|FT Sec. Latency|Vm Failover In Progress|Unshared MiB|Unshared MB|HA Restart Priority
HA Isolation Response|HA VM Monitoring|Cluster rule(s)|Cluster rule name(s)|Boot Required|Boot delay|Boot retry delay
Boot retry enabled|Boot BIOS setup|Reboot PowerOff|EFI Secure boot|Firmware|HW version|HW upgrade status
HW upgrade policy|HW target|Path|Log directory|Snapshot directory|Suspend directory|Annotation|Last Backup
Backup status|Host|vInfoHost|Customization Info|Guest Detailed Data|VI SDK Server type|VI SDK API Version|VI SDK Server
"""
OWN = frozenset(heading(name) for line in _PLAIN.strip().splitlines() for name in line.split("|"))
"""RVTools' own columns that are not used here."""

UNITS = MappingProxyType(dict.fromkeys(("memory", "disk_total", "disk_used", "disk_capacity", "capacity"), "m"))
"""Units of the sizes."""


def column(name: str) -> str | None:
    """The name used here for a column of vInfo: known, custom attribute, or None for one that is not used."""
    known = heading(name)
    if known in BY_HEADING:
        return BY_HEADING[known]
    if known in OWN or not known:
        return None
    return ATTRIBUTE + " ".join(name.split())


def detail(name: str) -> str | None:
    """The name used here for a column of any other sheet; None for one that is not used."""
    return BY_HEADING.get(heading(name))
