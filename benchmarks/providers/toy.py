"""A Pulumi provider with nothing to it, for comparison: it says yes to everything, and a create takes ``TOY_S``.

It is as quick as a plugin in Python can be made: the protocol's modules alone are imported, and 64 calls run at once.
No gate, no journal, no look for what an earlier run made, no tags, no secrets, no outputs but the inputs.
"""

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

from providers.plugin.boot import stub_packages

stub_packages()

import grpc  # noqa: E402  after the stand-ins
from google.protobuf import empty_pb2  # noqa: E402
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc  # noqa: E402

THREADS = 64


class Toy(provider_pb2_grpc.ResourceProviderServicer):
    """See the module."""

    def __init__(self) -> None:
        """Nothing is made."""
        self._seconds = float(os.environ.get("TOY_S", "0"))
        self._number = count(1)

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002  gRPC's names
        """Values arrive as they are."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Some version."""
        return plugin_pb2.PluginInfo(version="0.1.0")

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Everything is right."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Nothing to configure."""
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Everything is right."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """It takes its time."""
        time.sleep(self._seconds)
        return provider_pb2.CreateResponse(id=f"toy-{next(self._number)}", properties=request.properties)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """The operation is over; the engine ends us by SIGINT."""
        return empty_pb2.Empty()


def main() -> None:
    """Serve until the engine is done."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = grpc.server(ThreadPoolExecutor(THREADS))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Toy(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
