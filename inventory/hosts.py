"""``hosts.toml``: the hosts to ask, and how each is reached."""

from collections.abc import Iterable

import msgspec

from pse.core.errors import BadInput
from pse.core.settings import Workspace, load_toml

FILE = "hosts.toml"
_SHOWN = 10


class HostDefaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for every host that says nothing else.

    Attributes:
        user: Account to log in with.
        port: TCP port of sshd.
        key: Secret reference (``file:PATH``) of the private key.
        jump: Name of the host in this file to go through (ProxyJump).
    """

    user: str = ""
    port: int = 22
    key: str = ""
    jump: str = ""


class HostLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``[[host]]`` as written; what is left out comes from ``[defaults]``."""

    name: str
    address: str
    port: int | None = None
    user: str = ""
    key: str = ""
    agent_key: str = ""
    jump: str | None = None
    tags: tuple[str, ...] = ()


class HostEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One host with the defaults filled in.

    Attributes:
        name: Unique in the file; the name of its pin in ``.pse/known_hosts``.
        address: IP address or DNS name.
        port: TCP port of sshd.
        user: Account.
        key: Secret reference of the private key; empty when ``agent_key`` is given.
        agent_key: Comment or ``SHA256:`` fingerprint of the one key that ssh-agent may use.
        jump: Name of the host to go through; empty for none.
        tags: ``name=value``.
        ranged: It is an address of a range, where nobody need be.
    """

    name: str
    address: str
    port: int
    user: str
    key: str = ""
    agent_key: str = ""
    jump: str = ""
    tags: tuple[str, ...] = ()
    ranged: bool = False


def load_hosts(workspace: Workspace, *, ranges: bool = False) -> tuple[HostEntry, ...]:
    """The hosts of ``hosts.toml`` in the order of the file, then those of the files that it includes.

    Args:
        workspace: Where.
        ranges: Also the addresses of its ranges that no host named otherwise has.

    Raises:
        BadInput: It or an included file is missing, not TOML, an unknown key, two hosts of one name, no user or no key,
            or a jump to a host that is not in the file or leads in a circle; the host is named.
    """
    path = workspace.path(FILE)
    if not path.exists():
        raise BadInput(
            "there is no hosts.toml", where=str(path), hint="Run `pse init`, or write one `[[host]]` a host."
        )
    from inventory.targets import HostsFile, lines_of_file, lines_of_range

    file = load_toml(path, HostsFile)
    entries: dict[str, HostEntry] = {}
    lines = [(line, str(path)) for line in file.host]
    for include in file.include:
        lines += [(line, include.file) for line in lines_of_file(include, workspace.root)]
    for line, source in lines:
        where = f"{source}: host {line.name!r}"
        entry = _fill(line, file.defaults)
        if entry.name in entries:
            raise BadInput("the name is used twice", where=where, hint="Give each host its own name.")
        _check(entry, where)
        entries[entry.name] = entry
    taken = {entry.address for entry in entries.values()}
    for span in file.range if ranges else ():
        where = f"{path}: range {span.cidr!r}"
        for line in lines_of_range(span, where=where):
            entry = msgspec.structs.replace(_fill(line, file.defaults), ranged=True)
            if entry.address not in taken and entry.name not in entries:
                _check(entry, where)
                entries[entry.name] = entry
    for entry in entries.values():
        _check_jump(entry, entries, f"{path}: host {entry.name!r}")
    return tuple(entries.values())


def some(names: Iterable[str]) -> str:
    """The first few of ``names``, for a hint."""
    listed = [*names]
    return f"{', '.join(listed[:_SHOWN])}{' …' if len(listed) > _SHOWN else ''}" or "none"


def _fill(line: HostLine, defaults: HostDefaults) -> HostEntry:
    return HostEntry(
        name=line.name,
        address=line.address,
        port=defaults.port if line.port is None else line.port,
        user=line.user or defaults.user,
        key="" if line.agent_key else line.key or defaults.key,
        agent_key=line.agent_key,
        # A host never goes through itself: the bastion may stand in the same file as the default jump.
        jump=(defaults.jump if defaults.jump != line.name else "") if line.jump is None else line.jump,
        tags=line.tags,
    )


def _check(entry: HostEntry, where: str) -> None:
    if not entry.name or any(c.isspace() or c in ",*?!#|" or not c.isprintable() for c in entry.name):
        hint = "Write letters, digits, dots and hyphens; `address` says where the host is."
        raise BadInput("a host's name has no blanks and none of , * ? ! # |", where=where, hint=hint)
    if not entry.address:
        raise BadInput("the address is empty", where=where, hint="Write its IP address or DNS name.")
    if not 0 < entry.port < 65536:
        raise BadInput(f"{entry.port} is not a TCP port", where=where, hint="Write 1 to 65535; sshd's own is 22.")
    if not entry.user:
        raise BadInput("no user is given", where=where, hint="Write `user` at the host or under [defaults].")
    if not entry.key and not entry.agent_key:
        raise BadInput(
            "neither a key nor an agent key is given", where=where, hint='Write `key = "file:PATH"` or `agent_key`.'
        )
    for tag in entry.tags:
        if "=" not in tag:
            raise BadInput(f"the tag {tag!r} is not name=value", where=where, hint='Write it as "tier=web".')


def _check_jump(entry: HostEntry, entries: dict[str, HostEntry], where: str) -> None:
    seen = {entry.name}
    at = entry
    while at.jump:
        if at.jump not in entries:
            hint = f"Write a `[[host]]` for it; the file has {some(entries)}."
            raise BadInput(f"the jump host {at.jump!r} is not in the file", where=where, hint=hint)
        if at.jump in seen:
            hint = 'Give the first one on the way `jump = ""`.'
            raise BadInput("its jump hosts lead in a circle", where=where, hint=hint)
        seen.add(at.jump)
        at = entries[at.jump]
