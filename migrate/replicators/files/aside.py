"""What a pass of files must not take away: what was never ours, and what somebody wrote at a receiver meanwhile.

A pass deletes at the receiver what the sender has not. So the first pass to a target needs a place without anybody's
files; and after each pass, and at both ends once they were proved equal, the tree is noted (every entry's inode, size,
times and name): a later pass in either direction keeps aside what it replaces or deletes, if it is not as it was noted.
A file's change time is the kernel's and cannot be set, so no write is missed; where no list was kept, everything
replaced is kept.
"""

import shlex
from typing import Any

from migrate.hosts import Host
from migrate.replicators.ports import Task
from pse.core.canonical import digest
from pse.core.errors import Refused
from pse.core.text import printable

SHOWN = 5
"""Names in a message."""

_FOREIGN = r"""
[ -e "$1" ] || [ -L "$1" ] || exit 0
t=$(mktemp -d) || exit 1; trap 'rm -rf "$t"' EXIT
find "$1" -xdev ! -type d -print0 | tr '\n\0' '?\n' >"$t/there" || exit 1
[ -s "$t/there" ] || exit 0
{ cat /var/lib/dpkg/info/*.list; command -v rpm >/dev/null && rpm -qal; } >"$t/packages" 2>/dev/null
awk 'FILENAME == ARGV[1] { p[$0]; next } !($0 in p)' "$t/packages" "$t/there" | sort >"$t/left"
while IFS= read -r name; do
  # Links that a package's own script made to the package's own files, such as sites-enabled/default.
  [ -L "$name" ] && grep -qxF -- "$(readlink -f -- "$name")" "$t/packages" && continue
  printf '%s\n' "$name"
done <"$t/left" >"$t/foreign"
wc -l <"$t/foreign"; head -n SHOWN "$t/foreign"
"""
_LIST = r"""find "$s" -xdev ! -type d -printf '%i %s %T@ %C@ %y %p\0' | sort -z"""
_ENTER = r"""cd -- "$1" 2>/dev/null && s=. || { cd -- "$(dirname -- "$1")" && s=./$(basename -- "$1"); } || exit 1"""
_LOOK = rf"""
lists=$2; n=$3; raw=$4; touched=$lists/touched-$(basename -- "$raw")
# A pass of this name ran before and is not known any more: what it kept stays apart from what this one will.
if [ -d "$raw" ]; then
  t=_$(date +%s%N).raw; mv -T -- "$raw" "${{raw%.raw}}$t" && mv -- "$touched" "${{touched%.raw}}$t" || exit 1
fi
[ -e "$1" ] || [ -L "$1" ] || exit 0
{_ENTER}
set -o pipefail
{_LIST} >"$lists/now-$n" || exit 1
set +o pipefail # without `comm -z` (coreutils before 8.25) everything that is replaced is kept
base=$lists/tree-$n; [ -e "$base" ] || base=/dev/null
comm -z -13 "$base" "$lists/now-$n" >"$lists/foreign-$n"
sed -z 's/^\([^ ]* \)\{{5\}}//' "$lists/foreign-$n" | sort -z >"$touched"
rm -f "$lists/now-$n"
"""
_SETTLE = rf"""
lists=$2; n=$3; kept=$4; tree=$lists/tree-$n; was=$lists/was-$n
: >"$was"; if [ -e "$tree" ]; then sed -z 's/^[^ ]* \([^ ]* [^ ]* \)[^ ]* /\1/' "$tree" | sort -z >"$was"; fi || exit 1
for raw in "$kept"-*-"$n"-*.raw; do
  [ -d "$raw" ] || continue
  touched=$lists/touched-$(basename -- "$raw")
  # Only outdated is what was as noted when the pass began, and still had that size and time when it was replaced.
  ( cd -- "$raw" && [ -e "$touched" ] && find . ! -type d -printf '%s %T@ %y %p\0' | sort -z | comm -z -12 - "$was" |
      sed -z 's/^\([^ ]* \)\{{3\}}//' | sort -z | comm -z -23 - "$touched" |
      xargs -0 -r rm -f -- && find . -mindepth 1 -depth -type d -empty -delete ) || [ ! -e "$touched" ] || exit 1
  if [ -n "$(ls -A -- "$raw")" ]; then mv -T -- "$raw" "${{raw%.raw}}"; else rmdir -- "$raw"; fi || exit 1
done
rm -f "$was"
{_ENTER}
{_LIST} >"$tree.new" || exit 1
# What was not ours and was passed over, because it had the size and time of ours, is not ours for that.
if [ ! -e "$lists/foreign-$n" ]; then mv "$tree.new" "$tree" || exit 1
elif comm -z -23 "$tree.new" "$lists/foreign-$n" >"$tree.ours"; then mv "$tree.ours" "$tree" || exit 1
else rm -f "$tree"; fi
rm -f "$tree.new" "$tree.ours"
rm -f "$lists"/touched-*-"$n"-*
for d in "$kept"-*-"$n"-*; do [ -d "$d" ] && find "$d" ! -type d -print0; done | tr '\n\0' '?\n'
"""


def foreign(task: Task, path: str) -> tuple[int, tuple[str, ...]]:
    """Files at the target's ``path`` that no pass from this source put there, and no package.

    Returns:
        How many, and the first few names, safe to show.
    """
    if task.journal.find(_claim(task, path)) is not None:
        return 0, ()
    script = f"set -- {shlex.quote(path.rstrip('/') or '/')}\n{_FOREIGN.replace('SHOWN', str(SHOWN))}"
    count, *names = task.target.text(script, timeout_s=task.left(900)).splitlines() or ["0"]
    return int(count), tuple(printable(name) for name in names)


