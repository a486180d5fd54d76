"""Tabs that a second process reads: the same rows, remarks and errors, whatever becomes of that process."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.imports import VDISK, VINFO, disks, vm
from inventory.importers import read_file, rvtools
from pse.core.errors import BadInput
from pse.core.tables import Table, header_of, opened
from pse.core.tables.ahead import Ahead, Job
from tests.inventory.bigbook import Sheet, write_book


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "export.xlsx"
    write_book(path, Sheet("vInfo", VINFO, (vm(i) for i in range(1500))), Sheet("vDisk", VDISK, disks(1500)))
    return path


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr("threading.active_count", lambda: 1)


def job(path: Path, name: str) -> Job:
    table: Table = next(table for table in opened(path) if table.name == name)
    header = header_of(table, bool)
    assert header is not None
    return table, header.number, header.names


def test_a_large_export_is_the_same_to_the_last_disk(book: Path, two: None, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = read_file(book)[2]
    monkeypatch.setattr(rvtools, "LEAST_BYTES", 0)
    forks = []
    fork = os.fork

    def counted() -> int:
        forks.append(1)
        return fork()

    monkeypatch.setattr(os, "fork", counted)
    together = read_file(book)[2]
    assert forks == [1]
    assert together.totals == alone.totals
    assert together.findings == alone.findings
    assert [(s.server, s.disks, s.identity) for s in together.sightings] == [
        (s.server, s.disks, s.identity) for s in alone.sightings
    ]


@pytest.mark.usefixtures("two")
def test_a_second_process_that_is_killed_costs_nothing_but_time(book: Path) -> None:
    jobs = (job(book, "vDisk"), job(book, "vInfo"))
    wanted = [list(table.rows(after, columns)) for table, after, columns in jobs]
    with closing(Ahead(jobs, apart=True)) as ahead:
        assert ahead._child
        os.kill(ahead._child, 9)
        assert [list(ahead.rows(number)) for number in (0, 1)] == wanted


@pytest.mark.usefixtures("two")
def test_what_is_damaged_is_told_as_ever(book: Path, tmp_path: Path) -> None:
    one = job(book, "vDisk")
    with book.open("r+b") as file:
        file.truncate(book.stat().st_size // 2)
    with closing(Ahead((one,), apart=True)) as ahead, pytest.raises(BadInput, match="not a workbook that can be read"):
        list(ahead.rows(0))


@pytest.mark.usefixtures("two")
def test_a_second_process_that_nobody_waits_for_is_ended(book: Path) -> None:
    with closing(Ahead((job(book, "vDisk"),), apart=True)) as ahead:
        child = ahead._child
    with pytest.raises(ChildProcessError):
        os.waitpid(child, 0)
