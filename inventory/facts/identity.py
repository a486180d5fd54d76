"""Who the host is."""

import msgspec

from inventory.facts.base import Fact, Section, by_path, first

_JUNK = {
    "",
    "0",
    "none",
    "default string",
    "not specified",
    "not applicable",
    "not available",
    "not present",
    "system serial number",
    "serial number",
    "to be filled by o.e.m.",
    "123456789",
    "0123456789",
    "03000200-0400-0500-0006-000700080009",
}
"""What boards say that were never given a serial or a UUID."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence of who it is; empty is unknown.

    Attributes:
        hostname: Kernel's node name.
        machine_id: 32 hexadecimal digits.
        uuid: DMI product UUID in lower case, as this side of the byte order shows it.
        serial: DMI serial.
        vendor: DMI system vendor.
        product: DMI product name.
        virtual: Hypervisor, container kind, ``physical``, or empty when unknown.
        denied: Files that exist and that the account may not read.
    """

    hostname: str = ""
    machine_id: str = ""
    uuid: str = ""
    serial: str = ""
    vendor: str = ""
    product: str = ""
    virtual: str = ""
    denied: tuple[str, ...] = ()


class IdentityFact(Fact[Identity]):
    """Machine id, DMI identity and what kind of machine it is."""

    name = "identity"
    section = Section(
        sh="""
D=/sys/class/dmi/id
for f in $D/product_uuid $D/product_serial; do
  if [ -e "$f" ] && [ ! -r "$f" ]; then echo "denied:$f"; fi
done
for f in /.dockerenv /run/.containerenv; do if [ -e "$f" ]; then echo "container:$f"; fi; done
while read -r key rest; do
  case $key in Features|features|isa) break;; flags) ;; *) continue;; esac
  case " $rest " in *" hypervisor "*) echo "flag:hypervisor";; esac
  break
done < /proc/cpuinfo
if [ -d $D ]; then echo "dmi:yes"; fi
:""",
        files=(
            *("/proc/sys/kernel/hostname", "/etc/hostname", "/etc/machine-id", "/var/lib/dbus/machine-id"),
            *("/sys/class/dmi/id/product_uuid", "/sys/class/dmi/id/product_serial"),
            *("/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name", "/sys/hypervisor/type"),
        ),
        reads=("/.dockerenv", "/run/.containerenv", "/proc/cpuinfo (first line of flags)"),
        group="quick",
    )

    def parse(self, raw: bytes) -> Identity | None:
        """See `Identity`; None when the host tells nothing at all."""
        files = by_path(raw)
        marks = {line for line in raw.splitlines() if not line.startswith(b"/")}
        dmi = "/sys/class/dmi/id/"
        hostname = first(files, "/proc/sys/kernel/hostname", "/etc/hostname")
        machine_id = first(files, "/etc/machine-id", "/var/lib/dbus/machine-id").lower().replace("-", "")
        vendor, product = first(files, dmi + "sys_vendor"), first(files, dmi + "product_name")
        found = Identity(
            hostname="" if hostname == "(none)" else hostname,
            machine_id=machine_id if _is_hex(machine_id, 32) else "",
            uuid=_real(first(files, dmi + "product_uuid").lower()),
            serial=_real(first(files, dmi + "product_serial")),
            vendor=vendor,
            product=product,
            virtual=_virtual(vendor, product, first(files, "/sys/hypervisor/type"), marks),
            denied=tuple(sorted(m[7:].decode("ascii", "replace") for m in marks if m.startswith(b"denied:"))),
        )
        return found if found != Identity() else None


def _real(value: str) -> str:
    bare = value.replace("-", "").replace(" ", "").strip("0f").lower()
    return "" if not bare or value.strip().lower() in _JUNK else value.strip()


def _is_hex(value: str, digits: int) -> bool:
    return len(value) == digits and all(c in "0123456789abcdef" for c in value) and value.strip("0") != ""


_HYPERVISORS = (
    ("vmware", "vmware"),
    ("virtualbox", "virtualbox"),
    ("innotek", "virtualbox"),
    ("microsoft corporation virtual", "hyper-v"),
    ("qemu", "kvm"),
    ("kvm", "kvm"),
    ("openstack", "kvm"),
    ("red hat", "kvm"),
    ("nutanix", "ahv"),
    ("xen", "xen"),
    ("amazon ec2", "aws"),
    ("google", "google"),
)


def _virtual(vendor: str, product: str, hypervisor: str, marks: set[bytes]) -> str:
    if b"container:/.dockerenv" in marks:
        return "docker"
    if b"container:/run/.containerenv" in marks:
        return "podman"
    shown = f"{vendor} {product}".lower()
    for word, name in _HYPERVISORS:
        if word in shown:
            return name
    if hypervisor:
        return hypervisor.lower()
    if b"flag:hypervisor" in marks:
        return "virtual"
    return "physical" if b"dmi:yes" in marks and vendor else ""
