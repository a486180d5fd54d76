"""What a new snapshot takes away is said: no row makes a live server vanish, and nothing gets looser in silence."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from inventory.estate import Estate
from inventory.store import record
from pse.core.documents.snapshot import Server, Sighting
from pse.core.findings import Finding, Severity
from pse.core.settings import Workspace

UUID = "4c4c4544-0042-3510-8053-b4c04f4e3332"
MAC = "52:54:00:00:00:01"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "labels.toml").write_text(
        '[[label]]\ncategory = "restricted"\ntags = ["data=restricted"]\n'
        '[[label]]\ncategory = "public"\nhosts = ["*"]\n'
    )
    return Workspace(tmp_path)


def seen(source: str, name: str, *tags: str, template: bool = False, **identity: str) -> Sighting:
    return Sighting(
        source=source,
        seen=datetime(2026, 11, 1, tzinfo=UTC),
        identity=identity,
        server=Server(id="", hostname=name, sources=(source,), tags=tags, is_template=template),
    )


def codes(estate: Estate) -> dict[str, str]:
    return {f.code: f.subject for f in estate.manifest.findings}


LIVE = seen("ssh:payments", "payments", uuid=UUID, macs=MAC)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_row_that_calls_a_live_server_a_template_changes_nothing_and_is_an_error(
    workspace: Workspace, turn: int
) -> None:
    row = seen("rvtools:f#vInfo:2", "portal-old", template=True, uuid=UUID, macs=MAC)
    for sighting in (LIVE, row)[::turn]:
        estate = record(workspace, [sighting])
    assert {s.hostname for s in estate.servers if not s.is_template} == {"payments"}
    assert [w.id for w in estate.workloads] == ["payments"]
    (finding,) = (f for f in estate.manifest.findings if f.code == "PSE-I011")
    assert (finding.severity, finding.subject) == (Severity.ERROR, "payments")
    assert "rvtools:f#vInfo:2" in finding.message


def test_a_server_that_is_no_more_is_said(workspace: Workspace) -> None:
    row = seen("rvtools:f#vInfo:2", "portal", machine_id="a" * 32)
    record(workspace, [LIVE, row], replaces="rvtools:f#")
    assert not codes(record(workspace, [row], replaces="rvtools:f#"))
    assert codes(record(workspace, [], replaces="rvtools:f#")) == {"PSE-I012": "portal"}


def test_a_workload_that_would_be_looser_is_said(workspace: Workspace) -> None:
    strict = msgspec.structs.replace(LIVE, server=msgspec.structs.replace(LIVE.server, tags=("data=restricted",)))
    assert not codes(record(workspace, [strict]))
    estate = record(workspace, [LIVE])
    assert codes(estate) == {"PSE-I013": "payments"}
    assert "looser than before" in estate.manifest.findings[0].message
    assert not codes(record(workspace, [strict]))


def test_what_an_import_left_out_stays_said_until_the_file_is_imported_again(workspace: Workspace) -> None:
    left = Finding(
        code="PSE-I020", severity=Severity.ERROR, subject="bigdb", message="left out", source="rvtools:f#vDisk:3"
    )
    record(workspace, [], replaces="rvtools:f#", said=[left])
    record(workspace, [], replaces="rvtools:g#")
    assert codes(record(workspace, [LIVE])) == {"PSE-I020": "bigdb"}
    assert not codes(record(workspace, [], replaces="rvtools:f#"))
