"""Memory and swap."""

import re

import msgspec

from inventory.facts.base import Fact, Section

_LINE = re.compile(rb"^(?:/proc/meminfo:)?(\w+(?:\(\w+\))?):\s*(\d{1,18})(?: kB)?\s*$", re.MULTILINE)


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Memory in KiB, as the kernel counts it.

    Attributes:
        total_kib: What the kernel has to give, a little less than what is installed.
        available_kib: What a new program could have; estimated on kernels before 3.14.
        swap_kib: Swap space.
    """

    total_kib: int
    available_kib: int | None = None
    swap_kib: int = 0


class MemoryFact(Fact[Memory]):
    """/proc/meminfo, whose ``kB`` is KiB."""

    name = "memory"
    section = Section(files=("/proc/meminfo",), group="quick")

    def parse(self, raw: bytes) -> Memory | None:
        """See `Memory`; None without a total."""
        found = {name.decode("ascii", "replace"): int(value) for name, value in _LINE.findall(raw)}
        if "MemTotal" not in found:
            return None
        available = found.get("MemAvailable")
        if available is None and "MemFree" in found:
            free = found["MemFree"] + found.get("Buffers", 0) + found.get("Cached", 0) - found.get("Shmem", 0)
            available = max(0, free)
        return Memory(total_kib=found["MemTotal"], available_kib=available, swap_kib=found.get("SwapTotal", 0))
