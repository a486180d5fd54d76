"""How far rsync is, in words: its own progress lines and totals, read without believing more than they say."""

import re
import time

from pse.core.text import size

_LINE = re.compile(rb"^\s*([\d,]+)\s+(\d+)%\s+\S+\s+(\d+:\d\d:\d\d)(?: \(xfr#(\d+), to-chk=(\d+)/(\d+)\))?")
_TOTAL = re.compile(rb"^(Number of files|Number of regular files transferred|Total file size): ([\d,]+)", re.MULTILINE)
_SENT = re.compile(rb"^Total bytes (?:sent|received): ([\d,]+)", re.MULTILINE)


class Pace:
    """One run of rsync with ``--info=progress2,stats2 --no-human-readable --no-inc-recursive``."""

    def __init__(self) -> None:
        """The clock of the rate begins now."""
        self._began = time.monotonic()
        self._entries = ""

    def line(self, line: bytes) -> tuple[int, int | None, str] | None:
        """What one line of its log says.

        Returns:
            Bytes carried, bytes in all (None below 5 %, where rsync's whole percent says too little) and a line for a
            person; None when it is another line. A pass over a tree that is there already ends far below 100 %.
        """
        found = _LINE.match(line)
        if found is None:
            return None
        done, percent = _int(found[1]), int(found[2])
        if found[4]:
            left, entries = int(found[5]), int(found[6])
            self._entries = f"{entries - left:,} of {entries:,} entries looked at, {int(found[4]):,} files carried, "
        seconds = max(time.monotonic() - self._began, 0.1)
        # After a file rsync gives the time since it began, else the time that it thinks is left.
        eta = f", {found[3].decode()} left" if not found[4] and percent >= 5 else ""
        text = f"{self._entries}{size(done)}, {percent} %, {size(int(done / seconds))}/s{eta}"
        return done, done * 100 // percent if percent >= 5 else None, text


def ended(log: bytes, seconds: float | None) -> str:
    """What a run did in the end, from rsync's own totals; empty when its log has none."""
    totals = {name: _int(count) for name, count in _TOTAL.findall(log)}
    if len(totals) < 3:
        return ""
    entries, carried, whole = (totals[name] for name in sorted(totals))
    rate = f" in {seconds:.1f} s, {size(int(sent(log) / seconds))}/s" if seconds else ""
    return f"{carried:,} files carried of {entries:,} entries of {size(whole)}, {size(sent(log))} sent{rate}"


def sent(log: bytes) -> int:
    """Bytes that went over the line in the larger direction."""
    return max(map(_int, _SENT.findall(log)), default=0)


def _int(text: bytes) -> int:
    return int(text.replace(b",", b""))
