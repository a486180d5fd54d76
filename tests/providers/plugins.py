"""The plugin's own process, spoken to as the engine does."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc

from providers.plugin.wire import from_struct, to_struct
from tests.providers.house import House, inputs, urn


class Connection:
    """One connection of an engine to a plugin."""

    def __init__(self, port: int) -> None:
        # A pool of its own: channels to one address share a connection, and a connection is what is configured.
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def configure(self, house: House, **settings: str) -> "Connection":
        args = to_struct({"workspace": str(house.root), **settings})
        self.stub.Configure(pb.ConfigureRequest(args=args, acceptSecrets=True, acceptResources=True))
        return self

    def create(self, kind: str, name: str, *, unit: str = "portal", timeout_s: float = 0.0, **more: Any) -> Any:
        """Start a create; ``result()`` waits for its answer."""
        given = {**inputs(name, workload=unit), **more}
        wanted = pb.CreateRequest(urn=urn(kind, name, unit=unit), properties=to_struct(given), timeout=timeout_s)
        return self.stub.Create.future(wanted)

    def volume(self, name: str, **words: Any) -> Any:
        return self.create("Volume", name, sizeGib=1, storageClass="ssd", **words)

    def invoke(self, function: str, *, preview: bool = False, **args: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """What a function gives, and what it says no with."""
        wanted = pb.InvokeRequest(tok=f"pse:index:{function}", args=to_struct(args), preview=preview)
        answer = self.stub.Invoke(wanted)
        failures = {failure.property: failure.reason for failure in answer.failures}
        return from_struct(getattr(answer, "return")), failures

    def cancel(self) -> None:
        from google.protobuf import empty_pb2

        self.stub.Cancel(empty_pb2.Empty())


class Plugin:
    """A running plugin."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self._open: list[Connection] = []

    def connect(self) -> Connection:
        connection = Connection(self.port)
        self._open.append(connection)
        return connection

    def close(self) -> None:
        for connection in self._open:
            connection.channel.close()


@contextmanager
def plugin(environment: Mapping[str, str] = {}) -> Iterator[Plugin]:
    """A plugin's process; it ends with the test."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "providers.plugin.main"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        assert process.stdout is not None
        running = Plugin(process, int(process.stdout.readline()))
        try:
            yield running
        finally:
            running.close()
            process.kill()
