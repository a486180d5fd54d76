"""Hosts of an Ansible inventory, INI or YAML: addresses, accounts, keys, jumps; groups become tags.

Read as data: no plugin, no script, no template is ever run, and passwords are not looked at.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from inventory.hosts import HostLine
from inventory.ssh_config import jump_of
from pse.core.errors import BadInput
from pse.core.text import printable

_RANGE = re.compile(r"\[(\w+):(\w+)(?::(\d+))?\]")
_MOST = 100_000
_JUMP = re.compile(r"(?:^|\s)-J\s*(\S+)|ProxyJump[ =]\"?([^\s\"']+)")
_DEEPEST = 50

Vars = dict[str, str]


class _Inventory:
    """Groups as they are read, whatever the format."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.hosts: dict[str, Vars] = {}
        self.groups: dict[str, dict[str, None]] = {}
        self.children: dict[str, dict[str, None]] = {}
        self.vars: dict[str, Vars] = {}

    def lines(self) -> tuple[HostLine, ...]:
        """Each host with the values of its groups, a child's before its parent's, its own first."""
        depth = self._depths()
        member: dict[str, list[str]] = {name: [] for name in self.hosts}
        for group in self.groups:
            for name in self._members(group):
                member[name].append(group)
        made: dict[str, HostLine] = {}
        found = []
        for name, own in self.hosts.items():
            groups = sorted(set(member[name]), key=lambda g: (depth.get(g, 0), g))
            values: Vars = dict(self.vars.get("all", {}))
            for group in groups:
                values |= self.vars.get(group, {})
            found.append(self._line(name, values | own, [g for g in groups if g not in {"all", "ungrouped"}], made))
        return (*found, *made.values())

    def _line(self, name: str, values: Vars, groups: list[str], made: dict[str, HostLine]) -> HostLine:
        where = f"{self.where}: host {printable(name)!r}"
        for key in ("ansible_host", "ansible_port", "ansible_user", "ansible_ssh_private_key_file"):
            if "{{" in values.get(key, ""):
                hint = "Write its value, or the host into hosts.toml."
                raise BadInput(f"{key} is a template, and none is run", where=where, hint=hint)
        port = values.get("ansible_port", values.get("ansible_ssh_port", ""))
        if port and not (port.isascii() and port.isdigit() and len(port) < 6):
            raise BadInput(f"{printable(port)!r} is not a TCP port", where=where)
        key = values.get("ansible_ssh_private_key_file", values.get("ansible_private_key_file", ""))
        options = f"{values.get('ansible_ssh_common_args', '')} {values.get('ansible_ssh_extra_args', '')}"
        jump = _JUMP.search(options)
        return HostLine(
            name=name,
            address=values.get("ansible_host", values.get("ansible_ssh_host", name)),
            port=int(port) if port else None,
            user=values.get("ansible_user", values.get("ansible_ssh_user", "")),
            key=f"file:{key}" if key else "",
            jump=jump_of(jump[1] or jump[2], dict.fromkeys(self.hosts), made, where=where) if jump else None,
            tags=tuple(f"group={group}" for group in groups),
        )

    def _members(self, group: str) -> Iterator[str]:
        seen, todo = {group}, [group]
        while todo:
            at = todo.pop()
            yield from self.groups.get(at, {})
            more = [child for child in self.children.get(at, {}) if child not in seen]
            seen.update(more)
            todo += more

    def _depths(self) -> dict[str, int]:
        depth = dict.fromkeys(self.groups, 0)
        for _ in range(_DEEPEST):
            changed = False
            for parent, children in self.children.items():
                for child in children:
                    if depth.get(child, 0) <= depth.get(parent, 0):
                        depth[child] = depth.get(parent, 0) + 1
                        changed = True
            if not changed:
                return depth
        raise BadInput("its groups hold each other in a circle", where=self.where)


