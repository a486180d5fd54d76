"""``pulumi-resource-pse``: prints its port, serves, and ends with its engine."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

MESSAGE_MAX = 400 * 1024 * 1024
"""Bytes; what the engine itself allows."""
THREADS = 64
WATCH_S = 0.5
FINISH_S = 6.0
"""Seconds given to calls under way, and their journal lines, once the engine is gone."""


class Busy:
    """Counts calls under way."""

    def __init__(self) -> None:
        """Start idle."""
        self._lock = threading.Lock()
        self._count = 0
        self._idle = threading.Event()
        self._idle.set()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Count one call."""
        with self._lock:
            self._count += 1
            self._idle.clear()
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                if self._count == 0:
                    self._idle.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until none is under way."""
        return self._idle.wait(timeout_s)


def main() -> None:
    """Serve until the engine is gone."""
    # The terminal sends Ctrl-C to the whole group; the engine's Cancel is the signal. A handler and not SIG_IGN, which
    # the servers that an adapter starts would inherit.
    signal.signal(signal.SIGINT, _nothing)
    parent = os.getppid()
    from providers.plugin.boot import stub_packages

    stub_packages()
    from concurrent.futures import ThreadPoolExecutor

    import grpc
    from pulumi.runtime.proto import provider_pb2_grpc

    from providers.plugin.servicer import Servicer

    busy = Busy()
    servicer = Servicer(sys.argv[1] if len(sys.argv) > 1 else "", busy)
    server = grpc.server(
        ThreadPoolExecutor(THREADS, thread_name_prefix="rpc"),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_MAX),
            ("grpc.max_send_message_length", MESSAGE_MAX),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # Nothing but the port belongs there: whatever an adapter prints is log.
    sys.stdout = sys.stderr
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    servicer.cancel_all()
    busy.wait(FINISH_S)
    # Threads inside a cloud's SDK would hold a normal exit back for ever; every intent is on disk.
    os._exit(0)


def _nothing(_signum: int, _frame: object) -> None:
    """Take a signal and go on."""


if __name__ == "__main__":
    main()
