"""The real control plane for the tests: found, started once for all workers, and stopped by those who started it."""

import fcntl
import os
import signal
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tests.providers.waiting import wait_for
from tests.require import missing

SCRIPTS = Path(__file__).parents[4] / "shared" / "openstack-rig"
IDENTITY = "http://127.0.0.1:35000/v3"
_TOKEN = "PSE_RIG_TOKEN"
_INSTALL_S, _START_S, _ATTEMPTS = 900, 600, 3
_LISTEN_S = 30.0
"""Seconds until the last service listens, once the scripts are done: some are only begun by then."""
PORTS = (35000, 39292, 38778, 38774, 39696, 38776, 39876, 38080, 36200, 36201, 36202)
"""Keystone, Glance, Placement, Nova, Neutron, Cinder, Octavia, Swift; its objects, containers and accounts."""


_INSIDE = (33306, 34369, 35672, 55672, 36641, 36642)
"""Database, Erlang's port mapper, message queue and its port for clusters (20000 higher), the two databases of OVN."""
_RESERVED = Path("/proc/sys/net/ipv4/ip_local_reserved_ports")
_FREE_S = 90.0
"""Seconds until a port that an outgoing connection had is free again: Linux keeps it for 60 after its end."""


def home() -> Path:
    """Where the control plane lives; its scripts' own default unless ``RIG_HOME`` says another."""
    return Path(os.environ.get("RIG_HOME", "/var/tmp/openstack-rig"))


@contextmanager
def control_plane(prepare: Callable[[], None]) -> Iterator[None]:
    """A running control plane: one that runs already, or one started here and stopped when nobody uses it any more.

    Every user holds a shared lock; whoever gives it back last, as the exclusive lock shows, stops what tests started.

    Args:
        prepare: Furnishes it; never two at once.
    """
    if not (SCRIPTS / "up.sh").is_file():
        missing("the OpenStack control plane (../shared/openstack-rig)")
    if os.geteuid() != 0:
        missing("root, for the OpenStack control plane")
    home().mkdir(parents=True, exist_ok=True)
    started = home() / "started-by-tests"
    with (home() / "users.lock").open("w") as users, (home() / "start.lock").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            if not answers():
                _install()
                token = uuid.uuid4().hex
                started.write_text(token)
                _reserve()
                _start(token)
            prepare()
            fcntl.flock(gate, fcntl.LOCK_UN)
            yield
        finally:
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_UN)
            if _unused(users) and started.exists():
                stop(started.read_text())
                started.unlink()


def _unused(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def answers() -> bool:
    """Whether every service listens."""
    for port in PORTS:
        with socket.socket() as probe:
            probe.settimeout(5)
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return False
    return True


def _reserve() -> None:
    """Let no outgoing connection take the fixed ports, which are of the range that these are given, and none hold one.

    Without its port the message queue does not start, and everything else waits for it until the script's time is over.
    The setting is the machine's, and stays.
    """
    ports = (*PORTS, *_INSIDE)
    with suppress(OSError):
        _RESERVED.write_text(",".join((*filter(None, [_RESERVED.read_text().strip()]), *map(str, ports))))
    with suppress(AssertionError):
        wait_for(lambda: all(_is_free(port) for port in ports), timeout_s=_FREE_S)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _install() -> None:
    if (home() / "venv" / "bin" / "nova-compute").exists():
        return
    if os.environ.get("PSE_TEST_REQUIRE") != "all":
        missing(f"the OpenStack control plane in {home()} (run {SCRIPTS}/install.sh)")
    _run("install.sh", _INSTALL_S, "")


def _start(token: str) -> None:
    synced = home() / "synced-by-tests"
    state = home() / "run" / "mysql" / "nova"
    for _ in range(_ATTEMPTS):
        with suppress(subprocess.TimeoutExpired):
            _run("up.sh", _START_S, token, *(["nosync"] if synced.exists() and state.is_dir() else []))
        with suppress(AssertionError):
            wait_for(answers, timeout_s=_LISTEN_S)
            break
        # One of its fixed ports may have been taken just then, where they could not be reserved.
        stop(token)
    else:
        missing("the OpenStack control plane, which did not start")
    synced.touch()


def _run(script: str, limit_s: int, token: str, *words: str) -> None:
    """Run one of its scripts; what that starts carries the token in its environment, so it is found again."""
    log = home() / f"{script}.log"
    with log.open("wb") as out:
        done = subprocess.run(
            ["bash", str(SCRIPTS / script), *words],
            env={**os.environ, "RIG_HOME": str(home()), _TOKEN: token},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            timeout=limit_s,
            check=False,
            cwd=home(),
        )
    if done.returncode:
        raise AssertionError(f"{script} ended with {done.returncode}: {log.read_text(errors='replace')[-2000:]}")


def stop(token: str) -> None:
    """Kill every process that was started with the token, and whatever runs in their sessions.

    Some services write their title over their environment: those are known by the scripts' files of process ids, if
    their command still names this control plane.
    """
    mark = f"{_TOKEN}={token}".encode()
    for _ in range(3):
        processes = _processes()
        ours = {session for pid, session in processes.items() if mark in _words(pid, "environ")}
        for path in (home() / "run" / "run").glob("*.pid"):
            pid = int(path.read_text().strip() or 0)
            if pid in processes and str(home()).encode() in b" ".join(_words(pid, "cmdline")):
                ours.add(processes[pid])
        found = [pid for pid, session in processes.items() if session in ours - {os.getsid(0)}]
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _processes() -> dict[int, int]:
    """Session by process."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            found[int(folder.name)] = os.getsid(int(folder.name))
    return found


def _words(pid: int, file: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes().split(b"\0")
    except OSError:
        return []