def read_ini(text: str, *, where: str) -> tuple[HostLine, ...]:
    """The hosts of an inventory in INI form.

    Raises:
        BadInput: A line that cannot be read, or too large a range; the line is named.
    """
    found = _Inventory(where)
    group, part = "ungrouped", ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        at = f"{where}:{number}"
        if line[0] == "[" and (match := re.fullmatch(r"\[([^\]:]+)(?::(children|vars))?\]\s*(?:#.*)?", line)):
            group, part = match[1].strip(), match[2] or ""
            found.groups.setdefault(group, {})
            continue
        try:
            words = shlex.split(line, comments=True)
        except ValueError as exc:
            raise BadInput(f"cannot be read: {exc}", where=at) from exc
        if part == "vars":
            key, _, value = line.partition("=")
            found.vars.setdefault(group, {})[key.strip()] = value.strip().strip("\"'")
        elif part == "children":
            found.children.setdefault(group, {})[words[0]] = None
            found.groups.setdefault(words[0], {})
        else:
            values = dict(word.split("=", 1) for word in words[1:] if "=" in word)
            for name in _names(words[0], at):
                found.groups.setdefault(group, {})[name] = None
                found.hosts.setdefault(name, {}).update(values)
    return found.lines()


def read_yaml(text: str, *, where: str) -> tuple[HostLine, ...]:
    """The hosts of an inventory in YAML form; values in a vault stay closed.

    Raises:
        BadInput: Not YAML, or not groups with ``hosts``, ``children`` and ``vars``.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads plain data; what carries a tag of its own (`!vault`) is as good as absent."""

    Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: "")
    try:
        data = yaml.load(text, Loader)  # noqa: S506 - a SafeLoader, and what it does not know is dropped
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise BadInput(f"not YAML: {printable(str(exc))[:200]}", where=where) from exc
    found = _Inventory(where)
    for name, group in _table(data, where).items():
        _take(found, name, group, 0)
    return found.lines()


def _take(found: _Inventory, name: str, group: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise BadInput("its groups are nested too deeply", where=found.where)
    found.groups.setdefault(name, {})
    table = _table(group, f"{found.where}: group {printable(name)!r}")
    for pattern, values in _table(table.get("hosts"), found.where).items():
        for host in _names(pattern, found.where):
            found.groups[name][host] = None
            found.hosts.setdefault(host, {}).update(_plain(values, found.where))
    found.vars.setdefault(name, {}).update(_plain(table.get("vars"), found.where))
    for child, inner in _table(table.get("children"), found.where).items():
        found.children.setdefault(name, {})[child] = None
        _take(found, child, inner, depth + 1)


def _table(value: object, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadInput("not an inventory: a table of groups or hosts is wanted", where=where)
    return {str(key): inner for key, inner in value.items()}


def _plain(values: object, where: str) -> Vars:
    return {key: str(v) for key, v in _table(values, where).items() if isinstance(v, str | int) and v != ""}


def _names(pattern: str, where: str) -> Iterator[str]:
    """``web[01:03].example`` is three names; letters go as well, and a third number is the step."""
    parts: list[list[str]] = []
    at, count = 0, 1
    for match in _RANGE.finditer(pattern):
        low, high, step = match[1], match[2], int(match[3] or 1)
        if low.isdigit() and high.isdigit() and step and len(high) < 10:
            numbers = range(int(low), int(high) + 1, step)
            made = [str(n).zfill(len(low)) for n in numbers[: _MOST + 1]]
        elif len(low) == len(high) == 1 and step:
            made = [chr(n) for n in range(ord(low), ord(high) + 1, step)]
        else:
            raise BadInput(f"the range {printable(match[0])} cannot be read", where=where)
        parts += [[pattern[at : match.start()]], made]
        at, count = match.end(), count * len(made)
        if count > _MOST:
            raise BadInput(f"the range names more than {_MOST} hosts", where=where)
    parts.append([pattern[at:]])
    for words in product(*parts):
        yield "".join(words)
