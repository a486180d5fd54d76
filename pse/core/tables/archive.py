"""Zip archives: how much their directory holds, known before a library reads all of it into memory."""

from typing import IO

from pse.core.errors import BadInput

_MOST = 4 * 1024 * 1024
"""Bytes of the directory of an archive: some 40,000 members."""
_END, _END64 = b"PK\x05\x06", b"PK\x06\x06"


def check_directory(file: IO[bytes], where: str) -> None:
    """Refuse an archive whose directory alone would fill the memory; anything else is left to the library.

    Raises:
        BadInput: It holds absurdly many members.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - 65_536 - 98))
    tail = file.read()
    file.seek(0)
    plain = len(tail) - 22
    at = plain if tail[plain : plain + 4] == _END and tail[-2:] == b"\0\0" else tail.rfind(_END)
    directory = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    wide = tail.rfind(_END64, 0, max(at, 0))
    if wide >= 0:
        directory = max(directory % 0xFFFFFFFF, int.from_bytes(tail[wide + 40 : wide + 48], "little"))
    if directory > _MOST:
        raise BadInput("a zip file of absurdly many parts", where=where)
