"""The calls that the conformance suite makes of the services, all of its files together, beside the list in docs."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from providers.conformance import Rig
from providers.conformance.rig import rigged
from tests.chaos.program import Names, put_image
from tests.providers.openstack.accounts import PLACE, Project

LIST = Path(__file__).parents[3] / "docs" / "permissions" / "openstack.md"
PARTS = ("test_openstack_conformance", "test_openstack_kinds_conformance", "test_openstack_servers_conformance")
"""Files that share `providers.conformance.StoreContract`."""
SERVERS = frozenset({"Server", "Attachment", "Address", "LoadBalancer"})
"""Kinds that take a server, or one to be made, which takes seconds: they have a file of their own."""
SERVICES = {
    "compute": "Nova",
    "network": "Neutron",
    "volume": "Cinder",
    "image": "Glance",
    "object": "Swift",
    "balancer": "Octavia",
}
_ID = re.compile(r"(?<=/)(?:[0-9a-f-]{32,36}|[^/]*__[^/]*|suite-[^/]*|pse-at-op)(?=/|$)")
Calls = set[tuple[str, str]]
"""Service, and what was asked of it."""


@contextmanager
def recorded(project: Project, folder: Path, options: Mapping[str, str], calls: Calls) -> Iterator[Rig]:
    """A rig whose adapter's calls are written down; the project's user is signed in.

    Args:
        project: Where.
        folder: The adapter's workspace.
        options: Of its place, beside the usual ones.
        calls: Takes them.
    """
    provider = project.provider(folder, **options)
    client = provider._account.client
    call, headers = client.call, client.headers

    def called(service: str, method: str, path: str, **words: Any) -> Any:
        action = f" ({next(iter(words['body']))})" if path.endswith("/action") else ""
        calls.add((SERVICES[service], f"{method} {_ID.sub('{id}', path or '/')}{action}"))
        return call(service, method, path, **words)

    def asked(method: str, path: str, given: Any) -> Any:
        calls.add((SERVICES["object"], f"{method} /{{id}}"))
        return headers(method, path, given)

    put_image(folder)
    own = Names()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "call", called)
        patch.setattr(client, "headers", asked)
        words = {"place": PLACE, "image_file": own.image_file, "image_sha256": own.image_sha256}
        with rigged(provider, again=lambda: project.provider(folder, **options), **words) as rig:
            yield rig


def listed() -> Calls:
    """What the list names."""
    return set(re.findall(r"^\| (\w+) \| `([^`]+)` \|", LIST.read_text(encoding="utf-8"), re.MULTILINE))


def judge(calls: Calls, part: str, shared: Path) -> None:
    """See that the list names the calls of one file; whichever ends last sees that it names nothing else.

    Args:
        calls: Of the file.
        part: Its name.
        shared: A folder that all processes of this run of tests share.
    """
    assert calls <= listed()
    path = shared / f"{part}.calls"
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(sorted(calls)))
    draft.replace(path)
    every = [shared / f"{name}.calls" for name in PARTS]
    if all(found.exists() for found in every):
        assert {(service, call) for found in every for service, call in json.loads(found.read_text())} == listed()


def shared_folder(base: Path) -> Path:
    """The folder that all processes of this run share, given pytest's own for this process."""
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
