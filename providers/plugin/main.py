"""``pulumi-resource-pse``: the process that the engine starts for our resources."""

from typing import TYPE_CHECKING

from providers.plugin.boot import stub_packages
from providers.plugin.serve import Busy, Served, serve

if TYPE_CHECKING:
    import grpc


def main() -> None:
    """Serve until the engine is gone."""
    stub_packages()
    serve(_register)


def _register(server: "grpc.Server", engine: str, busy: Busy) -> Served:
    from pulumi.runtime.proto import provider_pb2_grpc

    from providers.plugin.servicer import Servicer

    servicer = Servicer(engine, busy)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    return servicer


if __name__ == "__main__":
    main()
