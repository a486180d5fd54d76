"""`make bench-import`: big files of other tools, read and taken into a store.

    python -m benchmarks.imports [--vms 100000] [--rows 1000000] [--rounds 1]

Makes an RVTools workbook of 100,000 VMs × 70 columns and 300,000 disks × 30, one whose sheets claim 1,048,576 rows
and hold 20, and a CSV of 1,000,000 rows; imports each in a process of its own. Last line on stdout: one JSON object
with the figures. Ends 1 when a figure is beyond its limit. The limits are meant for a quiet machine, so the load is
told, and the seconds of CPU, which other work lengthens less.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.inventory.bigbook import Sheet, write_book

LIMITS = {
    "workbook": {"read_s": 12.0, "stored_s": 25.0, "peak_mib": 1229},
    "claims": {"stored_s": 2.0},
    "csv": {"read_s": 20.0},
}
VCENTER = "11111111-2222-3333-4444-555555555555"
VINFO = tuple(
    """
VM|Powerstate|Template|SRM Placeholder|Config status|DNS Name|Connection state|Guest state|
Heartbeat|Consolidation Needed|PowerOn|Suspended To Memory|Suspend time|Suspend Interval|
Creation date|Change Version|CPUs|Overall Cpu Readiness|Memory|Active Memory|NICs|Disks|
Total disk capacity MiB|Fixed Passthru HotPlug|min Required EVC Mode Key|Latency Sensitivity|
Op Notification Timeout|EnableUUID|CBT|Primary IP Address|Network #1|Network #2|Network #3|
Network #4|Num Monitors|Video Ram KiB|Resource pool|Folder ID|Folder|vApp|DAS protection|FT State|
FT Role|Provisioned MiB|In Use MiB|Unshared MiB|HA Restart Priority|HA Isolation Response|
HA VM Monitoring|Boot Required|Boot delay|EFI Secure boot|Firmware|HW version|Path|Log directory|
Annotation|Owner|Datacenter|Cluster|Host|OS according to the configuration file|
OS according to the VMware Tools|VM ID|SMBIOS UUID|VM UUID|VI SDK Server type|VI SDK API Version|
VI SDK Server|VI SDK UUID
""".replace("\n", "").split("|")
)
VDISK = tuple(
    """
