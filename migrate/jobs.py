"""Long commands that outlive the controller: they run on a host in a session of their own and leave log and status.

A job's folder is on a memory file system where there is one (``/run``, ``/dev/shm``, else ``/tmp``), mode 0700 and
named after the move, so that keys in it never reach a disk and a reboot forgets them.
"""

import shlex
from collections.abc import Callable

from migrate.hosts import Host

FOLDER = """
job_folder() {
  for base in /run /dev/shm /tmp; do d=$base/$1
    if [ -d "$d" ] && [ ! -L "$d" ] && [ -O "$d" ]; then printf %s "$d"; return 0; fi
  done
  for base in /run /dev/shm /tmp; do d=$base/$1
    if mkdir -m 700 "$d" 2>/dev/null; then printf %s "$d"; return 0; fi
  done
  echo "no folder for the job" >&2; return 1
}
"""
# An existing folder counts only when it is ours and no link: /tmp is everybody's.


def folder_of(host: Host, job: str) -> str:
    """The job's folder on ``host``, made when missing."""
    known = host.known.get(f"folder {job}")
    if isinstance(known, str):
        return known
    made = host.text(f"{FOLDER}\njob_folder {shlex.quote(job)}", what="making the job's folder")
    host.known[f"folder {job}"] = made
    return made


def forget_folder(host: Host, job: str) -> None:
    """End what still runs from the job's folder and remove it with everything in it; quiet when it is gone.

    A copy that outlived its job would write into the new side after the cut-over.
    """
    host.known.pop(f"folder {job}", None)
    host.text(
        f"""for d in /run/{job} /dev/shm/{job} /tmp/{job}; do
  for f in "$d"/*.pid; do
    [ -e "$f" ] || continue
    p=$(cat "$f"); name=$(basename "$f" .pid)
    tr '\\0' ' ' 2>/dev/null <"/proc/$p/cmdline" | grep -qF "$name.rc" || continue
    kill -TERM -- "-$p" 2>/dev/null; kill -CONT -- "-$p" 2>/dev/null
    n=0; while kill -0 -- "-$p" 2>/dev/null && [ $n -lt 40 ]; do sleep 0.05; n=$((n+1)); done
    kill -KILL -- "-$p" 2>/dev/null
  done
  rm -rf "$d"
done; true""",
        what="removing the job's folder",
    )


def left_of(host: Host, job: str) -> list[str]:
    """`forget_folder`, and what of the job is still on the host all the same: its folder, or a key that lets it in."""
    forget_folder(host, job)
    script = f"""for d in /run /dev/shm /tmp; do [ -e "$d/{job}" ] && echo "$d/{job}"; done
grep -o -- ' {job}$' "$HOME/.ssh/authorized_keys" 2>/dev/null; true"""
    return [f"{host.name}: {line.strip()}" for line in host.text(script).splitlines()]


def bounded(command: str, seconds: float) -> str:
    """A script that runs ``command`` and ends it, with what it started in its process group, after ``seconds``.

    The host itself keeps the time: whoever called may be gone by then. The command's output goes to a file first, so
    that a daemon which keeps it open holds nobody up.
    """
    return f"""o=$(mktemp) || exit 1
timeout -k 2 {seconds:.1f} bash -c {shlex.quote(command)} </dev/null >"$o" 2>&1; rc=$?
tail -c 2000 "$o" >&2; rm -f "$o"
case $rc in 124|137) echo "it did not end within {seconds:.0f} s, so it was ended" >&2;; esac
exit $rc"""


class Ended:
    """How a job ended.

    Attributes:
        rc: Exit status.
        log: The last 64 KiB that it wrote.
    """

    def __init__(self, rc: int, log: bytes) -> None:
        self.rc = rc
        self.log = log


