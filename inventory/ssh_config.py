"""Hosts of an ssh_config(5) file: the names of its ``Host`` blocks, each with the first value of each option.

Nothing is ever executed and no other file is read: ``Match`` blocks and ``Include`` are refused by name, because
leaving them out silently could change where a host is.
"""

import re
from fnmatch import fnmatchcase

import msgspec

from inventory.hosts import HostLine
from pse.core.errors import BadInput

_OPTION = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*?)\s*$")
_JUMP = re.compile(r"(?:ssh://)?(?:(?P<user>[^@\s]+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]+)(?::(?P<port>\d{1,5}))?")


class _Block(msgspec.Struct):
    patterns: tuple[str, ...]
    options: dict[str, str]

    def holds(self, name: str) -> bool:
        """As ssh does: one pattern fits, and no negated one does."""
        if any(p[0] == "!" and fnmatchcase(name, p[1:]) for p in self.patterns):
            return False
        return any(p[0] != "!" and fnmatchcase(name, p) for p in self.patterns)


def read_ssh_config(text: str, *, where: str) -> tuple[HostLine, ...]:
    """The hosts of ``text``, in its order; jump hosts that have no block of their own come after them.

    Raises:
        BadInput: A ``Match`` or ``Include``, a port that is none, or a jump that cannot be read; line or host is named.
    """
    blocks = _blocks(text, where)
    names = dict.fromkeys(p for block in blocks for p in block.patterns if not set(p) & set("*?!"))
    lines: dict[str, HostLine] = {}
    jumps: dict[str, HostLine] = {}
    for name in names:
        options: dict[str, str] = {}
        for block in blocks:
            if block.holds(name):
                options = {**block.options, **options}
        at = f"{where}: host {name!r}"
        key = options.get("identityfile", "")
        lines[name] = HostLine(
            name=name,
            address=options.get("hostname", name).replace("%h", name),
            port=_port(options.get("port", ""), at),
            user=options.get("user", ""),
            key=f"file:{key}" if key and key.lower() != "none" else "",
            jump=jump_of(options["proxyjump"], names, jumps, where=at) if "proxyjump" in options else None,
        )
    return (*lines.values(), *jumps.values())


def jump_of(value: str, known: dict[str, None], made: dict[str, HostLine], *, where: str) -> str:
    """Name of the last host of a ProxyJump list; those that are not ``known`` are put into ``made``.

    Raises:
        BadInput: Not such a list.
    """
    before = ""
    for word in [] if value.lower() == "none" else value.split(","):
        match = _JUMP.fullmatch(word.strip())
        if not match:
            raise BadInput(f"the jump host {word!r} cannot be read", where=where, hint="Write it as user@host:port.")
        name = match["host"].strip("[]")
        if name not in known:
            port = int(match["port"]) if match["port"] else None
            user = match["user"] or ""
            made.setdefault(name, HostLine(name=name, address=name, port=port, user=user, jump=before))
        before = name
    return before


def _blocks(text: str, where: str) -> list[_Block]:
    blocks = [_Block(("*",), {})]
    for number, line in enumerate(text.splitlines(), start=1):
        match = _OPTION.match(line)
        if not match or line.lstrip().startswith("#"):
            continue
        option, value = match[1].lower(), match[2].strip('"')
        if option in {"match", "include"}:
            hint = "Write the hosts that it is about as `Host` blocks of this file, or as [[host]] of hosts.toml."
            raise BadInput(f"{match[1]} is not read", where=f"{where}:{number}", hint=hint)
        if option == "host":
            blocks.append(_Block(tuple(word.strip('"') for word in match[2].split()), {}))
        else:
            blocks[-1].options.setdefault(option, value)
    return blocks


def _port(value: str, where: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 6):
        raise BadInput(f"{value!r} is not a TCP port", where=where)
    return int(value)
