"""Processors."""

import msgspec

from inventory.facts.base import Fact, Section, bare, number


class CPU(msgspec.Struct, frozen=True, kw_only=True):
    """Processors that the host may use.

    Attributes:
        vcpus: Logical CPUs online.
        sockets: Sockets; None where the kernel does not tell.
        model: Model name.
        wide: The CPU is a 64-bit one (flag ``lm``); None where it has no such flag list.
    """

    vcpus: int
    sockets: int | None = None
    model: str = ""
    wide: bool | None = None


class CPUFact(Fact[CPU]):
    """Filtered on the host: 256 CPUs have 400 kB of /proc/cpuinfo."""

    name = "cpu"
    section = Section(
        sh="""
grep -aE '^(processor|physical id|model name|cpu model|Processor)[^:]*:' /proc/cpuinfo
while read -r key rest; do
  case $key in flags) echo "flags $rest"; break;; Features|features|isa) break;; esac
done < /proc/cpuinfo
:""",
        files=("/sys/devices/system/cpu/online",),
        reads=("/proc/cpuinfo",),
        runs=("grep",),
        group="quick",
    )

    def parse(self, raw: bytes) -> CPU | None:
        """See `CPU`; None when neither table nor online list is there."""
        listed, physical, model, wide = 0, set(), "", None
        online: int | None = None
        for line in bare(raw, "/sys/devices/system/cpu/online").decode("utf-8", "backslashreplace").split("\n"):
            key, _, value = (part.strip() for part in line.partition(":"))
            if key == "processor" and number(value) is not None:
                listed += 1
            elif key == "physical id":
                physical.add(value)
            elif key in {"model name", "cpu model", "Processor"} and not model:
                model = value
            elif key == "flags" and wide is None:
                wide = "lm" in value.split()
            elif online is None:
                online = count(value if key == "online" else key)
        vcpus = listed or online
        if not vcpus:
            return None
        return CPU(vcpus=vcpus, sockets=len(physical) or None, model=model, wide=wide)


def count(ranges: str) -> int | None:
    """CPUs in a kernel list such as ``0-3,8``; None when it is none."""
    total = 0
    for part in ranges.split(","):
        low, dash, high = part.strip().partition("-")
        start, end = number(low), number(high if dash else low)
        if start is None or end is None or end < start:
            return None
        total += end - start + 1
    return total
