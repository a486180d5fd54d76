"""What runs on the hosts of a block move, by their own python3 (3.6 or newer): hash, give and take chunks.

This file is sent to the hosts as it is, so it imports nothing of ours. Where a host has no python3, the script of
`migrate.replicators.blocks.shell` does the same.
"""

import contextlib
import fcntl
import hashlib
import os
import stat
import sys
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

THREADS = 2
SECTOR = 4096
UNREADABLE = "unreadable"
EXIT_READ = 5
EXIT_CUT = 6
_PIPE = 1031  # F_SETPIPE_SZ: larger pipes save switches; not in `fcntl` before Python 3.10


def length_of(index: int, chunk: int, size: int) -> int:
    """Bytes of a chunk: the last one may be short."""
    return max(0, min(chunk, size - index * chunk))


def whole(fd: int, length: int, offset: int) -> bytes:
    """Exactly ``length`` bytes.

    Raises:
        OSError: They cannot be read, or end too early.
    """
    data = os.pread(fd, length, offset)
    if len(data) == length:
        return data
    pieces = [data]
    got = len(data)
    while got < length:
        data = os.pread(fd, length - got, offset + got)
        if not data:
            raise OSError(5, f"it ends at byte {offset + got}")
        pieces.append(data)
        got += len(data)
    return b"".join(pieces)


def digest(fd: int, length: int, offset: int) -> str:
    """SHA-256 of a stretch in hexadecimal digits; where it cannot be read, which bytes of it."""
    try:
        return hashlib.sha256(whole(fd, length, offset)).hexdigest()
    except OSError:
        first, end = -1, offset
        for at in range(offset, offset + length, SECTOR):
            upto = min(at + SECTOR, offset + length)
            try:
                whole(fd, upto - at, at)
            except OSError:
                first, end = (at if first < 0 else first), upto
        if first < 0:  # it went by itself
            return digest(fd, length, offset)
        return f"{UNREADABLE} {first}-{end}"


def tell(done: int, total: int) -> float:
    """Say how far it is, in bytes; returns when that was."""
    sys.stderr.write(f"{done} {total}\n")
    sys.stderr.flush()
    return time.monotonic()


def hash_all(path: str, chunk: int, size: int, out: str) -> None:
    """Write a line for every chunk, in order; goes on where it was killed. Tells done and total bytes."""
    total = (size + chunk - 1) // chunk
    fd = os.open(path, os.O_RDONLY)
    with Path(out + ".part").open("a+b") as part:
        # Whoever was killed may have left a child that still works.
        fcntl.flock(part, fcntl.LOCK_EX)
        if Path(out).exists():
            return
        part.seek(0)
        known = part.read()
        part.truncate(known.rfind(b"\n") + 1)
        done, told = known.count(b"\n"), 0.0
        waiting: deque[Future[str]] = deque()
        with ThreadPoolExecutor(THREADS) as pool:
            ahead = done
            while done < total:
                while ahead < total and len(waiting) < 2 * THREADS:
                    length = length_of(ahead, chunk, size)
                    waiting.append(pool.submit(digest, fd, length, ahead * chunk))
                    ahead += 1
                part.write(waiting.popleft().result().encode() + b"\n")
                done += 1
                if time.monotonic() - told > 0.3:
                    part.flush()
                    told = tell(min(size, done * chunk), size)
        part.flush()
        Path(out + ".part").rename(out)


def runs_of(path: str) -> "list[tuple[int, int]]":
    """First chunk and number of chunks, a line each."""
    pairs = [line.split() for line in Path(path).read_text().splitlines()]
    return [(int(first), int(count)) for first, count in pairs]


def give(path: str, chunk: int, size: int, runs: str, limit: int) -> int:
    """Write the chunks of all runs to stdout, at most ``limit`` bytes a second (0: as fast as it goes)."""
    fd, out = os.open(path, os.O_RDONLY), sys.stdout.fileno()
    _widen(out)
    wanted = runs_of(runs)
    total = sum(length_of(index, chunk, size) for first, count in wanted for index in range(first, first + count))
    began, sent, told = time.monotonic(), 0, 0.0
    for first, count in wanted:
        for index in range(first, first + count):
            length = length_of(index, chunk, size)
            try:
                data = memoryview(whole(fd, length, index * chunk))
            except OSError as exc:
                sys.stderr.write(f"bytes {index * chunk}-{index * chunk + length} cannot be read: {exc}\n")
                return EXIT_READ
            while data:
                step = min(len(data), limit // 10 + 1) if limit else len(data)
                done = os.write(out, data[:step])
                data, sent = data[done:], sent + done
                if time.monotonic() - told > 0.3:
                    told = tell(sent, total)
                if limit:
                    time.sleep(max(0.0, began + sent / float(limit) - time.monotonic()))
    return 0


def take(path: str, chunk: int, size: int, runs: str, acks: str, ledger: str) -> int:
    """Write what comes from stdin to where the runs say. Each chunk is in the ledger before, and acknowledged after.

    A device is opened for nobody else: one that is mounted or held is refused by the kernel.
    """
    device = stat.S_ISBLK(Path(path).stat().st_mode)
    fd, come = os.open(path, os.O_WRONLY | (os.O_EXCL if device else 0)), sys.stdin.fileno()
    _widen(come)
    kept = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    said = os.open(acks, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    buffer = bytearray(chunk)
    with ThreadPoolExecutor(1) as pool:
        for first, count in runs_of(runs):
            for index in range(first, first + count):
                length = length_of(index, chunk, size)
                view, got = memoryview(buffer), 0
                while got < length:
                    done = os.readv(come, [view[got:length]])
                    if not done:
                        sys.stderr.write(f"it ended in chunk {index}\n")
                        return EXIT_CUT
                    got += done
                hashed = pool.submit(lambda data: hashlib.sha256(data).hexdigest(), view[:length])
                os.write(kept, b"%d\n" % index)
                put, offset = 0, index * chunk
                while put < length:
                    put += os.pwrite(fd, view[put:length], offset + put)
                os.write(said, f"{index} {hashed.result()}\n".encode())
    os.fsync(fd)
    return 0


def _widen(fd: int) -> None:
    with contextlib.suppress(OSError):
        fcntl.fcntl(fd, _PIPE, 1 << 20)


def main(verb: str, path: str, chunk: str, size: str, *rest: str) -> int:
    """Do what is asked; the exit status says how it ended."""
    try:
        if verb == "hash":
            hash_all(path, int(chunk), int(size), rest[0])
            return 0
        if verb == "give":
            return give(path, int(chunk), int(size), rest[0], int(rest[1]))
        return take(path, int(chunk), int(size), rest[0], rest[1], rest[2])
    except OSError as exc:
        # Its last line is what a person reads: a disk that is full, held by somebody or broken.
        sys.stderr.write(f"{exc}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
