"""The probe: one POSIX shell script for one host, one connection, one round trip.

It is sent on stdin of a plain ``/bin/sh``, so it is in no process list and on no disk. Rules it keeps (measured on
dash, bash, busybox, ksh and yash):

- 64 lines of ``#`` come first: a ``.bashrc`` that reads its input eats those.
- All code is in functions and ``main`` is the last line: a script that was cut on its way does nothing.
- Frames carry a random boundary of this run that is never exported and in no argument, so nothing on the host can
  forge one. Frames: ``H`` begin, ``S name``, ``R rc`` (the section's own last word), ``E name rc``, ``K name`` (left
  out: no time), ``Z`` end.
- A watchdog without `timeout`: the shell waits for a subshell that can always be killed, never for what hangs in the
  kernel below it; what hangs holds a pipe and not the connection.
- It writes no file (``ulimit -f 0``), lowers its own priority and ends by itself, because sshd does not end a command
  whose client has gone.
"""

import secrets

from inventory.facts import TABLE
from inventory.facts.base import Frame

COMMAND = "exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C /bin/sh -s"
"""What is asked of the login shell; works from bash, dash, ksh, csh and fish."""

DEADLINE_S = 60
"""Seconds after which the script starts no further section."""

FRAME_RUNS = ("env", "sh", "renice", "ionice", "head", "sleep")
FRAME_READS = ("/proc/uptime", "/proc/*/stat (to find the processes of a section that hangs)")

_PADS = "#\n" * 64

# pse_tree collects the descendants of $1 from /proc by builtins only; a name may hold blanks and brackets, so the
# parent is taken after the last ") ". pse_dog kills them when the time is over; told to stop, it kills its own sleep,
# but only one that it started itself, and with -9, because a TERM may be pending while the sleep is being started.
_SCRIPT = r"""
pse_tree() {
  pse_all= pse_set=" $1 "
  for pse_f in /proc/[0-9]*/stat; do
    pse_l=
    read -r pse_l < "$pse_f" || continue
    pse_p=${pse_l%% *}
    pse_l=${pse_l##*") "}
    pse_l=${pse_l#* }
    pse_all="$pse_all $pse_p:${pse_l%% *}"
  done 2>/dev/null
  pse_more=1
  while [ "$pse_more" = 1 ]; do
    pse_more=0
    for pse_f in $pse_all; do
      case $pse_set in *" ${pse_f%%:*} "*) continue;; esac
      case $pse_set in *" ${pse_f##*:} "*) pse_set="$pse_set${pse_f%%:*} "; pse_more=1;; esac
    done
  done
}
pse_dog() {
  pse_was=$!
  trap '[ "$!" = "$pse_was" ] || kill -9 "$!" 2>/dev/null; exit 0' TERM
  sleep "$2" &
  wait "$!"
  pse_tree "$1"
  kill -9 $pse_set
}
pse_now() {
  pse_t=0
  read -r pse_t pse_r < /proc/uptime
  pse_t=${pse_t%%.*}
}
pse_run() {
  pse_now
  pse_left=$((pse_begin + @DEADLINE@ - pse_t))
  if [ "$pse_left" -le 0 ]; then printf '\n%s K %s\n' "$B" "$1"; return; fi
  if [ "$2" -lt "$pse_left" ]; then pse_left=$2; fi
  printf '\n%s S %s\n' "$B" "$1"
  ( { "pse_s_$1"; printf '\n%s R %s\n' "$B" "$?"; } </dev/null 2>/dev/null | head -c "$3" ) &
  pse_w=$!
  pse_dog "$pse_w" "$pse_left" </dev/null >/dev/null 2>&1 &
  pse_d=$!
  wait "$pse_w" 2>/dev/null
  pse_rc=$?
  kill -TERM "$pse_d" 2>/dev/null
  wait "$pse_d" 2>/dev/null
  printf '\n%s E %s %s\n' "$B" "$1" "$pse_rc"
}
main() {
  case ${#B} in 32) ;; *) exit 3;; esac
  set -f; set +f
  umask 077
  ulimit -c 0
  ulimit -f 0
  cd /
  renice -n 19 -p "$$" >/dev/null 2>&1 </dev/null
  ionice -c 3 -p "$$" >/dev/null 2>&1 </dev/null
  pse_now
  pse_begin=$pse_t
  printf '\n%s H 1 %s\n' "$B" "$pse_begin"
@CALLS@
  printf '\n%s Z\n' "$B"
}
"""


def boundary() -> str:
    """A boundary that nobody can guess: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def script(mark: str, *, facts: tuple[str, ...] = (), deadline_s: int = DEADLINE_S) -> bytes:
    """The script as it is sent.

    Args:
        mark: See `boundary`.
        facts: Names of the facts to read; empty for all.
        deadline_s: Seconds after which no further section starts.
    """
    chosen = [fact for name, fact in TABLE.items() if not facts or name in facts]
    bodies = "".join(f"pse_s_{fact.name}() {{\n{fact.section.sh.strip()}\n}}\n" for fact in chosen)
    calls = "\n".join(f"  pse_run {f.name} {f.section.timeout_s} {f.section.cap}" for f in chosen)
    frame = _SCRIPT.replace("@DEADLINE@", str(deadline_s)).replace("@CALLS@", calls)
    return f"{_PADS}B={mark}\n{bodies}{frame}main\n".encode()


class Answer:
    """What came back from a host.

    Attributes:
        began: The script started at all.
        complete: Its last frame is there.
        noise: Bytes before it began: greetings and what a login shell says.
        frames: By section.
    """

    def __init__(self, raw: bytes, mark: str) -> None:
        """Cut ``raw`` into frames; anything goes, also a text that is cut anywhere or is not from a probe at all."""
        self.began = False
        self.complete = False
        self.noise = b""
        self.frames: dict[str, Frame] = {}
        parts = raw.split(b"\n" + mark.encode() + b" ")
        self.noise = parts[0]
        inside = ""
        for part in parts[1:]:
            head, _, body = part.partition(b"\n")
            words = head.decode("ascii", "replace").split(" ")
            if words[0] == "H":
                self.began = True
            if not self.began:
                continue
            inside = self._take(words, body, inside)

    def _take(self, words: list[str], body: bytes, inside: str) -> str:
        match words:
            case ["S", name]:
                self.frames[name] = Frame(raw=body, rc=None)
                return name
            case ["R", rc] if inside and _is_rc(rc):
                self.frames[inside] = Frame(raw=self.frames[inside].raw, rc=int(rc))
            case ["E", name, rc] if name == inside and _is_rc(rc):
                self._end(name, int(rc))
                return ""
            case ["K", name]:
                self.frames[name] = Frame(skipped=True, rc=None)
            case ["Z", *_]:
                self.complete = True
        return inside

    def _end(self, name: str, rc: int) -> None:
        """The worker ended: without the section's own last word it was killed, or its output was cut at the cap."""
        frame = self.frames[name]
        if frame.rc is None:
            cut = rc != 137
            self.frames[name] = Frame(raw=frame.raw, rc=None if cut else 137, truncated=cut)


def _is_rc(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 3