def claim(task: Task) -> None:
    """Note that what is below the target's paths is ours from here on.

    Raises:
        Refused: Files of somebody else are there.
    """
    for path in task.move.paths:
        count, names = foreign(task, path)
        if count:
            raise Refused(not_ours(path, count, names), where=task.target.name, hint=NOT_OURS_HINT)
    for path in task.move.paths:
        key = _claim(task, path)
        if task.journal.find(key) is None:
            task.journal.open(key, f"fill {printable(path)} on {task.target.name} from {task.source.name}", {})
            task.journal.done(key, {"attempt": task.key})


def fresh(task: Task, path: str) -> bool:
    """This very attempt was the first to fill ``path`` at the target: what lies there, its own passes have brought."""
    found = task.journal.find(_claim(task, path))
    return found is not None and (found.result or {}).get("attempt") == task.key


NOT_OURS_HINT = "Move them away from there, or give the move another path: a copy deletes what the source has not."


def not_ours(path: str, count: int, names: tuple[str, ...]) -> str:
    """In words: what is there and is not ours."""
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return f"{printable(path)} holds {count} file{'s' * (count != 1)} that no move put there: {', '.join(names)}{more}"


def _claim(task: Task, path: str) -> str:
    # By the host key: a server that was built anew is another one, whatever its name and address.
    host = digest(f"{task.target.endpoint.host_key} {task.source.name}".encode())[:16]
    return f"files-at/{host}/{path.rstrip('/')}"


class Aside:
    """The list of one path at one end, and the folder that a pass puts there what it replaces.

    Args:
        task: The move.
        number: Which of its paths.
        host: The end.
    """

    def __init__(self, task: Task, number: int, host: Host) -> None:
        """Remember them; nothing is made yet."""
        self._task, self._number, self._host = task, number, host
        self._path = task.move.paths[number].rstrip("/")

    @property
    def _lists(self) -> str:
        return f"{self._room('$HOME', '/var/tmp')}/.pse-trees-{self._task.job}"  # noqa: S108 - in a folder of mode 0700

    @property
    def _kept(self) -> str:
        # Beside the tree first: there it is a renaming, and the disk is large enough.
        beside = self._path.rpartition("/")[0] or "/"
        return f"{self._room(beside, '$HOME', '/var/tmp').rstrip('/')}/.pse-kept-{self._task.job}"  # noqa: S108 - dto.

    @property
    def noted(self) -> bool:
        """A list is there, of how a pass of ours or a verification left the tree."""
        return self._host.run(f"[ -e {shlex.quote(self._lists)}/tree-{self._number} ]").rc == 0

    def note(self, listed: str) -> None:
        """Take the list that the verification made, just when both ends were equal."""
        tree = f"{shlex.quote(self._lists)}/tree-{self._number}"
        script = f"cat {shlex.quote(listed)} >{tree}.new && mv {tree}.new {tree}"
        self._host.text(f"{self._make}; {script}", what="noting the tree")

    def look(self, run: str) -> None:
        """Just before the run ``run`` of a copier: which entries are not as they were noted?"""
        values = self._set(self.folder(run))
        self._host.text(f"{self._make}; {values}\n{_LOOK}", timeout_s=self._task.left(900), what="listing the tree")

    def folder(self, run: str) -> str:
        """Where ``run`` puts what it replaces, until `settle`; such a name ends with the path's number and a try's."""
        return f"{self._kept}-{run}.raw"

    def settle(self) -> dict[str, Any]:
        """After a pass: keep what somebody wrote, drop what was only outdated, note the tree as the pass left it.

        Returns:
            ``count``, ``names`` (the first few, with their folder) and ``host`` of all that lies there, also of passes
            before that died.
        """
        script = f"{self._make}; {self._set(self._kept)}\n{_SETTLE}"
        found = self._host.text(script, timeout_s=self._task.left(900), what="keeping aside").splitlines()
        return {
            "count": len(found),
            "names": [printable(one) for one in sorted(found)[:SHOWN]],
            "host": self._host.name,
        }

    def forget(self) -> None:
        """Remove the lists; what was kept aside stays."""
        self._host.text(f"rm -rf {shlex.quote(self._lists)}")

    @property
    def _make(self) -> str:
        quoted = shlex.quote(self._lists)
        return f"mkdir -p -m 700 {quoted} && [ -O {quoted} ] && [ ! -L {quoted} ] || exit 1"

    def _set(self, *more: str) -> str:
        return "set -- " + " ".join(map(shlex.quote, (self._path, self._lists, str(self._number), *more)))

    def _room(self, *wanted: str) -> str:
        """The first of these folders that is not in a tree that moves and can be written."""
        key = f"room {self._task.job} {wanted}"
        known = self._host.known.get(key)
        if isinstance(known, str):
            return known
        trees = "|".join(f"{shlex.quote(path.rstrip('/'))}/*" for path in self._task.move.paths)
        places = " ".join(place if place == "$HOME" else shlex.quote(place) for place in wanted).replace(
            "$HOME", '"$HOME"'
        )
        found = self._host.text(
            f"""for d in {places}; do case "$d/" in {trees}) continue;; esac
[ -d "$d" ] && [ -w "$d" ] && {{ printf %s "$d"; exit 0; }}; done; exit 1""",
            what="finding a place beside the tree",
        )
        self._host.known[key] = found
        return found


def in_words(kept: dict[str, Any]) -> str:
    """What was kept aside, or nothing."""
    if not kept["count"]:
        return ""
    more = f" and {kept['count'] - len(kept['names'])} more" if kept["count"] > len(kept["names"]) else ""
    return f"written at {kept['host']} by somebody and kept aside: {', '.join(kept['names'])}{more}"
