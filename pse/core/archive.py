"""Zip archives whose bytes follow from their members, and a reader that believes nothing else.

Members are stored, not packed, sorted by name and without a clock, so that the same members give the same bytes on
every machine. What is read has to be exactly those bytes: no comment, no gap, no second directory, no other name in
front of a member than in the directory. Nothing is ever unpacked to a disk.
"""

import io
import re
import zipfile
from collections.abc import Mapping

import msgspec

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_UNIX = 3
BROKEN = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError)
"""What the library raises of an archive that is not whole."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An archive that was read.

    Attributes:
        members: Content by name, of the members that can be believed to be what the directory says.
        wrong: What is wrong with the archive itself, each with the member's name or empty for the whole.
    """

    members: dict[str, bytes]
    wrong: tuple[tuple[str, str], ...] = ()


def pack(members: Mapping[str, bytes]) -> bytes:
    """The bytes of the archive of ``members``.

    Raises:
        ValueError: A name that a reader could take for a path elsewhere.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            if not _NAME.fullmatch(name):
                raise ValueError(f"not a name of a member: {name!r}")
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr, info.create_system = _MODE, _UNIX
            archive.writestr(info, members[name])
    return out.getvalue()


def unpack(data: bytes) -> Opened:
    """Read an archive of `pack` in memory, and say of any other what is wrong with it; never raises."""
    members: dict[str, bytes] = {}
    wrong: list[tuple[str, str]] = []
    room = len(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                # The library cuts a name at a NUL byte; what the directory says counts.
                name = info.orig_filename
                if name in members:
                    wrong.append((name, "is there more than once"))
                elif not _NAME.fullmatch(name):
                    wrong.append((name, "has a name that leads elsewhere"))
                elif info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                    # Also what a small file would be blown up from.
                    wrong.append((name, "is packed or encrypted, and evidence never is"))
                elif (room := room - info.file_size) < 0:
                    wrong.append((name, "says that it is larger than the file"))
                else:
                    try:
                        members[name] = archive.read(info)
                    except BROKEN as exc:
                        wrong.append((name, f"cannot be read: {exc}"))
    except BROKEN as exc:
        wrong.append(("", f"the file is cut off or no zip archive: {exc}"))
    if not wrong and pack(members) != data:
        wrong.append(("", "the file holds something besides its members"))
    return Opened(members=members, wrong=tuple(wrong))
