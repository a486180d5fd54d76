"""Use that other tools measured: what of it comes into ``usage.csv``, and which row of a host counts."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from inventory.importers import import_file
from inventory.listing import whole_of
from inventory.use import SOURCE, take_usage
from pse.core.documents.usage import Usage, load_usage
from pse.core.settings import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "pse.toml").write_text('entity = "Sample"\n', encoding="utf-8")
    return Workspace(tmp_path)


def collected(folder: Path, rows: list[str]) -> Path:
    folder.mkdir()
    (folder / "vmInfo.csv").write_text(
        "MachineId,MachineName,AllocatedProcessorCoreCount,MemoryGiB\nm-1,web01,2,4\nm-2,db01,2,4\n", "utf-8"
    )
    head = "MachineId,TimeStamp,CpuUtilizationPercentage,MemoryUtilizationPercentage,"
    head += "DiskReadOperationsPerSec,DiskWriteOperationsPerSec,NetworkBytesPerSecSent,NetworkBytesPerSecReceived"
    (folder / "perfInfo.csv").write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return folder / "vmInfo.csv"


def test_points_in_time_are_a_window_with_its_coverage(workspace: Workspace, tmp_path: Path) -> None:
    rows = [f"m-1,2026-09-0{1 + n // 24} {n % 24:02}:00:00,{n},50,100,50,1000000,2000000" for n in range(100) if n != 7]
    import_file(workspace, collected(tmp_path / "gcp", rows))
    (row,) = load_usage(workspace).of.values()
    assert (row.host, row.first, row.last) == ("web01", date(2026, 9, 1), date(2026, 9, 5))
    assert (row.cpu_p50, row.cpu_p95, row.cpu_peak) == (Decimal(50), Decimal(95), Decimal(99))
    assert row.coverage == 99
    assert row.memory_p95 == 50
    assert row.iops_p95 is not None
    assert 150 <= row.iops_p95 <= 165, "reads and writes together, told at most a tenth too high"
    assert row.network_mbps_peak is not None
    assert Decimal("3.0") <= row.network_mbps_peak <= Decimal("3.3")
    assert row.source == "pse import google-migration-center:vmInfo.csv"
    assert whole_of(workspace, "web01").usage == row
    assert whole_of(workspace, "db01").usage is None


def test_figures_without_a_window_are_of_no_coverage_and_say_so(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "ads.csv"
    path.write_text(
        "ExternalId,HostName,CPU.NumberOfLogicalCores,RAM.TotalSizeInMB,CPU.UsagePct.Max,DiskReadsOpsPerSecond.Max,"
        "DiskWritesOpsPerSecond.Max,DiskReadsPerSecondInKB.Max\n1,a,2,4096,60.5,300,200,1500\n2,b,2,4096,10,,,\n",
        "utf-8",
    )
    import_file(workspace, path)
    (row,) = load_usage(workspace).of.values()
    assert (row.host, row.coverage, row.cpu_peak, row.iops_peak) == ("a", Decimal(0), Decimal("60.5"), Decimal(500))
    assert row.disk_mbps_peak == Decimal("1.5")
    assert row.source.endswith("window not given")


def usage(source: str, day: int, coverage: int = 90, cpu: int = 10) -> Usage:
    last = date(2026, 11, day)
    return Usage(host="a", first=last, last=last, coverage=Decimal(coverage), cpu_peak=Decimal(cpu), source=source)


@pytest.mark.parametrize(
    ("there", "new", "counts"),
    [
        (usage("Monitoring", 1), usage("pse import x", 9), "Monitoring"),
        (usage("pse import x", 1), usage("pse import y", 9), "pse import y"),
        (usage("pse import x", 9), usage("pse import y", 1), "pse import x"),
        (usage(SOURCE, 5, 90), usage("pse import y", 5, 0), SOURCE),
        (usage("pse import x", 5), usage("pse import x", 5), "pse import x"),
    ],
)
def test_peoples_rows_stay_and_of_ours_the_newest_counts(
    workspace: Workspace, there: Usage, new: Usage, counts: str
) -> None:
    if there.source == "Monitoring":
        workspace.path("usage.csv").write_text(
            "host,first,last,coverage,source\na,2026-11-01,2026-11-01,90,Monitoring\n", "utf-8"
        )
    else:
        take_usage(workspace, [there])
    take_usage(workspace, [new])
    assert load_usage(workspace).of["a"].source == counts


def test_points_that_cannot_be_read_cost_no_machine(workspace: Workspace, tmp_path: Path) -> None:
    rows = ["m-1,yesterday,5,x,,,,", "m-1,,900,-3,nan,inf,1e300,", "m-9,2026-09-01 00:00:00,1,1,1,1,1,1"]
    done = import_file(workspace, collected(tmp_path / "gcp", rows))
    assert done.servers == 2
    (row,) = load_usage(workspace).of.values()
    assert (row.coverage, row.cpu_peak) == (Decimal(0), Decimal(100))


def test_a_rate_beyond_all_machines_makes_no_file_that_nobody_can_read(workspace: Workspace, tmp_path: Path) -> None:
    rows = ["m-1,2026-09-01 00:00:00,5,5,8000000000000000,8000000000000000,8e15,8e15"]
    import_file(workspace, collected(tmp_path / "gcp", rows))
    (row,) = load_usage(workspace).of.values()
    assert row.iops_peak == 999_999_999_999


def test_a_window_in_the_future_is_none(workspace: Workspace, tmp_path: Path) -> None:
    import_file(workspace, collected(tmp_path / "gcp", ["m-1,2999-09-01 00:00:00,5,5,1,1,1,1"]))
    (row,) = load_usage(workspace).of.values()
    assert row.last.year < 2999
    assert row.coverage == 0


def test_two_servers_of_one_name_get_what_either_needs(workspace: Workspace) -> None:
    busy, quiet = usage("pse import x", 5, 90, cpu=80), usage("pse import x", 6, 50, cpu=3)
    take_usage(workspace, [busy, quiet])
    row = load_usage(workspace).of["a"]
    assert (row.cpu_peak, row.coverage, row.last) == (Decimal(80), Decimal(50), date(2026, 11, 5))
