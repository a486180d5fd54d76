"""Server groups: servers that share a word never share a host.

Nova keeps nothing with a group but its name, so the stack and the word are the name. A group is there for its servers:
the first one makes it, the last one takes it along.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from providers.openstack.account import Account
from providers.openstack.client import part
from providers.ports import PortError

_JOINT = "__"
_PAGE = 500
_POLICY = "anti-affinity"


class Groups:
    """The server groups of one project.

    Args:
        account: The place's project.
    """

    def __init__(self, account: Account) -> None:
        """Make no call yet."""
        self._account = account
        self._client = account.client

    @contextmanager
    def joined(self, stack: str, word: str) -> Iterator[str]:
        """Id of the group of a stack's word, for one server that is made in the block; none without a word.

        The group is made when it is not there. Servers may come and go at the same time; a stack has one plugin at
        work, so they wait for each other here: nobody makes a second group, or deletes one that is still empty.
        """
        if not word:
            yield ""
            return
        name = f"{_prefix(stack)}{word}"
        with self._account.grouping:
            found = sorted(group["id"] for group in self._all() if group["name"] == name)
            if not found:
                body = {"server_group": {"name": name, "policies": [_POLICY]}}
                made = self._client.call("compute", "POST", "/os-server-groups", body=body)
                found = [made["server_group"]["id"]]
            yield str(found[0])

    def clear(self, stack: str) -> None:
        """Delete the stack's groups that have no server, also one that a killed run left."""
        with self._account.grouping:
            for group in self._all():
                if group["name"].startswith(_prefix(stack)) and not group["members"]:
                    self._drop(group["id"])

    def _drop(self, group: str) -> None:
        try:
            self._client.call("compute", "DELETE", f"/os-server-groups/{part(group)}")
        except PortError as exc:
            if exc.reason != "not-found":
                raise

    def _all(self) -> list[dict[str, Any]]:
        # Nova pages this list by offset and gives no link.
        found: list[dict[str, Any]] = []
        while True:
            query = {"limit": _PAGE, "offset": len(found)}
            page = self._client.call("compute", "GET", "/os-server-groups", params=query)["server_groups"]
            found += page
            if len(page) < _PAGE:
                return found


def _prefix(stack: str) -> str:
    return f"pse-apart{_JOINT}{stack}{_JOINT}"