VM|Powerstate|Template|SRM Placeholder|Disk|Disk Key|Disk UUID|Disk Path|Capacity MiB|Raw|Disk Mode|
Sharing mode|Thin|Eagerly Scrub|Split|Write Through|Level|Shares|Reservation|Limit|Controller|Label|
SCSI Unit #|Unit #|Shared Bus|Raw LUN ID|Annotation|VM ID|VM UUID|VI SDK UUID
""".replace("\n", "").split("|")
)
SYSTEMS = (
    "Red Hat Enterprise Linux 8 (64-bit)",
    "Microsoft Windows Server 2019 (64-bit)",
    "CentOS 6 (64-bit)",
    "SUSE Linux Enterprise 12 (64-bit)",
    "Debian GNU/Linux 12 (64-bit)",
)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-import", description=__doc__)
    parser.add_argument("--vms", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1, help="of which the one that took the fewest seconds counts")
    parser.add_argument("--one", type=Path, help="import this file, and print what it took")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.one)))
        return 0
    figures, beyond = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for name, path in files(Path(folder), given.vms, given.rows):
            runs = [in_a_process(path) for _ in range(given.rounds)]
            figures[name] = min(runs, key=lambda run: run["stored_s"])
            print(f"{name}: {figures[name]}", file=sys.stderr, flush=True)
            beyond += [f"{name} {what}" for what, most in LIMITS[name].items() if figures[name][what] > most]
            path.unlink()
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({"target": "bench-import", "load": load, "figures": figures, "limits": LIMITS, "beyond": beyond}))
    return int(bool(beyond))


def files(folder: Path, vms: int, rows: int) -> Iterator[tuple[str, Path]]:
    """The files, each made when it is asked for."""
    big = folder / "big.xlsx"
    write_book(big, Sheet("vInfo", VINFO, (vm(i) for i in range(vms))), Sheet("vDisk", VDISK, disks(vms)))
    yield "workbook", big
    claims = folder / "claims.xlsx"
    sheets = (
        Sheet("vInfo", VINFO, (vm(i) for i in range(20)), claims=1_048_576),
        Sheet("vDisk", VDISK, disks(20), claims=1_048_576),
    )
    write_book(claims, *sheets)
    yield "claims", claims
    table = folder / "big.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("Server name", "IP address", "vCPU", "RAM (GB)", "Disk (GB)", "Operating system", "Owner"))
        for i in range(rows):
            size = 1 + i % 8
            writer.writerow((f"vm-{i:07}", _address(i), size, 4 * size, 120, SYSTEMS[i % 5], f"team-{i % 200}"))
    yield "csv", table


def vm(i: int) -> list[object]:
    """A row of vInfo."""
    known = {
        "VM": f"vm-{i:06}",
        "Powerstate": "poweredOff" if i % 9 == 0 else "poweredOn",
        "DNS Name": f"vm-{i:06}.lab.example",
        "Connection state": "connected",
        "CPUs": 2 + i % 8,
        "Memory": 4096 * (1 + i % 8),
        "Total disk capacity MiB": 120 * 1024,
        "Provisioned MiB": 130 * 1024 + i,
        "In Use MiB": 50 * 1024 + i,
        "Primary IP Address": _address(i),
        "Path": f"[ds{i % 50}] vm-{i:06}/vm-{i:06}.vmx",
        "Owner": f"team-{i % 200}",
        "Host": f"esx{i % 300:03}.lab.example",
        "OS according to the VMware Tools": SYSTEMS[i % 5],
        "VM ID": f"vm-{i}",
        "SMBIOS UUID": _uuid("42", i),
        "VM UUID": _uuid("50", i),
        "VI SDK UUID": VCENTER,
    }
    return [known.get(name, "False") for name in VINFO]


def disks(vms: int) -> Iterator[list[object]]:
    """Rows of vDisk, three a VM."""
    for i in range(vms):
        for number in range(3):
            known = {
                "VM": f"vm-{i:06}",
                "Disk": f"Hard disk {number + 1}",
                "Disk Key": 2000 + number,
                "Disk UUID": _uuid("60", 3 * i + number),
                "Disk Path": f"[ds{i % 50}] vm-{i:06}/vm-{i:06}_{number}.vmdk",
                "Capacity MiB": 40 * 1024,
                "Sharing mode": "sharingNone",
                "Shared Bus": "noSharing",
                "Raw LUN ID": None,
                "VM ID": f"vm-{i}",
                "VM UUID": _uuid("50", i),
                "VI SDK UUID": VCENTER,
            }
            yield [known.get(name, "False") for name in VDISK]


def _address(i: int) -> str:
    return f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"


def _uuid(begin: str, i: int) -> str:
    return f"{begin}{i:06x}-4b1c-5d2e-9f00-{i * 7919:012x}"


def in_a_process(path: Path) -> dict[str, float]:
    """What importing ``path`` took, the process's own start included in its CPU and peak."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.imports", "--one", path], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measured(path: Path) -> dict[str, float]:
    """Import ``path`` into a new workspace, as `pse import` does; a CSV is only read."""
    import inventory
    from inventory.importers import read_file
    from pse.core.progress import Event
    from pse.core.settings import Workspace

    times: list[float] = []

    def progress(event: Event) -> None:  # noqa: ARG001 - only when it comes counts
        times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pse.toml").write_text('entity = "Sample"\n', encoding="utf-8")
        if path.suffix == ".csv":
            times.append(time.perf_counter())
            rows = read_file(path)[2].rows
            times += [time.perf_counter()] * 2
        else:
            rows = inventory.import_file(Workspace(Path(folder)), path, progress=progress).rows
    # A second process shares its pages with this one, so that the sum of both is the most that it can have been.
    used, its = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "rows": rows,
        "read_s": round(times[1] - times[0], 2),
        "stored_s": round(times[-1] - times[0], 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "cpu_of_second_process_s": round(its.ru_utime + its.ru_stime, 2),
        "peak_mib": round((used.ru_maxrss + its.ru_maxrss) / 1024),
    }


if __name__ == "__main__":
    sys.exit(main())
