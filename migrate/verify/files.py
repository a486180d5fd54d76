"""File trees by manifest: what ``find`` and ``openssl`` (or ``sha256sum``) say on each side, without the copier.

Lists of each side, sorted bytewise: *meta* (type, mode, owner, size, time in nanoseconds, link target, name), *links*
(groups of hard links by their least name), *content* (SHA-256 of each file) and *xattrs* (extended attributes, ACLs and
capabilities among them, where ``python3`` or ``getfattr`` is there). Names are NUL-separated until
they are escaped, so newlines and bytes that are no UTF-8 count like any others. Each side is listed again after the
hashing, with change times: a tree that changed meanwhile is no proof of anything.

While writers go on, `ahead` hashes what has been quiet, so that less is to be read while they are stopped. Such a hash
counts only for the file of the same inode, size, modification and change time: the kernel sets the change time at every
write and nobody can set it back. Each side relies on its own disk only, never on the copier.
"""

import difflib
import shlex
from concurrent.futures import ThreadPoolExecutor

import msgspec

from migrate.hosts import Host, HostCommandFailed, last_line
from pse.core.documents.campaign import CheckResult
from pse.core.errors import RemoteError
from pse.core.text import printable

PARTS = ("meta", "links", "content", "xattrs")
_SHOWN = 5
_FETCH = 16 * 1024 * 1024

_SCRIPT = r"""
root=$1; owners=$2; out=$3; whole=$4
rm -rf "$out"; mkdir -p "$out/c" "$out/n" || exit 1
cd -- "$root" 2>/dev/null || { [ -e "$root" ] || [ -L "$root" ] || { echo "it is not there" >&2; exit 3; }
  cd -- "$(dirname -- "$root")" || exit 1; start=./$(basename -- "$root"); }
start=${start:-.}
own='%U %G '; [ "$owners" = 1 ] || own=
esc() { sed -z 's/\\/\\\\/g;s/\n/\\n/g' | tr '\0' '\n' | sort; }
folder="d %m ${own}- %T@ - %p\0"; link="l - ${own}- %T@ %l %p\0"; other="%y %m ${own}%s %T@ %n %p\0"
look() { find "$start" -xdev -printf "%i %y %m ${own}%s %T@ %C@ %n %l %p\0" "$@"; }
set -o pipefail
m=$out/meta.z
# One walk for all lists.
look , \( -type d -fprintf "$m" "$folder" -o -type l -fprintf "$m" "$link" -o -fprintf "$m" "$other" \) , \
  \( ! -type d -fprintf "$out/tree" '%i %s %T@ %C@ %y %p\0' \) , \
  \( -fprintf "$out/all.z" '%p\0' \) , \
  \( -type f -fprintf "$out/files.z" '%i %s %T@ %C@ %p\0' \) , \
  \( -type f -links +1 -fprintf "$out/links.z" '%i %p\0' \) | sha256sum >"$out/before" || exit 1
esc <"$m" >"$out/meta" && sort -z <"$out/tree" >"$out/tree.z" || exit 1
esc <"$out/links.z" | awk '
  { i=$1; sub(/^[^ ]* /, ""); if (!(i in first)) first[i]=$0; print first[i] " = " $0 }' | sort >"$out/links" || exit 1
n=$(tr -cd '\0' <"$out/files.z" | wc -c)
grep -zav '[[:cntrl:]\\]' <"$out/files.z" | tr '\0' '\n' >"$out/plain"
grep -za '[[:cntrl:]\\]' <"$out/files.z" | sed -z 's/^\([^ ]* \)\{4\}//' >"$out/odd.z"
touch "$out.ahead"; : >"$out/old"
awk -F'\t' -v old="$out/old" 'FILENAME == ARGV[1] { sha[$1] = $2; next }
  { path = $1; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, "", path)
    if ($1 in sha) print sha[$1] " " path >old; else print path }' "$out.ahead" "$out/plain" |
  tr '\n' '\0' >"$out/plain.z" || exit 1
if command -v openssl >/dev/null; then
  xargs -0 -r -P2 -n200 sh -c 'o=$1/c/$$; shift; exec openssl dgst -sha256 -r "$@" >$o' - "$out" \
    <"$out/plain.z" || exit 4
else cat "$out/plain.z" >>"$out/odd.z"; fi
xargs -0 -r -P2 -n200 sh -c 'o=$1/n/$$; shift; exec sha256sum -bz -- "$@" >$o' - "$out" <"$out/odd.z" || exit 4
{ cat "$out/old"; find "$out/c" -type f -exec cat {} + | sed 's/ \*/ /'
  find "$out/n" -type f -exec cat {} + | sed -z 's/ \*/ /' | sed -z 's/\\/\\\\/g;s/\n/\\n/g' | tr '\0' '\n'
} | sort >"$out/content" || exit 1
tool=none
if command -v python3 >/dev/null; then
  tool=python3; python3 -c "$listing" <"$out/all.z" >"$out/attributes" || exit 6
elif command -v getfattr >/dev/null; then
  tool=getfattr
  xargs -0 -r getfattr -h -d -m - -e hex -- <"$out/all.z" >"$out/attributes" 2>"$out/said"
  # What a file system has no attributes for has none; anything else was not read.
  ! grep -v 'Operation not supported' "$out/said" >&2 || exit 6
fi
if [ "$whole" = 1 ]; then kept='!/^security[.](selinux|ima|evm)=/'; else kept='/^(user[.]|system[.]posix_acl_)/'; fi
[ $tool = none ] || awk '/^# file: /{ path = substr($0, 9); next } NF && '"$kept"'{ print path "\t" $0 }' \
  "$out/attributes" | sort >"$out/xattrs" || exit 1
[ -e "$out/xattrs" ] || : >"$out/xattrs"
[ "$(wc -l <"$out/content")" = "$n" ] || { echo "hashed another number of files than were found" >&2; exit 5; }
look | sha256sum >"$out/after" || exit 1
same=1; cmp -s "$out/before" "$out/after" || same=0
printf '%s %s %s\n' "$same" "$n" "$(tr -cd '\0' <"$out/meta.z" | wc -c)"
for p in meta links content xattrs; do
  printf '%s %s\n' "$(sha256sum <"$out/$p" | cut -c1-64)" "$(wc -l <"$out/$p")"
done
echo "$tool $(wc -l <"$out/old")"
"""

