"""Mounted file systems and the ones that should be."""

import re

import msgspec

from inventory.facts.base import Fact, Section, bare, number, text

LOCAL = (
    "ext2",
    "ext3",
    "ext4",
    "xfs",
    "btrfs",
    "jfs",
    "reiserfs",
    "f2fs",
    "zfs",
    "vfat",
    "ntfs",
    "ntfs3",
    "exfat",
    "nilfs2",
    "ocfs2",
    "gfs2",
    "vxfs",
    "gpfs",
    "overlay",
)
"""Types whose size is asked. Nothing else is ever touched: a dead NFS server, an autofs or a FUSE process may hang."""
_ASKED = "|".join(t for t in LOCAL if t not in {"ocfs2", "gfs2", "gpfs"})


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """One mounted file system.

    Attributes:
        mount: Where.
        source: Device or export.
        fstype: Type.
        device: ``major:minor``; two mounts of one device are one file system.
        root: Path inside the file system that is mounted.
        size: Bytes; None when not asked or not answered.
        used: Bytes in use; None likewise.
    """

    mount: str
    source: str
    fstype: str
    device: str
    root: str = "/"
    size: int | None = None
    used: int | None = None


class MountsFact(Fact[tuple[Mount, ...]]):
    """The kernel's own table, and one `stat -f` over local types only.

    Paths with a line break are listed without a size: an answer about them could be mistaken for another's.
    """

    name = "mounts"
    section = Section(
        sh=f"""
echo 'stat:'
found=$(grep -aE ' - ({_ASKED}) ' /proc/self/mountinfo)
set -f
IFS='
'
set -- $found
IFS=' '
n=$#
while [ "$n" -gt 0 ]; do
  line=$1; shift; n=$((n - 1))
  at=${{line#* * * * }}; at=${{at%% *}}
  case $at in
    *'\\012'*|*'\\134'*) ;;
    *'\\'*) at=$(printf '%bx' "$at"); set -- "$@" "${{at%x}}";;
    *) set -- "$@" "$at";;
  esac
done
unset IFS
set +f
if [ $# -gt 0 ]; then stat -f -c '%b %S %f %n' -- "$@"; fi
:""",
        files=("/proc/self/mountinfo",),
        reads=("/proc/self/mountinfo", "statfs of mounted local file systems: " + ", ".join(_ASKED.split("|"))),
        runs=("grep", "stat"),
        timeout_s=8,
        group="disk",
    )

    def parse(self, raw: bytes) -> tuple[Mount, ...] | None:
        """See `Mount`, later mounts over earlier ones, sorted by path; None without a table."""
        table, _, sizes = bare(raw, "/proc/self/mountinfo").partition(b"\nstat:\n")
        known: dict[str, tuple[int, int]] = {}
        for line in sizes.splitlines():
            words = text(line).split(" ", 3)
            if len(words) == 4 and None not in (numbers := [number(w) for w in words[:3]]):
                blocks, unit, free = (n or 0 for n in numbers)
                known[words[3]] = (blocks * unit, max(0, blocks - free) * unit)
        found: dict[str, Mount] = {}
        for line in table.splitlines():
            words = text(line).split(" ")
            if len(words) < 10 or "-" not in words[6:]:
                continue
            dash = words.index("-", 6)
            if len(words) < dash + 3:
                continue
            at = unescape(words[4])
            size = known.get(at)
            found[at] = Mount(
                mount=at,
                source=unescape(words[dash + 2]),
                fstype=words[dash + 1],
                device=words[2],
                root=unescape(words[3]),
                size=size[0] if size else None,
                used=size[1] if size else None,
            )
        return tuple(found[at] for at in sorted(found)) or None


class FstabFact(Fact[tuple[Mount, ...]]):
    """/etc/fstab: also what is not mounted at the moment comes back at the next boot."""

    name = "fstab"
    section = Section(files=("/etc/fstab",), group="quick")

    def parse(self, raw: bytes) -> tuple[Mount, ...] | None:
        """Mounts without sizes, in the order of the file; None when the file is missing or has no entry."""
        found = []
        for line in bare(raw, "/etc/fstab").decode("utf-8", "backslashreplace").split("\n"):
            words = line.split()
            if len(words) >= 3 and not words[0].startswith("#"):
                found.append(Mount(mount=unescape(words[1]), source=unescape(words[0]), fstype=words[2], device=""))
        return tuple(found) or None


def unescape(word: str) -> str:
    r"""Undo the kernel's octal escapes (``\040`` and the like)."""
    return re.sub(r"\\([0-3][0-7]{2})", lambda m: chr(int(m[1], 8)), word)
