"""What the applications of the sample room share: an HTTP server on the host's own address that is its own daemon.

Runs on the lab hosts with the system's Python and nothing else. ``start`` returns when the address is bound and the
application serves; ``stop`` returns when it is gone. Both may be repeated.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = tuple[int, str, str]
"""Status, content type, body."""

STOP_S = 10.0


class Server(ThreadingHTTPServer):
    """Answers each connection in a thread of its own."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Callable[[str, str], Answer]) -> None:
        """Bind ``address``; ``answer`` gets method and path."""
        self.answer = answer
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    server: Server

    def do_GET(self) -> None:
        """Answer a GET."""
        self._reply("GET")

    def do_POST(self) -> None:
        """Answer a POST; its body, at most 64 KiB, is read and not needed."""
        self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 65536))
        self._reply("POST")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Keep no log of requests."""

    def _reply(self, method: str) -> None:
        status, kind, body = self.server.answer(method, self.path)
        data = body.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def as_json(status: int, value: object) -> Answer:
    """An answer with ``value`` as JSON."""
    return status, "application/json", json.dumps(value, sort_keys=True) + "\n"


def own_address() -> str:
    """This host's own address, from /etc/hosts; never all addresses, because lab hosts share one network."""
    return socket.gethostbyname(socket.gethostname())


def main(name: str, port: int, make: Callable[[], Callable[[str, str], Answer]]) -> None:
    """Obey ``start`` or ``stop`` of the command line.

    Args:
        name: Names the pid file ``/run/<name>/app.pid`` and the log ``/var/log/<name>/app.log``.
        port: TCP port.
        make: Makes the answering function, in the daemon.
    """
    pid_file = Path("/run", name, "app.pid")
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb == "stop":
        _stop(pid_file)
    elif verb == "start":
        if _alive(pid_file) is None:
            _start(name, pid_file, port, make)
    else:
        sys.exit(f"usage: {name} start|stop")


def _alive(pid_file: Path) -> int | None:
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(sys.argv[0]) in command.split(b"\0") else None


def _stop(pid_file: Path) -> None:
    pid = _alive(pid_file)
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while _alive(pid_file) is not None:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _start(name: str, pid_file: Path, port: int, make: Callable[[], Callable[[str, str], Answer]]) -> None:
    log = Path("/var/log", name, "app.log")
    for folder in (pid_file.parent, log.parent):
        folder.mkdir(parents=True, exist_ok=True)

    def refuse(method: str, path: str) -> Answer:
        return as_json(503, {"error": "starting", "method": method, "path": path})

    server = Server((own_address(), port), refuse)  # bound before the fork: a start that fails says so
    child = os.fork()
    if child:
        pid_file.with_suffix(".new").write_text(f"{child}\n", encoding="ascii")
        pid_file.with_suffix(".new").replace(pid_file)
        return
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for handle, number in ((null, 0), (out, 1), (out, 2)):
        os.dup2(handle, number)
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))
    server.answer = make()
    server.serve_forever()
