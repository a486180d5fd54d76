"""Disks by their own hashes: each end is read whole by a program that shares nothing with the copier.

Most of it is read before writers are stopped. What was read then counts later only where it is sure to be the same:

- The kernel's counters (a device) or the times and size (a file) are what they were: nothing was written at all.
- At a device that the copier wrote since: the copier notes every chunk before it writes there, and those are read
  again. A write that went astray is found, too. One in place of the right one leaves the right chunk as it was, and
  that is read again. One in addition shows: the kernel counted more sectors than the noted chunks have, and all is
  read again.

A chunk that cannot be read is never equal to anything, nor is a disk that holds nothing but zeros.
"""

import hashlib
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest

import msgspec

from migrate.hosts import last_line
from migrate.replicators.blocks.end import End, Look
from migrate.replicators.files.rsync import CopyFailed
from pse.core.documents.campaign import CheckResult
from pse.core.text import counted, printable

_SHOWN = 5
_READ = r"""
import hashlib, os, sys
from concurrent.futures import ThreadPoolExecutor
path, size, chunk, out, proof, ledger = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]
total = -(-size // chunk)
def text(name):
    try:
        with open(name) as file:
            return file.read()
    except OSError:
        return ""
known, old = text(out).split("\n")[:-1], text(out + ".proof")
noted = [int(word) for word in text(ledger).split()]
def only_noted():
    was, now = old.split(), proof.split()
    if len(was) != len(now) or len(now) != 8 or not noted: return False
    same = [0, 1, 2, 4, 5, 6, 7]  # boot, number, instance, discards, size, chunk
    return all(was[i] == now[i] for i in same) and (int(now[3]) - int(was[3])) * 512 <= len(noted) * chunk
if len(known) != total or not old or not proof: which = range(total)
elif old == proof: which = []
elif only_noted(): which = sorted({index for index in noted if index < total})
else: which = range(total)
if len(which) == total: known = [""] * total
fd = os.open(path, os.O_RDONLY)
def one(index):
    state, at, end = hashlib.sha256(), index * chunk, min(size, (index + 1) * chunk)
    while at < end:
        try:
            data = os.pread(fd, min(1 << 20, end - at), at)
        except OSError as exc:
            return index, "unreadable %d-%d %s" % (at, end, exc.strerror)
        if not data: return index, "unreadable %d-%d it ends there" % (at, end)
        state.update(data); at += len(data)
    return index, state.hexdigest()
which = list(which)
with ThreadPoolExecutor(2) as pool:
    for first in range(0, len(which), 64):
        for index, said in pool.map(one, which[first:first + 64]): known[index] = said
with open(out + ".new", "w") as file: file.write("".join(line + "\n" for line in known))
os.rename(out + ".new", out)
print(len(which), hashlib.sha256("".join(line + "\n" for line in known).encode()).hexdigest())
"""
_SHELL = r"""
path=$1; size=$2; chunk=$3; out=$4; proof=$5; n=0; set -o pipefail
if [ -z "$proof" ] || [ ! -s "$out" ] || [ "$(cat "$out.proof" 2>/dev/null)" != "$proof" ]; then
  if command -v openssl >/dev/null; then t='openssl dgst -sha256 -r'; else t='sha256sum -b'; fi
  head -c "$size" -- "$path" | split -b "$chunk" --filter="$t | cut -c1-64" - >"$out.new" || exit 5
  mv "$out.new" "$out"; n=$(wc -l <"$out")
fi
echo "$n $(sha256sum <"$out" | cut -c1-64)"
"""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one end holds.

    Attributes:
        sha256: Of its list of hashes.
        file: That list, on the host.
        chunks: Lines in it.
        read: Chunks that were read for it now.
        still: Nothing was written while it was read, as far as the kernel says.
    """

    sha256: str
    file: str
    chunks: int
    read: int
    still: bool


def read(end: End, size: int, chunk: int, *, timeout_s: float) -> Side:
    """Read an end, as far as it is not known for sure.

    Raises:
        CopyFailed: It cannot be read at all.
    """
    before = end.look()
    stamp = _stamp(before, size, chunk)
    out, ledger = end.file("verify"), end.file("ledger")
    words = [end.path, str(size), str(chunk), out, stamp, ledger]
    quoted = " ".join(shlex.quote(word) for word in words)
    script = f"python3 - {quoted}" if end.python else f"set -- {quoted}\n{_SHELL}"
    done = end.host.run(f"rm -f {out}.new; {script}", stdin=_READ.encode() if end.python else b"", timeout_s=timeout_s)
    if done.rc != 0:
        text = f"{printable(end.path)} cannot be read: {last_line(done.stderr)}"
        raise CopyFailed(text, where=end.host.name)
    count, sha256 = done.stdout.decode().split()
    still = _stamp(end.look(), size, chunk) == stamp
    # The note of what is to be read again begins anew only with a list that counts.
    keep = f"printf %s {shlex.quote(stamp)} >{out}.proof; rm -f {ledger}" if still and stamp else f"rm -f {out}.proof"
    end.host.text(keep, what="noting what was read")
    return Side(sha256=sha256, file=out, chunks=-(-size // chunk), read=int(count), still=still)


def compare(subject: str, source: End, target: End, chunk: int, *, timeout_s: float = 4 * 3600) -> CheckResult:
    """Compare both ends over the source's size; both are read at the same time."""
    looks = source.look(), target.look()
    size = looks[0].size
    files = all(look.kind == "file" for look in looks)
    if not size or looks[1].size < size or (files and looks[1].size != size):
        said = "there is nothing to compare" if not size else "the sizes differ"
        return CheckResult(
            subject=subject,
            method="size in bytes",
            source=str(size),
            target=str(looks[1].size),
            items=int(bool(size)),
            equal=False,
            detail=said,
        )
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(read, end, size, chunk, timeout_s=timeout_s) for end in (source, target)]
        mine, theirs = (one.result() for one in waiting)
    restless = [
        end.host.name
        for end, side, look in ((source, mine, looks[0]), (target, theirs, looks[1]))
        if not side.still or look.busy
    ]
    detail = ""
    if mine.sha256 != theirs.sha256:
        detail = _differences(source.lines(mine.file), target.lines(theirs.file), chunk, size)
    elif restless:
        detail = f"may have changed while it was read: {', '.join(restless)}"
    else:
        detail = _hollow(source.lines(mine.file), chunk, size)
    return CheckResult(
        subject=subject,
        method=f"sha256 of every {chunk >> 20} MiB, {mine.read} and {theirs.read} of {counted(mine.chunks, 'chunk')} "
        "read now, the others before and not written since by the kernel's word; not proved to boot",
        source=mine.sha256,
        target=theirs.sha256,
        items=mine.chunks,
        equal=not detail,
        detail=detail,
    )


