"""One sandbox: the bubblewrap command, its birth, and the proof that a process is ours before it is killed.

A host outlives who started it: it runs in its own session and nothing ties it to its maker. bubblewrap itself writes
the pid of the sandbox's init into the host's folder, so that a maker killed at any moment leaves a host that can be
found. A pid alone proves nothing: the process must carry the host's root in its own command line and, once noted,
have begun at the noted clock tick.
"""

import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
from pathlib import Path

import msgspec

from providers.lab import hardware
from providers.lab.files import poll, read_private
from providers.lab.skeleton import STATE, UID, HostSpec
from pse.core import canonical
from pse.core.errors import MissingTool, RemoteError
from pse.core.text import printable

_SEARCH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_BIRTH_S = 10.0
_SYSCTL = Path("/proc/sys")


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """The init process as its maker saw it: pid and start in clock ticks after the machine's boot."""

    pid: int
    started: int


class _Info(msgspec.Struct, rename="kebab"):
    child_pid: int


def need(*programs: str, packages: str) -> None:
    """See that ``programs`` are on this machine.

    Raises:
        MissingTool: One is not; the hint names the Debian packages.
    """
    missing = [p for p in programs if shutil.which(p, path=_SEARCH) is None]
    if missing:
        raise MissingTool(
            f"the lab needs {', '.join(missing)}", hint=f"Run `apt-get install {packages}` as root.", where="lab"
        )


