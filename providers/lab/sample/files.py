"""Files of the sample room: the records with every awkwardness that a copy must survive, and the open-data site.

The same bytes, names and times at every run. Times are set, because a copy has to keep them.
"""

import json
import os
import random
from pathlib import Path

SMALL = 10_000
"""Small files in the records."""

BIG_MIB = 256
"""MiB of the one big file; real bytes that do not compress."""

SPARSE_MIB = 64
_DAY_NS = 86_400 * 10**9
_FIRST_NS = 915_148_800 * 10**9  # 1999-01-01 UTC
_BLOCK = 4 * 1024 * 1024


def make_records(folder: Path) -> None:
    """Fill ``folder`` with the records; an earlier try that was cut short is completed."""
    _small(folder / "files")
    _big(folder / "scans" / "archive-1998.img")
    _awkward(os.fsencode(folder / "awkward"))


def _small(folder: Path) -> None:
    pool = random.Random(1998).randbytes(64 * 1024).hex().encode()  # noqa: S311 - content of a sample, no secret
    number = 0
    for shelf in range(100):
        where = os.fsencode(folder / f"{1999 + shelf % 25}" / f"shelf-{shelf:03d}")
        os.makedirs(where, exist_ok=True)  # noqa: PTH103 - paths are bytes here, for speed and for awkward names
        for _ in range(SMALL // 100):
            start = number * 13 % 90_000
            body = b"record %05d\n" % number + pool[start : start + 100 + number * 37 % 3000] + b"\n"
            _file(where + b"/record-%05d.txt" % number, body, number)
            number += 1


def _big(path: Path) -> None:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    path.parent.mkdir(parents=True, exist_ok=True)
    # A cipher's key stream is the fastest source of bytes that never repeat and are the same everywhere.
    stream = Cipher(algorithms.AES(b"pse sample bytes"), modes.CTR(bytes(16))).encryptor()
    zeros = bytes(_BLOCK)
    with path.open("wb") as file:
        for _ in range(BIG_MIB * 1024 * 1024 // _BLOCK):
            file.write(stream.update(zeros))
    _age(os.fsencode(path), 4000)


def _awkward(folder: bytes) -> None:
    os.makedirs(folder + b"/deep/er/and/deeper still", exist_ok=True)  # noqa: PTH103 - bytes
    os.makedirs(folder + b"/empty folder", exist_ok=True)  # noqa: PTH103 - bytes
    names = {
        b"empty": b"",
        b"name with  spaces .txt": b"spaces\n",
        b"two\nlines.txt": b"newline\n",
        b"not-utf8-\xff\xfe\xe9.txt": b"invalid UTF-8\n",
        b"-rf": b"looks like an option\n",
        b"*": b"looks like a pattern\n",
        b"back\\slash 'quote' \"double\" $HOME `id`": b"shell\n",
        b"\xd8\xb1\xdb\x8c\xda\xa9\xd8\xa7\xd8\xb1\xda\x88.txt": b"Urdu\n",
        b"n" * 250 + b".txt": b"long name\n",
        b"=1+1.csv": b"looks like a formula\n",
        b"deep/er/and/deeper still/leaf": b"leaf\n",
        b"hard-1": b"one inode, three names\n",
    }
    for number, (name, body) in enumerate(names.items()):
        _file(folder + b"/" + name, body, number)
    for name in (b"hard-2", b"deep/hard-3"):
        _again(folder + b"/" + name)
        os.link(folder + b"/hard-1", folder + b"/" + name)
    links = {
        b"link": b"name with  spaces .txt",
        b"link-up": b"../files",
        b"link-absolute": b"/srv/records/awkward/empty",
        b"link-nowhere": b"no such file",
        b"link-loop": b"link-loop",
        b"link\nnewline": b"two\nlines.txt",
    }
    for name, target in links.items():
        _again(folder + b"/" + name)
        os.symlink(target, folder + b"/" + name)  # noqa: PTH211 - bytes
        os.utime(folder + b"/" + name, ns=(_FIRST_NS, _FIRST_NS), follow_symlinks=False)
    with open(folder + b"/sparse.img", "wb") as file:
        file.truncate(SPARSE_MIB * 1024 * 1024)
        for at in (0, 20 * 1024 * 1024 + 17, SPARSE_MIB * 1024 * 1024 - 5):
            file.seek(at)
            file.write(b"data!")
    _age(folder + b"/sparse.img", 12)
    for name, mode in ((b"empty", 0o600), (b"-rf", 0o444), (b"*", 0o755)):
        os.chmod(folder + b"/" + name, mode)  # noqa: PTH101 - bytes
    _age(folder + b"/empty folder", 3)


def make_opendata(folder: Path) -> None:
    """Fill ``folder`` with the open-data site: a catalogue, a page and data sets."""
    folder.mkdir(parents=True, exist_ok=True)
    datasets = []
    for number in range(60):
        rows = "".join(
            f"2026-{1 + d % 12:02d}-{1 + d % 28:02d},{(number * 7919 + d * 31) % 10007}\n" for d in range(2000)
        )
        name = f"series-{number:02d}.csv"
        _file(os.fsencode(folder / name), b"day,value\n" + rows.encode(), number)
        datasets.append({"id": f"series-{number:02d}", "file": name, "licence": "open (sample)"})
    page = "<!doctype html><meta charset=utf-8><title>Open data (sample)</title><h1>Open data (sample)</h1>" + "".join(
        f'<p><a href="{d["file"]}">{d["id"]}</a>' for d in datasets
    )
    _file(os.fsencode(folder / "index.html"), page.encode(), 1)
    _file(os.fsencode(folder / "catalogue.json"), json.dumps({"sample": True, "datasets": datasets}).encode(), 1)


def _file(path: bytes, body: bytes, number: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(handle, body)
        moment = _FIRST_NS + number * _DAY_NS + number * 1_000_003
        os.utime(handle, ns=(moment, moment))
    finally:
        os.close(handle)


def _age(path: bytes, days: int) -> None:
    os.utime(path, ns=(_FIRST_NS + days * _DAY_NS, _FIRST_NS + days * _DAY_NS + 123_456_789))


def _again(path: bytes) -> None:
    if os.path.lexists(path):
        os.unlink(path)  # noqa: PTH108 - bytes
