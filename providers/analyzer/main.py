"""``pulumi-analyzer-policy-pse``: the process that the engine starts for a pack with ``runtime: pse``."""

from typing import TYPE_CHECKING

from providers.plugin.boot import stub_packages
from providers.plugin.serve import Busy, Served, serve

if TYPE_CHECKING:
    import grpc


def main() -> None:
    """Serve until the engine is gone."""
    stub_packages()
    serve(_register)


def _register(server: "grpc.Server", _engine: str, _busy: Busy) -> Served:
    from pulumi.runtime.proto import analyzer_pb2_grpc

    from providers.analyzer.servicer import Pack

    servicer = Pack()
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(servicer, server)
    return servicer


if __name__ == "__main__":
    main()