_LISTING = r"""
import os, sys
def quoted(text, more=b""):
    for code in b"\\\n\r" + more:
        text = text.replace(bytes([code]), b"\\%03o" % code)
    return text
for path in sys.stdin.buffer.read().split(b"\0")[:-1]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as exc:
        if exc.errno != 95:
            sys.exit("%s: %s" % (os.fsdecode(path), exc.strerror))
        continue
    if names:
        sys.stdout.buffer.write(b"# file: " + quoted(path[2:] if path[:2] == b"./" else path) + b"\n")
    for name in names:
        value = os.getxattr(path, name, follow_symlinks=False)
        sys.stdout.buffer.write(quoted(os.fsencode(name), b"=") + b"=0x" + value.hex().encode() + b"\n")
"""
# In the words of getfattr, so that one end may have it and the other this. 95 is ENOTSUP.

_AHEAD = r"""
root=$1; out=$2.ahead; quiet=$3
cd -- "$root" 2>/dev/null || exit 0
case $(stat -f -c %T .) in ext2/ext3|xfs|btrfs) ;; *) exit 0;; esac
mkdir -p "$out.work" && rm -f "$out.work"/* && touch "$out" || exit 1
# Written through a memory map, a page changes the time only once until it is on the disk: so first it goes there.
since=$(date +%s.%N); sync -f . 2>/dev/null || sync
find . -xdev -type f -printf '%i %s %T@ %C@ %p\0' 2>/dev/null | grep -zav '[[:cntrl:]\\]' | tr '\0' '\n' |
  awk -v last="$since" -v quiet="$quiet" '{ split($0, f, " ") } f[4] + 0 < last - quiet' >"$out.work/quiet"
if command -v openssl >/dev/null; then tool='openssl dgst -sha256 -r'; else tool='sha256sum -b --'; fi
awk -F'\t' 'FILENAME == ARGV[1] { sha[$1]; next } !($1 in sha)' "$out" "$out.work/quiet" | cut -d' ' -f5- |
  tr '\n' '\0' | nice -n 10 xargs -0 -r -P2 -n200 sh -c 'o=$1/$$.new; t=$2; shift 2; exec $t "$@" >$o' - \
  "$out.work" "$tool" 2>/dev/null
find "$out.work" -name '*.new' -exec cat {} + | sed 's/ \*/ /' >"$out.work/fresh"
awk -F'\t' 'FILENAME == ARGV[1] { sha[$1] = $2; next }
  FILENAME == ARGV[2] { path = $0; sub(/^[^ ]* /, "", path); fresh[path] = substr($0, 1, 64); next }
  { path = $1; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, "", path) }
  $1 in sha { print $1 "\t" sha[$1]; next } path in fresh { print $1 "\t" fresh[path] }
  ' "$out" "$out.work/fresh" "$out.work/quiet" >"$out.new" && mv "$out.new" "$out"
rm -rf "$out.work"; wc -l <"$out"
"""
QUIET_S = 60.0
"""Seconds without a change before a file of a side with writers is hashed ahead: one long write sets the time once."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One list of a manifest: its SHA-256 and its number of lines."""

    sha256: str
    lines: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What one side holds.

    Attributes:
        parts: By name, see `PARTS`.
        files: Regular files.
        entries: Everything: files, folders, links, pipes, sockets.
        still: Nothing changed while it was read.
        reads_attributes: Extended attributes could be read.
        ahead: Files that were hashed ahead and have not changed since.
    """

    parts: dict[str, Part]
    files: int
    entries: int
    still: bool
    reads_attributes: bool = True
    ahead: int = 0


def manifest(
    host: Host, path: str, *, folder: str, owners: bool = True, whole: bool = True, timeout_s: float = 3600.0
) -> Manifest:
    """Read the tree (or the single file) at ``path``.

    Args:
        host: Where.
        path: Absolute path; other file systems below it are not entered.
        folder: Work folder on that host; the lists stay there until the next call.
        owners: Compare user and group ids, too.
        whole: Extended attributes that only root can set count, too; security labels never do: they are the host's.
        timeout_s: Seconds.

    Raises:
        HostCommandFailed: The path is not there, or a file could not be read.
    """
    words = f"{shlex.quote(path)} {int(owners)} {shlex.quote(folder)} {int(whole)}"
    script = f"set -- {words}\nlisting={shlex.quote(_LISTING)}\n{_SCRIPT}"
    done = host.run(script, timeout_s=timeout_s)
    if done.rc != 0:
        raise HostCommandFailed(f"{printable(path)} cannot be read: {last_line(done.stderr)}", where=host.name)
    first, *rest, last = done.stdout.decode().splitlines()
    still, files, entries = first.split()
    parts = {}
    for name, line in zip(PARTS, rest, strict=True):
        sha256, lines = line.split()
        parts[name] = Part(sha256=sha256, lines=int(lines))
    tool, ahead = last.split()
    return Manifest(
        parts=parts,
        files=int(files),
        entries=int(entries),
        still=still == "1",
        reads_attributes=tool != "none",
        ahead=int(ahead),
    )


def ahead(host: Host, path: str, *, folder: str, quiet_s: float = QUIET_S, timeout_s: float = 3600.0) -> int:
    """Hash what has not changed for ``quiet_s`` seconds, for a later `manifest` with the same ``folder``.

    Only on file systems whose change times are known to be kept at every write: ext4, XFS and Btrfs.

    Returns:
        Files whose hashes are known now.
    """
    script = f"set -- {shlex.quote(path)} {shlex.quote(folder)} {quiet_s}\n{_AHEAD}"
    return int(host.run(script, timeout_s=timeout_s).stdout.strip() or 0)


def compare(
    subject: str,
    source: Host,
    target: Host,
    path: str,
    *,
    folders: tuple[str, str],
    owners: bool = True,
    whole: bool = True,
    timeout_s: float = 3600.0,
) -> tuple[CheckResult, ...]:
    """Compare the tree at ``path`` on both hosts; both are read at the same time.

    Returns:
        One result for ``meta``, one for ``content``, and one for ``links`` and for ``xattrs`` where a side has such.
    """
    with ThreadPoolExecutor(2) as pool:
        ends = [
            pool.submit(manifest, host, path, folder=folder, owners=owners, whole=whole, timeout_s=timeout_s)
            for host, folder in zip((source, target), folders, strict=True)
        ]
        mine, theirs = (end.result() for end in ends)
    restless = [host.name for host, side in ((source, mine), (target, theirs)) if not side.still]
    blind = [host.name for host, side in ((source, mine), (target, theirs)) if not side.reads_attributes]
    results = []
    for name in PARTS:
        left, right = mine.parts[name], theirs.parts[name]
        if name in ("links", "xattrs") and left.lines == right.lines == 0:
            continue
        if name == "xattrs" and blind:
            continue
        # A tree of folders only has no content to hash; its names are compared by meta.
        if name == "content" and mine.files == theirs.files == 0 and mine.entries > 1:
            continue
        detail = ""
        if restless:
            detail = f"changed while it was read: {', '.join(restless)}"
        elif left.sha256 != right.sha256:
            detail = _differences(source, target, folders, name)
        elif left.lines == 0:
            detail = "there is nothing to compare"
        results.append(
            CheckResult(
                subject=f"{subject} {printable(path)} {name}",
                method=_method(name, owners=owners, ahead=max(mine.ahead, theirs.ahead), blind=blind, whole=whole),
                source=left.sha256,
                target=right.sha256,
                items=min(left.lines, right.lines),
                equal=left == right and left.lines > 0 and not restless,
                detail=detail,
            )
        )
    return tuple(results)


def _method(name: str, *, owners: bool, ahead: int, blind: list[str], whole: bool) -> str:
    if name == "content" and ahead:
        return f"sha256 manifest, {ahead} files hashed ahead and unchanged since by inode, size and times"
    if name == "xattrs":
        return "sha256 manifest" + (", without security labels" if whole else ", of users and ACLs")
    if name != "meta":
        return "sha256 manifest"
    # Said in the evidence: rsync carries them where both ends can, and nothing here can look at them.
    unseen = (
        f", extended attributes and ACLs not compared: no python3 or getfattr on {', '.join(blind)}" if blind else ""
    )
    return "sha256 manifest" + ("" if owners else ", without owners") + unseen


def _differences(source: Host, target: Host, folders: tuple[str, str], name: str) -> str:
    try:
        mine, theirs = (
            host.text(f"head -c {_FETCH} {shlex.quote(folder)}/{name}").splitlines()
            for host, folder in ((source, folders[0]), (target, folders[1]))
        )
    except RemoteError as exc:
        return f"they differ ({exc.message})"
    only = [
        f"{'source' if line[0] == '-' else 'target'}: {printable(line[1:])[:200]}"
        for line in difflib.unified_diff(_unlike(mine, theirs), _unlike(theirs, mine), lineterm="", n=0)
        if line[0] in "+-" and line[:3] not in ("+++", "---")
    ]
    return "; ".join(only[:_SHOWN]) + (f"; and {len(only) - _SHOWN} more" if len(only) > _SHOWN else "")


def _unlike(lines: list[str], others: list[str]) -> list[str]:
    known = set(others)
    return [line for line in lines if line not in known]
