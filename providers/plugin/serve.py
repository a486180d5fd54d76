"""How both plugin processes live: print the port, serve, end with the engine."""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import grpc

MESSAGE_MAX = 400 * 1024 * 1024
"""Bytes; what the engine itself allows."""
THREADS = 256
"""Calls of the engine at once; made when needed. More than it has ever under way, or its Cancel would have to wait."""
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


class Served(Protocol):
    """What `serve` has to know of a servicer."""

    def over(self) -> bool:
        """Whether the engine has said that it needs nothing more."""

    def cancel_all(self) -> None:
        """End calls under way."""


def serve(register: "Callable[[grpc.Server, str, Busy], Served]") -> None:
    """Serve until the engine is done with us, or gone.

    The engine closes a plugin by SIGINT to its process group and waits 5 s for it to end. A terminal's Ctrl-C may reach
    us too, in the middle of an operation: then it is the engine's Cancel that counts, and the signal does nothing.

    Args:
        register: Puts the servicer on the server, given the engine's address.
    """
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        # The state's passphrase is the engine's business, and not that of a server that an adapter starts.
        os.environ.pop(name, None)
    parent = os.getppid()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    # A handler and not SIG_IGN or a mask, which the servers that an adapter starts would inherit.
    signal.signal(signal.SIGINT, lambda _signum, _frame: _poke(wake))
    from concurrent.futures import ThreadPoolExecutor

    import grpc

    from pse.core.structs import prepare_structs

    busy = Busy()
    server = grpc.server(
        ThreadPoolExecutor(THREADS, thread_name_prefix="rpc"),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_MAX),
            ("grpc.max_send_message_length", MESSAGE_MAX),
        ],
    )
    served = register(server, sys.argv[1] if len(sys.argv) > 1 else "", busy)
    prepare_structs()
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # Nothing but the port belongs there: whatever an adapter prints is log.
    sys.stdout = sys.stderr
    while os.getppid() == parent:
        if select.select([woken], [], [], WATCH_S)[0] and os.read(woken, 64) and served.over():
            break
    served.cancel_all()
    busy.wait(FINISH_S)
    # Threads inside a cloud's SDK would hold a normal exit back for ever; every intent is on disk.
    os._exit(0)


def _poke(pipe: int) -> None:
    with suppress(BlockingIOError):
        os.write(pipe, b"!")
