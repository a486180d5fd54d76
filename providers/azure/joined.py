"""Several firewalls of one server: an interface has one security group, so theirs are joined into one of the server's.

It is part of the server, made after it and deleted with it; its tags say which firewalls it joins, and a change of one
of them changes it too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from providers.azure import rules
from providers.azure.account import Account, reasons
from providers.azure.names import GROUP, PART, last, own_tags
from providers.ports import PortError

JOINS = "pse-joins-"
"""Beginning of the tags that name the firewalls."""

Groups = Mapping[str, Mapping[str, Any]]
"""Security groups of the resource group by name in small letters."""


def groups_of(account: Account) -> dict[str, dict[str, Any]]:
    """All security groups by name in small letters."""
    return {str(raw["name"]).lower(): raw for raw in account.all(GROUP)}


def group_id(account: Account, server: str) -> str:
    """Id of a server's joined group, by the server's id or name."""
    return account.path(GROUP, f"{last(server)}-joined")


def members(account: Account, group: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the firewalls that a group joins; none for one that is no joined group."""
    names = [str(key)[len(JOINS) :] for key in group.get("tags") or () if str(key).lower().startswith(JOINS)]
    return tuple(account.path(GROUP, name) for name in sorted(names))


def is_true(group: Mapping[str, Any], firewalls: Sequence[str], groups: Groups) -> bool:
    """Whether a joined group permits what its firewalls do, and nothing else."""
    wanted = _flows([groups[last(one).lower()] for one in firewalls if last(one).lower() in groups])
    return rules.live_rules(group) == wanted and rules.is_closed(group) and not reasons(group)


def join(account: Account, server: Mapping[str, Any], firewalls: Sequence[str]) -> str:
    """Make or change the joined group of a server, and wait until it is there; gives its id.

    Raises:
        PortError: A firewall is not there, or Azure said no.
    """
    parts = [account.needed(one, GROUP) for one in firewalls]
    tags = {**own_tags(server), PART: str(server["name"]), **{f"{JOINS}{raw['name']}": "1" for raw in parts}}
    return _put(account, group_id(account, str(server["name"])), tags, parts)


def rejoin(account: Account, firewall: str) -> None:
    """Bring the joined groups that a firewall is in to its rules."""
    groups = groups_of(account)
    for group in list(groups.values()):
        firewalls = members(account, group)
        if firewall in firewalls and not is_true(group, firewalls, groups):
            parts = [groups[last(one).lower()] for one in firewalls if last(one).lower() in groups]
            _put(account, account.path(GROUP, group["name"]), group["tags"], parts)


def refuse_joined(account: Account, firewall: str) -> None:
    """See that no server has a firewall joined with others: Azure does not know.

    Raises:
        PortError: One has.
    """
    for group in account.all(GROUP):
        if firewall in members(account, group):
            said = f"{last(firewall)} is joined in {group['name']}"
            raise PortError(said, reason="in-use", where=account.place)


def _put(account: Account, object_id: str, tags: Mapping[str, str], parts: Sequence[Mapping[str, Any]]) -> str:
    body = {
        "location": account.location,
        "tags": dict(tags),
        "properties": {"securityRules": rules.body(_flows(parts))},
    }
    account.put(object_id, body)
    account.succeeded(object_id, GROUP)
    return object_id


def _flows(parts: Sequence[Mapping[str, Any]]) -> dict[rules.Key, str]:
    """What all of them permit, as far as one of ours says it: what somebody else put into one is not handed on."""
    found: dict[rules.Key, str] = {}
    for raw in parts:
        found |= {key: why for key, why in rules.live_rules(raw).items() if rules.is_plain(key)}
    return found
