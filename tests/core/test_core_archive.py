"""Archives: one spelling for the same members, and whatever else a zip file can say is found."""

import io
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pse.core.archive import pack, unpack

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}(/[a-z0-9][a-z0-9.-]{0,9}){0,2}", fullmatch=True)
MEMBERS = st.dictionaries(NAMES, st.binary(max_size=60), max_size=6)


@given(MEMBERS)
def test_what_is_packed_comes_out_and_its_order_does_not_matter(members: dict[str, bytes]) -> None:
    data = pack(members)
    opened = unpack(data)
    assert (opened.members, opened.wrong) == (members, ())
    assert pack(dict(reversed(members.items()))) == data


@given(st.binary(max_size=300), MEMBERS)
def test_no_bytes_make_it_fail(noise: bytes, members: dict[str, bytes]) -> None:
    assert unpack(noise).wrong
    data = pack(members)
    half = len(data) // 2
    for mixed in (data + noise, noise + data, data[:half] + noise + data[half:]):
        assert bool(unpack(mixed).wrong) is (mixed != data)


def _dated(archive: zipfile.ZipFile) -> None:
    archive.writestr(zipfile.ZipInfo("a", (2026, 1, 1, 0, 0, 0)), b"x")


def _commented(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("a")
    info.comment = b"approved"
    archive.writestr(info, b"x")


def _extra(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("a")
    info.extra = b"\x99\x99\x02\x00ab"
    archive.writestr(info, b"x")


def _link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("a")
    info.external_attr = 0o120777 << 16
    archive.writestr(info, b"/etc/passwd")


def _folder(archive: zipfile.ZipFile) -> None:
    archive.writestr(zipfile.ZipInfo("a/"), b"")


def _packed(archive: zipfile.ZipFile) -> None:
    archive.writestr("a", b"x" * 10_000_000, compress_type=zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize("write", [_dated, _commented, _extra, _link, _folder, _packed])
def test_another_way_to_say_the_same_is_found(write: Callable[[zipfile.ZipFile], None]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        write(archive)
    assert unpack(out.getvalue()).wrong


def test_members_that_share_their_bytes_are_refused_before_they_fill_the_memory() -> None:
    data = pack({"a": b"x" * 1000, "b": b""})
    # The directory's second entry is led to the first one's content, which it then has, too.
    at = data.rindex(b"PK\x01\x02")
    forged = bytearray(data)
    forged[at + 16 : at + 28] = data[data.index(b"PK\x01\x02") + 16 :][:12]
    forged[at + 42 : at + 46] = bytes(4)
    assert unpack(bytes(forged)).wrong
