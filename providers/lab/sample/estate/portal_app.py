"""The citizen portal's application: takes payments and keeps them in the database on the host ``payments``.

``GET /health`` is 200 when the database answers; ``GET /count`` gives the number of payments; ``POST /pay`` inserts one
payment and gives its id. Connections to the database are kept open and made again when they break. The client library
cannot choose the address that it connects from, so the application carries its bytes itself, from its host's own one.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-not-found,import-untyped,unused-ignore]  # Debian's own, at the lab host only
from room_service import (  # type: ignore[import-not-found]  # lies beside it at the lab host
    Answer,
    as_json,
    main,
    own_address,
)

POOL = 4
RUN = Path("/run/portal/database")
PASS = Path(__file__).resolve().parent.parent / "etc" / "database.pass"
WAIT_S = 3.0
PAY = (
    "INSERT INTO payments (challan_id, amount, surcharge, channel, paid_at, reference) "
    "SELECT id, amount, 0, 'portal', now(), 'PORTAL-' || number FROM challans ORDER BY id LIMIT 1 RETURNING id"
)


class Way:
    """A socket of the application's own that leads to the database from this host's own address."""

    def __init__(self, folder: Path, port: int) -> None:
        """Listen on the socket that the client library looks for in ``folder``."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f".s.PGSQL.{port}"
        path.unlink(missing_ok=True)
        self._port = port
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(POOL)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            try:
                far = socket.create_connection(("payments", self._port), timeout=3, source_address=(own_address(), 0))
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    @staticmethod
    def _carry(come: socket.socket, go: socket.socket) -> None:
        try:
            while data := come.recv(65536):
                go.sendall(data)
        except OSError:
            pass
        for end in (come, go):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                end.close()


class Pool:
    """Connections to the database; a keeper makes the missing ones."""

    def __init__(self) -> None:
        """Start the keeper."""
        self._free: queue.Queue[Any] = queue.Queue()
        self._open = threading.Semaphore(POOL)
        threading.Thread(target=self._keep, daemon=True).start()

    def ask(self, sql: str) -> int:
        """The number that ``sql`` gives; a connection that turns out broken is thrown away."""
        try:
            connection = self._free.get(timeout=WAIT_S)
        except queue.Empty:
            raise psycopg2.OperationalError("no connection to the database") from None
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                value = int(cursor.fetchone()[0])
        except psycopg2.Error:
            connection.close()
            self._open.release()
            raise
        self._free.put(connection)
        return value

    def _keep(self) -> None:
        while True:
            self._open.acquire()
            try:
                connection = psycopg2.connect(
                    host=str(RUN),
                    dbname="payments",
                    user="portal",
                    application_name="portal",
                    passfile=str(PASS),
                    connect_timeout=3,
                    options="-c statement_timeout=5000",
                )
                connection.autocommit = True
            except psycopg2.Error:
                self._open.release()
                time.sleep(0.1)
                continue
            self._free.put(connection)


def make() -> Callable[[str, str], Answer]:
    """The application."""
    Way(RUN, 5432)
    pool = Pool()

    def answer(method: str, path: str) -> Answer:
        try:
            if (method, path) == ("GET", "/health"):
                return as_json(200, {"database": pool.ask("SELECT 1") == 1})
            if (method, path) == ("GET", "/count"):
                return as_json(200, {"payments": pool.ask("SELECT count(*) FROM payments")})
            if (method, path) == ("POST", "/pay"):
                return as_json(201, {"id": pool.ask(PAY)})
        except psycopg2.Error as exc:
            return as_json(503, {"error": type(exc).__name__})
        if (method, path) == ("GET", "/"):
            return 200, "text/html", "<!doctype html><title>Sample portal</title><h1>Pay a challan (sample)</h1>\n"
        return as_json(404, {"error": "not found"})

    return answer


if __name__ == "__main__":
    main("portal", 8000, make)
