"""What came back from a probe, cut into frames."""

import re
from functools import lru_cache

from inventory.facts import TABLE
from inventory.facts.base import Frame

FILES = "_files"
"""Ends the name of a group's frame that holds the lines of all its files."""

_KNOWN = 20_000
"""Paths whose readers are remembered; hosts have mostly the same ones."""


class Answer:
    """What came back from a host.

    Attributes:
        began: The script started at all.
        complete: Its last frame is there.
        noise: Bytes before it began: greetings and what a login shell says.
        frames: By section, with the lines of its files.
    """

    def __init__(self, raw: bytes, mark: str) -> None:
        """Cut ``raw`` into frames; anything goes, also a text that is cut anywhere or is not from a probe at all."""
        self.began = False
        self.complete = False
        self.noise = b""
        self.frames: dict[str, Frame] = {}
        self._in_group: list[str] = []
        self._grouped: set[str] = set()
        parts = raw.split(b"\n" + mark.encode() + b" ")
        self.noise = parts[0]
        inside = ""
        for part in parts[1:]:
            head, _, body = part.partition(b"\n")
            words = head.decode("ascii", "replace").split(" ")
            if words[0] == "H":
                self.began = True
            if not self.began:
                continue
            inside = self._take(words, body, inside)
        self._hand_out_files()

    def _take(self, words: list[str], body: bytes, inside: str) -> str:
        match words:
            case ["S" | "I" as kind, name]:
                self.frames[name] = Frame(raw=body, rc=None)
                if kind == "I":
                    self._in_group.append(name)
                    self._grouped.add(name)
                return name
            case ["G", _]:
                self._in_group = []
            case ["F"]:
                for name in self._in_group:
                    self.frames.pop(name, None)
                    self._grouped.discard(name)
            case ["R", rc] if inside and _is_rc(rc):
                self.frames[inside] = Frame(raw=self.frames[inside].raw, rc=int(rc))
            case ["E", name, rc] if name == inside and _is_rc(rc):
                self._end(name, int(rc))
                return ""
            case ["K", name]:
                self.frames[name] = Frame(skipped=True, rc=None)
            case ["Z", *_]:
                self.complete = True
        return inside

    def _end(self, name: str, rc: int) -> None:
        """The worker ended: without the section's own last word it was killed, or its output was cut at the cap."""
        frame = self.frames[name]
        if frame.rc is None:
            cut = rc != 137
            self.frames[name] = Frame(raw=frame.raw, rc=None if cut else 137, truncated=cut)

    def _hand_out_files(self) -> None:
        """Give each section of a group the lines of its own files, before what it printed itself."""
        read = [name for name in self._grouped if name.endswith(FILES)]
        files = [frame.raw for name in read if (frame := self.frames.pop(name)).rc is not None]
        names = tuple(sorted(name for name in self._grouped if name in TABLE and TABLE[name].section.files))
        routes = _routes(tuple((name, TABLE[name].section.files) for name in names))
        lines: dict[str, list[bytes]] = {name: [] for name in names}
        for raw in files:
            for line in raw.split(b"\n"):
                for name in routes.readers(line):
                    lines[name].append(line)
        for name, found in lines.items():
            if found:
                frame = self.frames[name]
                raw = b"\n".join([*found, frame.raw])
                self.frames[name] = Frame(raw=raw, rc=frame.rc, truncated=frame.truncated, skipped=frame.skipped)


class _Routes:
    """Which sections read the file that a line of `grep` is from."""

    def __init__(self, sections: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        self._patterns = [(name, re.compile(_regex(files))) for name, files in sections]
        self._known: dict[bytes, tuple[str, ...]] = {}

    def readers(self, line: bytes) -> tuple[str, ...]:
        path = line.partition(b":")[0]
        found = self._known.get(path)
        if found is None:
            found = self._match(path + b":")
            if len(self._known) < _KNOWN:
                self._known[path] = found
        return found or self._match(line)  # the path of a device may hold a colon itself

    def _match(self, line: bytes) -> tuple[str, ...]:
        return tuple(name for name, pattern in self._patterns if pattern.match(line)) if line[:1] == b"/" else ()


def _regex(files: tuple[str, ...]) -> bytes:
    return b"(?:" + b"|".join(re.escape(f.encode()).replace(rb"\*", rb"[^/\n]*") for f in files) + b"):"


_routes = lru_cache(maxsize=16)(_Routes)


def _is_rc(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 3
