"""A ministry's whole estate, made by rule: the same for the same number of servers, on every machine."""

import random
from collections.abc import Iterator

from inventory.estate import Estate, make_estate
from pse.core.documents.snapshot import TABLES, Disk, Filesystem, Flow, Server

TIERS = ("web", "app", "db", "job")
"""Servers of one workload; each but the first is called by the one before it."""
DISKS = 3
FLOWS = 10
"""Disks and flows for each server."""
_SHARED = 50
"""Servers that everybody calls: names, time, directory, monitoring."""
_SIZES = ((1, 2), (2, 4), (2, 8), (4, 8), (4, 16), (8, 16), (8, 32), (8, 64), (16, 64), (32, 128))
_SYSTEMS = (("debian", "12"), ("rhel", "8.9"), ("debian", "11"), ("suse", "15.5"), ("rhel", "9.4"))


def estate(servers: int, *, seed: int = 1) -> Estate:
    """So many servers in workloads of four, with three disks and ten flows each; a third of them was measured."""
    drawn = random.Random(seed)
    machines = [_server(number, drawn) for number in range(servers)]
    tables: dict[str, list[object]] = {name: [] for name in TABLES}
    tables["servers"] = list(machines)
    tables["disks"] = [disk for server in machines for disk in _disks(server, drawn)]
    tables["filesystems"] = [
        Filesystem(server=server.id, mount="/", fstype="ext4", size_mib=20_000, used_mib=9_000) for server in machines
    ]
    tables["flows"] = list(_flows(machines, drawn))
    return make_estate(tables, ())  # type: ignore[arg-type]  # rows of each table's own kind


def _server(number: int, drawn: random.Random) -> Server:
    vcpus, gib = drawn.choice(_SIZES)
    family, version = _SYSTEMS[number // len(TIERS) % len(_SYSTEMS)]
    measured = number % 3 == 0
    return Server(
        id=f"srv-{number:012x}",
        hostname=f"{TIERS[number % len(TIERS)]}-{number // len(TIERS):06}",
        addresses=(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",),
        os_family=family,
        os_version=version,
        architecture="x86_64",
        virtual="vmware",
        vcpus=vcpus,
        memory_mib=gib * 1024,
        cpu_peak=round(drawn.uniform(0.02, 0.98), 3) if measured else None,
        memory_peak=round(drawn.uniform(0.1, 0.98), 3) if measured else None,
        power_state="on",
        sources=(f"rvtools:estate.xlsx#vInfo:{number + 2}",),
    )


def _disks(server: Server, drawn: random.Random) -> Iterator[Disk]:
    for number in range(DISKS):
        size = drawn.choice((20, 50, 100, 200, 500, 1000)) * 1024
        yield Disk(server=server.id, name=f"Hard disk {number + 1}", size_mib=size, used_mib=size * 6 // 10)


def _flows(servers: list[Server], drawn: random.Random) -> Iterator[Flow]:
    """Within a workload a chain that binds; beside it calls of a few shared servers, which do not bind."""
    shared = servers[:: max(len(TIERS), len(servers) // _SHARED)]
    seen: set[tuple[str, str, int]] = set()
    for number, server in enumerate(servers):
        tier = number % len(TIERS)
        if tier + 1 < len(TIERS) and number + 1 < len(servers):
            yield Flow(
                client=server.id, server=servers[number + 1].id, protocol="tcp", port=8000 + tier, service="http",
                binds=True,
            )  # fmt: skip
        while len(seen) < (number + 1) * (FLOWS - 1):
            other, port = drawn.choice(shared), drawn.choice((53, 123, 389, 514, 10050))
            key = (server.id, other.id, port)
            if key not in seen and other is not server:
                seen.add(key)
                yield Flow(client=server.id, server=other.id, protocol="udp", port=port, service="shared")
