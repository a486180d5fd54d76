"""Sizes by what was measured over time: which figure counts, how sure it is, and what is said where it is not."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from blueprints.planning.making import draft_plan
from blueprints.sizing.sizes import size_of, stars_of
from pse.core.documents.offers import Offer, OfferKind
from pse.core.documents.sizing import Constraints, SizingSettings
from pse.core.documents.snapshot import Nic
from pse.core.documents.usage import Usage, load_usage
from pse.core.errors import BadInput
from pse.core.settings import Workspace
from tests.blueprints.estates import estate, inputs, ministry_estate, server, workload
from tests.blueprints.test_blueprints_shapes import demand
from tests.blueprints.test_blueprints_sizing import storage_name

COMFORT = Decimal("1.3")
HEAD = "host,first,last,coverage,cpu_p95,cpu_peak,memory_p95,iops_p95,network_mbps_p95,logins,cpu_performance,source\n"
MEASURED = "payments,2026-08-01,2026-10-31,90,40,80,50,1000,3,2,,Sample monitoring\n"


def usage(**words: object) -> Usage:
    usual: dict[str, object] = {"host": "a", "first": "2026-08-01", "last": "2026-10-31", "coverage": "100"}
    return msgspec.convert({**usual, **words}, Usage, strict=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    return Workspace(tmp_path)


@pytest.mark.parametrize(("use", "vcpus"), [("peak", 17), ("p95", 9)])
def test_peak_or_p95_counts_as_the_settings_say(use: str, vcpus: int) -> None:
    found = size_of(
        server("a", vcpus=16),
        comfort=COMFORT,
        usage=usage(cpu_p95="40", cpu_peak="80"),
        settings=SizingSettings(use=use),  # type: ignore[arg-type]  # a parameter of the test is any text
    )
    assert found.vcpus == vcpus  # 16 x 0.8 x 1.3 = 16.64, and 16 x 0.4 x 1.3 = 8.32
    assert use in found.why


def test_the_other_figure_stands_in_and_says_so() -> None:
    found = size_of(server("a", vcpus=16), comfort=COMFORT, usage=usage(cpu_p95="40"))
    assert found.vcpus == 9
    assert "p95, no peak was measured" in found.why


def test_what_was_measured_over_time_wins_over_an_import() -> None:
    one = server("a", vcpus=10, cpu_peak=0.9)
    assert size_of(one, comfort=Decimal(1), usage=usage(cpu_peak="20")).vcpus == 2
    assert size_of(one, comfort=Decimal(1), usage=usage(memory_peak="20")).vcpus == 9


def test_a_slower_cpu_of_today_needs_fewer_of_the_reference() -> None:
    found = size_of(
        server("a", vcpus=16), comfort=Decimal(1), usage=usage(cpu_peak="50", cpu_performance="0.5", source="x")
    )
    assert found.vcpus == 4
    assert not found.unscored
    assert size_of(server("a", vcpus=16), comfort=Decimal(1), usage=usage(cpu_peak="50")).unscored


def test_a_poor_measurement_goes_no_lower_than_the_floor() -> None:
    poor = size_of(server("a", vcpus=16, cpu_peak=0.05), comfort=COMFORT)  # a peak of nobody knows which days
    assert poor.vcpus == 8
    assert "floor" in poor.why
    trusting = SizingSettings(floor_percent=0)
    assert size_of(server("a", vcpus=16, cpu_peak=0.05), comfort=COMFORT, settings=trusting).vcpus == 2


@pytest.mark.parametrize(("coverage", "vcpus"), [("100", 2), ("41", 2), ("40", 8), ("0", 8)])
def test_a_window_that_was_seen_is_trusted_for_itself(coverage: str, vcpus: int) -> None:
    seen = usage(coverage=coverage, cpu_peak="5")
    size = size_of(server("a", vcpus=16, memory_peak=0.1), comfort=COMFORT, usage=seen)
    assert size.vcpus == vcpus
    assert size.memory_mib == 2048  # half of 4096: the import's peak has no window


def test_the_floor_is_reckoned_in_the_same_cpus_as_the_need() -> None:
    slow = usage(coverage="10", cpu_peak="5", cpu_performance="0.5", source="x")
    assert size_of(server("a", vcpus=16), comfort=COMFORT, usage=slow).vcpus == 4  # half of 8 of the reference


@pytest.mark.parametrize(
    ("coverage", "metrics", "stars"),
    [("100", 5, 5), ("81", 5, 5), ("80", 5, 4), ("100", 4, 4), ("60", 5, 3), ("100", 2, 2), ("20", 5, 1), ("0", 5, 1)],
)
def test_stars_follow_the_share_of_data_that_is_there(coverage: str, metrics: int, stars: int) -> None:
    names = ("cpu_p95", "memory_peak", "iops_p95", "disk_mbps_p95", "network_mbps_p95")
    assert stars_of(usage(coverage=coverage, **dict.fromkeys(names[:metrics], "1"))) == stars


def test_a_peak_without_a_window_has_one_star() -> None:
    assert size_of(server("a", cpu_peak=0.5, memory_peak=0.5), comfort=COMFORT).stars == 1


def test_disks_that_are_too_slow_are_not_taken() -> None:
    classes = [
        Offer(id=n, place="p", kind=OfferKind.STORAGE, name=n, unit="GiB-month", price=Decimal(p), max_iops=i)
        for n, p, i in (("slow", "1", 500), ("fast", "3", 5000), ("unsaid", "9", 0))
    ]
    assert storage_name(classes, demand(iops=400)) == "slow"
    assert storage_name(classes, demand(iops=501)) == "fast"
    assert storage_name(classes, demand(iops=9000)) == "unsaid"
    assert storage_name(classes[:2], demand(iops=9000)) is None


def test_a_measured_server_is_sized_in_order_and_the_file_is_an_input(planned: Workspace) -> None:
    before = draft_plan(inputs(planned, ministry_estate()))
    planned.path("usage.csv").write_text(HEAD + MEASURED + "stranger,2026-08-01,2026-10-31,90,1,1,1,1,1,1,,\n")
    given = inputs(planned, ministry_estate())
    made = draft_plan(given)
    (payments,) = (s for s in made.units["portal"].servers if s.name == "payments")
    assert payments.stars == 4  # 90 % of the window, of CPU, memory, IOPS and network, not of throughput
    steps = [payments.why.index(word) for word in ("disks: ", "1300 IOPS", "compute: ", "confidence: 4 stars of 5")]
    assert steps == sorted(steps)
    codes = {finding.code for finding in made.findings}
    assert {"PSE-B064", "PSE-B065"} <= codes
    assert not {"PSE-B064", "PSE-B065"} & {finding.code for finding in before.findings}
    assert given.usages.hash
    assert all(s.stars == 1 for s in before.units["portal"].servers)


@pytest.mark.parametrize(
    ("constraints", "codes", "shape"),
    [
        ("zones = 2\nboot = 'uefi'\niops = 100", {"PSE-B061", "PSE-B062", "PSE-B063"}, True),
        ("gpus = 1", {"PSE-B002"}, False),
        ("generations = ['m7*']", {"PSE-B002"}, False),
        ("dedicated = true", {"PSE-B002"}, False),
        ("most_gib_per_vcpu = '0.5'", {"PSE-B002"}, False),
        ("nics = 2", {"PSE-B061", "PSE-B063"}, True),
    ],
)
def test_a_constraint_is_kept_or_said(planned: Workspace, constraints: str, codes: set[str], shape: bool) -> None:
    with planned.path("workloads.toml").open("a") as file:
        file.write(f"\n[workload.extra.host.extra.constraints]\n{constraints}\n")
    planned.path("policy", "labels.toml").write_text('[[label]]\ncategory = "restricted"\nhosts = ["*"]\n')
    one = server("extra")
    cards = tuple(
        Nic(server=one.id, name=name, mac=f"02:00:00:00:00:0{number}", addresses=(f"192.0.2.{number}",))
        for number, name in enumerate(("eth0", "eth1", "docker0"))
    )
    made = draft_plan(inputs(planned, estate((one,), (workload("extra"),), nics=cards)))
    assert codes <= {finding.code for finding in made.findings}
    assert ("extra" in made.units) is shape


def test_servers_of_a_role_are_kept_apart_where_the_adapter_can(planned: Workspace) -> None:
    with planned.path("workloads.toml").open("a") as file:
        file.write("\n[workload.extra.host.extra.constraints]\napart = true\n")
    planned.path("policy", "labels.toml").write_text('[[label]]\ncategory = "restricted"\nhosts = ["*"]\n')
    given = inputs(planned, estate((server("extra"),), (workload("extra"),)))
    refused = draft_plan(given)
    assert any("makes no Server.apart" in f.message for f in refused.findings if f.code == "PSE-B002")
    made = draft_plan(msgspec.structs.replace(given, abilities={}))  # of places whose adapters make everything
    assert [s.apart for s in made.units["extra"].servers] == ["server"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("host,first,last,coverage,cpu\n", "unknown column 'cpu'"),
        ("host,first,last\n", "no column coverage"),
        (HEAD + MEASURED + MEASURED, "payments is there twice"),
        (HEAD + MEASURED.replace(",40,", ",dear,"), "cpu_p95 is not a number"),
        (HEAD + MEASURED.replace(",40,", ",140,"), "cpu_p95 is more than 100"),
        (HEAD + MEASURED.replace("2026-08-01", "2026-13-01"), "cannot be used"),
        (HEAD + MEASURED.replace("2026-08-01", "2027-01-01"), "ends before it begins"),
        (HEAD + MEASURED.replace(",2,,Sample monitoring", ",2,1.5,"), "needs the source"),
        (HEAD + MEASURED.replace("monitoring", "monitoring,more"), "more cells"),
    ],
)
def test_a_table_of_use_that_cannot_be_is_refused_by_its_row(workspace: Workspace, text: str, words: str) -> None:
    workspace.path("usage.csv").write_text(text)
    with pytest.raises(BadInput, match=words) as refused:
        load_usage(workspace)
    assert "usage.csv:" in refused.value.where


def test_no_table_of_use_changes_nothing(workspace: Workspace) -> None:
    assert load_usage(workspace).hash == ""


def test_ratios_that_no_shape_has_are_refused() -> None:
    with pytest.raises(ValueError, match="less than"):
        Constraints(least_gib_per_vcpu=Decimal(4), most_gib_per_vcpu=Decimal(2))