def start(host: Host, folder: str, name: str, command: str) -> None:
    """Start ``command`` as job ``name``; quiet when it runs already or has ended."""
    inner = f'{command}\nrc=$?; echo "$rc" >{name}.rc.new && mv {name}.rc.new {name}.rc'
    host.text(
        f"""cd {shlex.quote(folder)} || exit 1
exec 9>{name}.lock; flock 9
[ -e {name}.rc ] && exit 0
if [ -e {name}.pid ] && tr '\\0' ' ' 2>/dev/null <"/proc/$(cat {name}.pid)/cmdline" | grep -qF {name}.rc
then exit 0; fi
setsid bash -c {shlex.quote(inner)} </dev/null >{name}.log 2>&1 9>&- &
echo $! >{name}.pid.new && mv {name}.pid.new {name}.pid""",
        what=f"starting {name}",
    )


def known(host: Host, folder: str, name: str) -> bool:
    """The job was started: it runs, or it has ended and left its status."""
    script = f"""cd {shlex.quote(folder)} 2>/dev/null || exit 1
[ -e {name}.rc ] && exit 0
[ -e {name}.pid ] && tr '\\0' ' ' 2>/dev/null <"/proc/$(cat {name}.pid)/cmdline" | grep -qF {name}.rc"""
    return host.run(script).rc == 0


def wait(
    host: Host, folder: str, name: str, *, within_s: float, on_line: Callable[[bytes], None] | None = None
) -> Ended:
    """Follow the job until it ends.

    Args:
        host: Where it runs.
        folder: The job's folder.
        name: Which.
        within_s: Seconds; the job goes on when they are over.
        on_line: Called with the last line of the log twice a second while it runs.

    Returns:
        Its end; status -1 when it was killed and left none.

    Raises:
        Unreachable: The connection was cut or the time is over.
    """
    script = f"""cd {shlex.quote(folder)} || exit 1
alive() {{ tr '\\0' ' ' 2>/dev/null <"/proc/$p/cmdline" | grep -qF {name}.rc; }}
p=$(cat {name}.pid); n=0; s=0.05
while [ ! -e {name}.rc ]; do
  # Pids are used again: now and then it is looked at more closely than `kill` does.
  if ! {{ kill -0 "$p" 2>/dev/null && {{ [ $((n % 20)) != 0 ] || alive; }}; }}; then
    # It has ended and is about to say how, or it was only just started and is not what it will be yet.
    sleep 0.2; [ ! -e {name}.rc ] || break
    alive || {{ echo -1 >{name}.rc; break; }}
  fi
  n=$((n+1)); [ $((n % 5)) = 0 ] && printf '%s\\n' "$(tail -c 300 {name}.log | tr '\\r' '\\n' | tail -n 1)"
  sleep $s; [ $n -lt 20 ] || s=0.2
done"""
    host.run(script, timeout_s=within_s, on_line=on_line or (lambda _line: None))
    rc = host.text(f"cd {shlex.quote(folder)} && cat {name}.rc", what=f"reading the end of {name}")
    done = host.run(f"cd {shlex.quote(folder)} && tail -c 65536 {name}.log")
    return Ended(int(rc.strip() or -1), done.stdout)


def stop(host: Host, folder: str, name: str) -> None:
    """End the job with its children, and forget it; quiet when it is gone."""
    host.text(
        f"""cd {shlex.quote(folder)} 2>/dev/null || exit 0
if [ -e {name}.pid ] && tr '\\0' ' ' 2>/dev/null <"/proc/$(cat {name}.pid)/cmdline" | grep -qF {name}.rc; then
  kill -TERM -- "-$(cat {name}.pid)" 2>/dev/null
  n=0; while kill -0 -- "-$(cat {name}.pid)" 2>/dev/null && [ $n -lt 40 ]; do sleep 0.05; n=$((n+1)); done
  kill -KILL -- "-$(cat {name}.pid)" 2>/dev/null
fi
rm -f {name}.pid {name}.rc {name}.log {name}.lock""",
        what=f"ending {name}",
    )
