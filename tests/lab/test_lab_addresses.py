"""Address ranges: many workspaces side by side, none in another's way."""

import json
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.lab.addresses import Addresses, port_of
from pse.core.errors import RemoteError


@pytest.fixture(autouse=True)
def own_leases(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))


@pytest.fixture
def many(tmp_path: Path) -> list[Addresses]:
    made = []
    for number in range(12):
        (tmp_path / str(number)).mkdir()
        made.append(Addresses(tmp_path / str(number)))
    return made


def test_workspaces_that_start_at_once_get_ranges_of_their_own(many: list[Addresses]) -> None:
    with ThreadPoolExecutor(12) as pool:
        taken = list(pool.map(lambda a: a.take("web"), many))
    assert len({address.rpartition(".")[0] for address in taken}) == len(many)


def test_a_host_keeps_its_address_and_a_freed_one_is_given_again(many: list[Addresses]) -> None:
    first = many[0].take("web")
    second = many[0].take("db")
    assert first != second
    assert many[0].take("web") == first
    many[0].free("web")
    many[0].free("web")
    assert many[0].take("other") == first


def test_threads_of_one_workspace_never_share_an_address(many: list[Addresses]) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: many[0].take(f"host-{n}"), range(24)))
    assert len(set(taken)) == 24


def test_a_released_range_is_taken_again_by_its_workspace(many: list[Addresses]) -> None:
    address = many[0].take("web")
    many[0].release()
    assert many[0].take("web") == address


def test_a_range_that_went_to_another_workspace_is_left_to_it(tmp_path: Path, many: list[Addresses]) -> None:
    address = many[0].take("web")
    many[0].release()
    table = tmp_path / "1" / ".pse" / "lab" / "addresses.json"
    table.parent.mkdir(parents=True)
    shutil.copy(tmp_path / "0" / ".pse" / "lab" / "addresses.json", table)
    assert many[1].take("web") == address  # it asks for that very range first
    old, new = many[0].renew()
    assert old == address.rpartition(".")[0] != new
    assert many[0].take("web").startswith(new + ".")


def test_a_lease_ends_with_its_workspace(tmp_path: Path, many: list[Addresses]) -> None:
    address = many[0].take("web")
    table = (tmp_path / "0/.pse/lab/addresses.json").read_bytes()
    shutil.rmtree(tmp_path / "0")
    other = tmp_path / "1/.pse/lab/addresses.json"
    other.parent.mkdir(parents=True)
    other.write_bytes(table)
    assert many[1].take("web") == address


def test_a_range_where_something_listens_is_not_given_out(tmp_path: Path, many: list[Addresses]) -> None:
    address = many[0].take("web")
    many[0].release()
    with socket.create_server((address.rpartition(".")[0] + ".99", 0)):
        assert many[0].renew()[1] != address.rpartition(".")[0]


def test_a_full_range_is_said(tmp_path: Path, many: list[Addresses]) -> None:
    many[0].take("first")
    table = tmp_path / "0/.pse/lab/addresses.json"
    full = {f"host-{number}": number for number in range(2, 251)}
    table.write_text(json.dumps({"range": many[0].range(), "hosts": full}), encoding="ascii")
    assert many[0].take("host-250").endswith(".250")
    with pytest.raises(RemoteError, match="no lab address is left"):
        many[0].take("one-more")


@given(st.integers(0, 21_999), st.integers(0, 21_999))
def test_ports_of_two_ranges_differ_and_are_never_the_kernels_own(one: int, two: int) -> None:
    ports = [port_of(f"127.{16 + n // 256}.{n % 256}") for n in (one, two)]
    assert (ports[0] == ports[1]) == (one == two)
    assert all(1024 < port < 32_768 for port in ports)
