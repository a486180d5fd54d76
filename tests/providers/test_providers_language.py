"""The language host of inline programs."""

import socket

import pulumi
from pulumi.runtime.proto import language_pb2

from providers.driving.language import QuietLanguageServer


def test_a_program_that_cannot_reach_the_engine_has_failed_and_is_not_empty() -> None:
    """An empty program means to the engine that everything which stands is to go."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"

        def program() -> None:
            pulumi.CustomResource("pse:index:Network", "net", {"cidr": "10.0.0.0/16"})

        host = QuietLanguageServer(program)
        answer = host.Run(
            language_pb2.RunRequest(project="pse", stack="unit", monitor_address=address, args=[address], parallel=4),
            None,
        )
    assert answer.error
    assert not host.finished