def _stamp(look: Look, size: int, chunk: int) -> str:
    return f"{look.proof} {size} {chunk}" if look.proof else ""


def _differences(mine: Iterator[str], theirs: Iterator[str], chunk: int, size: int) -> str:
    unlike = []
    for index, (left, right) in enumerate(zip_longest(mine, theirs, fillvalue="")):
        for side, line in (("source", left), ("target", right)):
            if line.startswith("unreadable"):
                unlike.append(f"{side} cannot read bytes {line.removeprefix('unreadable ')}")
        if left != right and not (left + right).count("unreadable"):
            unlike.append(f"bytes {index * chunk}-{min(size, (index + 1) * chunk)} differ")
    return printable("; ".join(unlike[:_SHOWN])) + (f"; and {len(unlike) - _SHOWN} more" if unlike[_SHOWN:] else "")


def _hollow(lines: Iterator[str], chunk: int, size: int) -> str:
    """Why equal lists prove nothing; empty where they do."""
    zero = {hashlib.sha256(bytes(length)).hexdigest() for length in {chunk, size % chunk} if length}
    hollow, lost = True, ""
    for line in lines:
        hollow = hollow and line in zero
        lost = lost or (line if line.startswith("unreadable") else "")
    if lost:
        return printable(f"both cannot read bytes {lost.removeprefix('unreadable ')}")
    return "both hold nothing but zeros: there is nothing to compare" if hollow else ""
