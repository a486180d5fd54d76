"""The probe: one POSIX shell script for one host, one connection, one round trip.

It is sent on stdin of a plain ``/bin/sh``, so it is in no process list and on no disk. Rules it keeps (measured on
dash, bash, busybox, ksh and yash):

- 64 lines of ``#`` come first: a ``.bashrc`` that reads its input eats those.
- All code is in functions and ``main`` is the last line: a script that was cut on its way does nothing.
- Frames carry a random boundary of this run that is never exported and in no argument, so nothing on the host can
  forge one. Frames: ``H`` begin, ``S name``, ``R rc`` (the section's own last word), ``E name rc``, ``K name`` (left
  out: no time), ``Z`` end; ``G name`` begins a group, whose sections begin with ``I name``, and ``F`` takes back what
  the group gave.
- A watchdog without `timeout`: the shell waits for a subshell that can always be killed, never for what hangs in the
  kernel below it; what hangs holds a pipe and not the connection.
- Starting processes is most of the cost, so sections of one group share one watchdog, and the files of all facts of the
  group ``quick`` one `grep`. A group that does not end in time is run again section by section.
- It writes no file (``ulimit -f 0``), lowers its own priority and ends by itself, because sshd does not end a command
  whose client has gone.
"""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from inventory.answer import FILES
from inventory.facts import TABLE
from inventory.facts.base import Fact

COMMAND = "exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C /bin/sh -s"
"""What is asked of the login shell; works from bash, dash, ksh, csh and fish."""

DEADLINE_S = 60
"""Seconds after which the script starts no further section."""

FRAME_RUNS = ("env", "sh", "renice", "ionice", "grep", "head", "sleep")
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
  pse_rc=0
  if [ "$pse_left" -le 0 ]; then printf '\n%s K %s\n' "$B" "$1"; return; fi
  if [ "$2" -lt "$pse_left" ]; then pse_left=$2; fi
  printf '\n%s %s %s\n' "$B" "${4:-S}" "$1"
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
pse_in() {
  printf '\n%s I %s\n' "$B" "$1"
  if [ "$2" = 0 ]; then "pse_x_$1"; printf '\n%s R %s\n' "$B" "$?"
  else { "pse_x_$1"; printf '\n%s R %s\n' "$B" "$?"; } | head -c "$2"; fi
  printf '\n%s E %s 0\n' "$B" "$1"
}
pse_none() { printf '\n%s S %s\n\n%s R 0\n\n%s E %s 0\n' "$B" "$1" "$B" "$B" "$1"; }
pse_hung() {
  [ "$pse_rc" = 137 ] || return 1
  printf '\n%s F\n' "$B"
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
    bodies = "".join(map(_functions, chosen))
    calls = ""
    for name in dict.fromkeys(fact.section.group or fact.name for fact in chosen):
        group = [fact for fact in chosen if fact.section.group == name]
        if group:
            bodies += _group(name, group)
            calls += _group_call(name, group)
        else:
            calls += _call(TABLE[name])
    frame = _SCRIPT.replace("@DEADLINE@", str(deadline_s)).replace("@CALLS@", calls.rstrip())
    return f"{_PADS}B={mark}\n{bodies}{frame}main\n".encode()


def _grep(files: Iterable[str]) -> str:
    return f"grep -as '' /dev/null {' '.join(files)}"


def _functions(fact: Fact[Any]) -> str:
    """``pse_x_NAME`` is the section's own text, ``pse_s_NAME`` the section as it runs alone, its files included."""
    name, section = fact.name, fact.section
    body = f"pse_x_{name}() {{\n{section.sh.strip() or ':'}\n}}\n"
    if section.when:
        body += f"pse_w_{name}() {{ {section.when}; }}\n"
    files = f"{_grep(section.files)}; " if section.files else ""
    return f"{body}pse_s_{name}() {{ {files}pse_x_{name}; }}\n"


def _call(fact: Fact[Any]) -> str:
    name, section = fact.name, fact.section
    run = f"pse_run {name} {section.timeout_s} {section.cap}"
    return f"  if pse_w_{name}; then {run}; else pse_none {name}; fi\n" if section.when else f"  {run}\n"


def _group(name: str, facts: Sequence[Fact[Any]]) -> str:
    files = dict.fromkeys(path for fact in facts for path in fact.section.files)
    body = ""
    if files:
        body += f"pse_x_{name}{FILES}() {{ {_grep(files)}; }}\n"
    body += f"pse_s_{name}() {{\n"
    if files:
        body += f"  pse_in {name}{FILES} 0\n"
    for fact in facts:
        body += f"  pse_in {fact.name} {fact.section.cap if fact.section.large else 0}\n"
    return body + "}\n"


def _group_call(name: str, facts: Sequence[Fact[Any]]) -> str:
    cap = sum(fact.section.cap for fact in facts) + 64 * 1024
    limit = max(fact.section.timeout_s for fact in facts)
    alone = "".join(f"  {_call(fact)}" for fact in facts)
    return f"  pse_run {name} {limit} {cap} G\n  if pse_hung; then\n{alone}  fi\n"