def ready() -> None:
    """See that this machine can make sandboxes, by making one that ends at once.

    Raises:
        MissingTool: A program is missing, or the system forbids rootless sandboxes; the hint is the line to run.
    """
    need("bwrap", "setsid", "sshd", packages="bubblewrap openssh-server")
    line = ["bwrap", "--unshare-user", "--uid", str(UID), "--gid", str(UID), "--unshare-pid", "--unshare-uts"]
    line += ["--unshare-ipc", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"]
    try:
        done = subprocess.run(line, env={"PATH": _SEARCH}, capture_output=True, timeout=_BIRTH_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise MissingTool(f"no sandbox can be made here: {type(exc).__name__}", hint=_permit(), where="lab") from exc
    if done.returncode != 0:
        said = printable(done.stderr.decode("utf-8", "replace").strip()[-300:]) or f"exit code {done.returncode}"
        raise MissingTool(f"no sandbox can be made here: {said}", hint=_permit(), where="lab")


def _permit() -> str:
    """The line that permits rootless sandboxes, by what forbids them here."""
    for name, forbids, permits in (
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
        ("kernel/unprivileged_userns_clone", "0", "1"),
        ("user/max_user_namespaces", "0", "15000"),
    ):
        with contextlib.suppress(OSError):
            if (_SYSCTL / name).read_text(encoding="ascii").strip() == forbids:
                return f"Run `sysctl -w {name.replace('/', '.')}={permits}` as root."
    return "In a container, start it with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`."


def command(folder: Path, spec: HostSpec, *, address: str, first_boot: bool) -> list[str]:
    """The bubblewrap command of the host in ``folder``, without the descriptor of its pid."""
    root = folder / "root"
    line = ["bwrap", "--unshare-user", "--uid", str(UID), "--gid", str(UID)]
    line += ["--unshare-pid", "--unshare-uts", "--unshare-ipc", "--hostname", spec.hostname]
    line += ["--bind", str(root), "/", "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
    line += ["--tmpfs", "/run", "--bind", str(folder / "state"), STATE]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if Path(name).is_dir() and not Path(name).is_symlink():
            line += ["--ro-bind", name, name]
    for name in ("/etc/alternatives", "/etc/ssl/certs", "/etc/ssl/openssl.cnf"):
        line += ["--ro-bind-try", name, name]
    for outside, inside in hardware.binds(folder / "hardware"):
        line += ["--ro-bind", outside, inside]
    line += ["--clearenv", "--setenv", "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    line += ["--setenv", "HOME", "/home/admin", "--setenv", "LANG", "C.UTF-8", "--setenv", "PSE_ADDRESS", address]
    if spec.personality:
        line += ["/usr/bin/setarch", *spec.personality]
    return [*line, "/bin/sh", "/etc/lab/init", "first" if first_boot else "again"]


def spawn(folder: Path, line: list[str], *, first_boot: bytes | None) -> Noted:
    """Start the sandbox and note its init.

    Args:
        folder: The host's folder.
        line: From `command`.
        first_boot: Script for descriptor 3; it lives in memory only.

    Raises:
        RemoteError: bubblewrap could not make the sandbox; the end of its console is in the message.
    """
    info = folder / "init.json"
    (folder / "noted.json").unlink(missing_ok=True)
    info.unlink(missing_ok=True)
    with contextlib.ExitStack() as stack:

        def keep(handle: int) -> int:
            # Above the numbers that the child gets, so that none is overwritten on the way.
            moved = fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, 20)
            os.close(handle)
            stack.callback(os.close, moved)
            return moved

        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        null = keep(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        console = keep(os.open(folder / "console.log", flags, 0o600))
        told = keep(os.open(info, flags, 0o600))
        script = keep(_script(first_boot))
        handles = ((null, 0), (console, 1), (console, 2), (script, 3), (told, 9))
        try:
            pid = os.posix_spawnp(
                "setsid",
                ["setsid", "--fork", line[0], "--info-fd", "9", *line[1:]],
                {"PATH": _SEARCH},
                file_actions=[
                    *((os.POSIX_SPAWN_DUP2, have, want) for have, want in handles),
                    *((os.POSIX_SPAWN_CLOSE, other) for other in _inheritable() if other not in {3, 9}),
                ],
            )
        except OSError as exc:
            raise RemoteError(f"the sandbox could not be started: {exc.strerror}", where=folder.name) from exc
        os.waitpid(pid, 0)  # setsid's parent ends as soon as it has forked
    poll(lambda: told_pid(folder) is not None or _gave_up(folder), timeout_s=_BIRTH_S)
    born = told_pid(folder)
    started = ticks(born) if born is not None else None
    if born is None or started is None:
        raise RemoteError(f"the sandbox did not come up: {console_tail(folder)}", where=folder.name, hint=_hint(folder))
    noted = Noted(pid=born, started=started)
    canonical.write(folder / "noted.json", noted)
    return noted


def _inheritable() -> list[int]:
    # A host that kept our caller's pipe would keep whoever reads it waiting for as long as the host lives.
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if int(entry.name) > 2 and os.get_inheritable(int(entry.name)):
                found.append(int(entry.name))
    return found


def _script(first_boot: bytes | None) -> int:
    if first_boot is None:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    handle = os.memfd_create("user-data", os.MFD_CLOEXEC)
    os.write(handle, first_boot)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _gave_up(folder: Path) -> bool:
    return b"bwrap:" in read_private(folder / "console.log")


def _hint(folder: Path) -> str:
    if b"namespace" in read_private(folder / "console.log") or b"uid map" in read_private(folder / "console.log"):
        return _permit()
    return f"See {folder / 'console.log'}."


def console_tail(folder: Path) -> str:
    """The end of what the sandbox and its sshd said, fit to show."""
    return (
        printable(read_private(folder / "console.log")[-400:].decode("utf-8", "replace").strip()) or "it said nothing"
    )


def told_pid(folder: Path) -> int | None:
    """The init's pid as bubblewrap wrote it; None when it wrote none yet."""
    try:
        return msgspec.json.decode(read_private(folder / "init.json"), type=_Info).child_pid
    except msgspec.MsgspecError:
        return None


def ticks(pid: int) -> int | None:
    """When ``pid`` began, in clock ticks after boot; None when it is gone or dead and not yet buried."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()
    return None if fields[0] in {b"Z", b"X"} else int(fields[19])


def living_pid(folder: Path) -> int | None:
    """The pid of the host's init if that very process lives; None when the host is dead."""
    pid = told_pid(folder)
    if pid is None:
        return None
    began = ticks(pid)
    if began is None or not _carries(pid, folder / "root"):
        return None
    try:
        noted = msgspec.json.decode(read_private(folder / "noted.json"), type=Noted)
    except msgspec.MsgspecError:
        return pid  # The maker was killed between birth and note: the command line is the proof.
    return pid if noted == Noted(pid=pid, started=began) else None


def _carries(pid: int, root: Path) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[:1] == [b"bwrap"] and os.fsencode(root) in words


def kill(folder: Path, *, timeout_s: float = 10.0) -> bool:
    """Kill the host's init, and with it every process of the host; say whether it lived.

    Raises:
        RemoteError: It is still there after ``timeout_s`` seconds.
    """
    pid = living_pid(folder)
    if pid is None:
        return False
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        # Looked at again through the descriptor's lifetime: now the pid cannot pass to another process unseen.
        if living_pid(folder) != pid:
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        # Readable once the init is dead, and the kernel lets it die only after all others in its namespace.
        if not select.select([handle], [], [], timeout_s)[0]:
            raise RemoteError("the host's processes do not end", where=folder.name)
    finally:
        os.close(handle)
    return True
