"""Canonical JSON: same value, same bytes; what is written is read; a failed write leaves the old file."""

import ctypes
import errno
import os
import stat
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pse.core import canonical
from pse.core.errors import BadInput

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    price: Decimal | None = None


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_the_order_of_a_mapping_does_not_matter(value: dict[str, object]) -> None:
    turned = dict(reversed(list(value.items())))
    assert canonical.encode(value) == canonical.encode(turned)
    assert canonical.hash_of(value) == canonical.hash_of(turned)


@given(JSON)
def test_what_is_encoded_is_decoded(value: object) -> None:
    assert msgspec.json.decode(canonical.encode(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_money_survives_exactly(price: Decimal) -> None:
    line = Line(name="a", price=price)
    assert canonical.decode(canonical.encode(line), Line, where="x") == line
    assert f'"{price}"'.encode() in canonical.encode(line)


def test_the_form_is_one_space_and_a_newline() -> None:
    assert canonical.encode({"b": 1, "a": [True]}) == b'{\n "a": [\n  true\n ],\n "b": 1\n}\n'


def test_what_is_not_the_document_names_file_and_path() -> None:
    with pytest.raises(BadInput, match=r"plan\.json: not a readable Line: .*\$\.name"):
        canonical.decode(b'{"name": 3}', Line, where="plan.json")
    with pytest.raises(BadInput, match="not a readable Line"):
        canonical.decode(b"{", Line, where="plan.json")


def test_write_returns_the_hash_of_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    assert canonical.write(path, Line(name="a"), mode=0o600) == canonical.digest(path.read_bytes())
    assert path.stat().st_mode & 0o777 == 0o600
    assert canonical.read(path, Line) == Line(name="a")
    assert [entry.name for entry in path.parent.iterdir()] == ["a.json"]


def test_a_full_disk_keeps_the_old_file_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    canonical.write(path, {"old": True})

    def full(handle: int) -> None:
        del handle
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(BadInput, match="No space left"):
            canonical.write(path, {"new": True})
    assert canonical.read_bytes(path) == canonical.encode({"old": True})
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        canonical.read(tmp_path / "none.json", Line)


def test_what_has_no_end_is_not_read_and_a_pipe_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (Path("/dev/zero"), tmp_path):
        with pytest.raises(BadInput, match="cannot be read"):
            canonical.read_bytes(path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(BadInput, match="nobody writes"):
        canonical.read_bytes(pipe)
    reader, writer = os.pipe()
    os.write(writer, b"labels")
    os.close(writer)
    assert canonical.read_bytes(Path(f"/dev/fd/{reader}")) == b"labels"
    os.close(reader)
    monkeypatch.setattr(canonical, "MOST_BYTES", 4)
    (tmp_path / "large").write_bytes(b"12345")
    with pytest.raises(BadInput, match="more than"):
        canonical.read_bytes(tmp_path / "large")


def test_a_device_or_a_folder_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (tmp_path, pipe):
        with pytest.raises(BadInput, match="not a file"):
            canonical.write_bytes(place, b"x")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert tmp_path.is_dir()


def test_many_files_are_replaced_together_or_none_is(tmp_path: Path) -> None:
    files = {tmp_path / str(number % 3) / f"{number}.json": b"new" for number in range(40)}
    canonical.write_many(files)
    assert {path: path.read_bytes() for path in files} == files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o644}
    (tmp_path / "2" / "folder.json").mkdir()
    with pytest.raises(BadInput, match="not a file"):
        canonical.write_many({**dict.fromkeys(files, b"newer"), tmp_path / "2" / "folder.json": b"x"})
    assert {path: path.read_bytes() for path in files} == files
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == files.keys()


def test_many_files_that_the_disk_does_not_take_keep_the_old_ones(tmp_path: Path) -> None:
    files = {tmp_path / f"{number}.json": b"old" for number in range(40)}
    canonical.write_many(files)

    class Failing:
        def syncfs(self, handle: int) -> int:
            del handle
            ctypes.set_errno(errno.EIO)
            return -1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canonical, "_LIBC", Failing())
        with pytest.raises(BadInput, match="Input/output error"):
            canonical.write_many(dict.fromkeys(files, b"new"))
        # A C library without the call: each is flushed by itself.
        patch.setattr(canonical, "_LIBC", object())
        canonical.write_many(dict.fromkeys(files, b"newer"))
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"newer"}
    assert len(list(tmp_path.iterdir())) == len(files)
