"""What the plugin tells: warnings to the engine's user, defects to stderr."""

import os
import sys
import threading
import traceback

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from pse.core.text import printable

DEBUG = "PSE_DEBUG"


class EngineLog:
    """The engine's log.

    Args:
        address: Of the engine's server; empty when it is told later.
    """

    def __init__(self, address: str = "") -> None:
        """Connect at the first message."""
        self._address = address
        self._lock = threading.Lock()
        self._stub: engine_pb2_grpc.EngineStub | None = None

    def attach(self, address: str) -> None:
        """Take another engine from now on."""
        with self._lock:
            if address and address != self._address:
                self._address, self._stub = address, None

    def warn(self, message: str, urn: str) -> None:
        """Show a warning beside a resource; on stderr when there is no engine to tell."""
        severity = engine_pb2.LogSeverity.WARNING
        try:
            stub = self._connected()
            if stub is not None:
                stub.Log(engine_pb2.LogRequest(severity=severity, message=printable(message), urn=urn), timeout=5)
                return
        except grpc.RpcError:
            pass
        self._stderr(f"warning: {message} ({urn})")

    def trace(self, error: BaseException) -> None:
        """Write where a defect is. The message may quote a secret, so it is left out unless asked for."""
        lines = traceback.format_tb(error.__traceback__)
        self._stderr("".join(lines) + type(error).__name__)
        if os.environ.get(DEBUG):
            self._stderr(str(error))

    def _connected(self) -> engine_pb2_grpc.EngineStub | None:
        with self._lock:
            if self._stub is None and self._address:
                self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(self._address))
            return self._stub

    def _stderr(self, text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)  # noqa: T201  stderr is the plugin's log
