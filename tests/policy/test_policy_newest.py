"""Older registers and NOCs, however truly they were signed, are not believed until they are signed anew."""

from pathlib import Path

import pytest

from policy.nocs import load_nocs, sign_nocs
from policy.register import load_register, sign_register
from pse.core.errors import Refused
from pse.core.settings import Workspace
from tests.policy.house import noc

Files = dict[Path, bytes]


def files(workspace: Workspace, name: str) -> Files:
    paths = (workspace.path("policy", name), workspace.path("policy", f"{name}.sig"))
    return {path: path.read_bytes() for path in paths}


def put(kept: Files) -> None:
    for path, data in kept.items():
        path.write_bytes(data)


def changed(workspace: Workspace, old: str, new: str) -> Files:
    path = workspace.path("policy", "register.toml")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    sign_register(workspace)
    return files(workspace, "register.toml")


def keyless(workspace: Workspace) -> None:
    (workspace.private / "signing_key").unlink()


def test_register_that_was_followed_by_another_is_refused_without_the_key(house: Workspace) -> None:
    old = files(house, "register.toml")
    new = changed(house, "accredited", "suspended")
    keyless(house)
    put(old)
    with pytest.raises(Refused, match="older one was put back"):
        load_register(house)
    put(new)
    assert load_register(house).places


def test_register_that_is_signed_anew_counts_again(house: Workspace) -> None:
    old = files(house, "register.toml")
    new = changed(house, "accredited", "suspended")
    put(old)
    sign_register(house)
    assert load_register(house).places
    put(new)
    with pytest.raises(Refused, match="older one was put back"):
        load_register(house)


def test_register_from_elsewhere_is_taken_when_it_is_newer_and_refused_when_it_was_issued_before(
    house: Workspace,
) -> None:
    mark = house.private / "locks" / "register.toml.mark"
    at_first = mark.read_bytes()
    older = changed(house, "issued = 2026-01-01", "issued = 2025-01-01")
    newer = changed(house, "issued = 2025-01-01", "issued = 2026-06-01")
    mark.write_bytes(at_first)  # both were signed where this workspace did not see it
    put(older)
    with pytest.raises(Refused, match="issued on 2025-01-01, and one of 2026-01-01 was seen here"):
        load_register(house)
    put(newer)
    load_register(house)
    assert b"2026-06-01" in mark.read_bytes()


def test_altered_mark_is_refused(house: Workspace) -> None:
    mark = house.private / "locks" / "register.toml.mark"
    mark.write_bytes(mark.read_bytes().replace(b"2026", b"2025"))
    with pytest.raises(Refused, match=r"register\.toml\.mark"):
        load_register(house)


def test_nocs_that_were_taken_away_do_not_come_back_by_themselves(house: Workspace) -> None:
    path = house.path("policy", "nocs.toml")
    path.write_text(noc())
    sign_nocs(house)
    granted = files(house, "nocs.toml")
    assert load_nocs(house).noc
    for _ in range(2):
        path.unlink()
        assert not load_nocs(house).noc
        put(granted)
        with pytest.raises(Refused, match="older one was put back"):
            load_nocs(house)
        sign_nocs(house)
        assert load_nocs(house).noc
