"""Small file work that the lab needs everywhere: locks that end, and removal of trees that resist."""

import fcntl
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pse.core.errors import RemoteError

POLL_S = 0.01
COPY_S = 3600.0


@contextmanager
def locked(path: Path, *, timeout_s: float = 60.0) -> Iterator[None]:
    """Hold an exclusive lock on ``path``, between threads as well as processes.

    Raises:
        RemoteError: Somebody else kept it for ``timeout_s`` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not poll(lambda: _try_lock(handle), timeout_s=timeout_s):
            raise RemoteError("another process keeps the lab's lock", where=str(path), hint="Wait for it or end it.")
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def poll(ready: Callable[[], bool], *, timeout_s: float) -> bool:
    """Call ``ready`` until it is true or ``timeout_s`` seconds are over; say which."""
    deadline = time.monotonic() + timeout_s
    wait = POLL_S / 4
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(wait)
        wait = min(wait * 1.5, POLL_S * 3)
    return True


def read_private(path: Path) -> bytes:
    """The bytes of a regular file that a sandbox may have written; empty when missing, a link or no file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as file:
        return file.read(1 << 20) if stat.S_ISREG(os.fstat(handle).st_mode) else b""


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder with all that is told of its files, in place of whatever is at ``target``.

    Raises:
        RemoteError: It could not be copied whole; nothing is left of it.
    """
    remove_tree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    line = ["cp", "-a", "--reflink=auto", "--", str(source), str(target)]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=COPY_S, check=False)
    if done.returncode:
        remove_tree(target)
        raise RemoteError("the files could not be copied whole", where=str(source))


def remove_tree(path: Path) -> None:
    """Remove ``path`` whatever modes its folders have; links are removed, never followed. Quiet when gone."""

    def retry(function: Callable[..., Any], name: str, exc: tuple[type[BaseException], BaseException, Any]) -> None:
        if isinstance(exc[1], FileNotFoundError):
            return
        Path(name).parent.chmod(0o700)
        if not Path(name).is_symlink():
            Path(name).chmod(0o700)
        function(name)

    if path.exists():
        shutil.rmtree(path, onerror=retry)
