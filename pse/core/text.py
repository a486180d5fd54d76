"""Text from outside, made safe to show: no escape codes, no direction tricks, no formulas."""

import re
from collections.abc import Sequence

_TRICKS = "\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
_ANY = re.compile(f"[\x00-\x1f{_TRICKS}]")
_UNSAFE = re.compile(f"[\x00-\x08\x0b-\x1f{_TRICKS}]")
"""As above without tab and line feed, which stand between the parts of a JSON text and never in its strings."""
_STEPS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s\"'`<>]*@")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    r"""``text`` on one line: control, bidirectional and invisible characters written as ``\xNN`` or ``\uNNNN``.

    Line feeds and tabs are among them: whoever names a server must not write a line of ours.
    Bytes of a file name that are no UTF-8 are lone surrogates in Python, which no document and no terminal takes.
    """
    return _ANY.sub(lambda m: m[0].encode("unicode_escape").decode("ascii"), text)


def without_userinfo(text: str) -> str:
    """``text`` with user and password of every URL in it hidden, for what other programs said of an address.

    Up to the last ``@`` before a space or a quote, because a password that made the URL unreadable may hold a slash.
    """
    return _USERINFO.sub(r"\1***@", text)


def counted(number: int, noun: str, plural: str = "") -> str:
    """``number`` with its noun, which takes an s, or is ``plural``, for anything but 1: for words that people read."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def few(names: Sequence[str], most: int) -> str:
    """``names`` for people: the first ``most`` of them, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def csv_cell(text: str) -> str:
    """``text`` as a spreadsheet cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def json_safe(text: str) -> str:
    r"""JSON ``text`` with the same characters written as ``\uNNNN``: the same JSON, and safe on a terminal."""
    return _UNSAFE.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def size(count: int) -> str:
    """Bytes for a person: ``268.4 MiB``."""
    amount, step = float(count), 0
    while amount >= 1024 and step < len(_STEPS) - 1:
        amount, step = amount / 1024, step + 1
    return f"{amount:.1f} {_STEPS[step]}" if step else f"{count} bytes"


def duration(seconds: float) -> str:
    """Seconds in the two largest units that are not 0: ``40 s``, ``3 min 20 s``, ``5 h 10 min``, ``2 d 4 h``."""
    left, parts = round(seconds), []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
