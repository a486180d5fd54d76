"""Snapshots of the lab: whole copies of volumes, and volumes that begin as one."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers.lab import snapshots
from providers.lab.account import Account
from providers.lab.files import copy_tree
from providers.ports import Made, PortError
from pse.core.errors import RemoteError
from pse.core.schema import AttachmentInputs, SnapshotInputs, SnapshotOutputs, VolumeInputs
from tests.lab.conftest import House


def volume(house: House, **changes: Any) -> Made:
    given = {"name": "data", "size_gib": 5, "storage_class": "ssd", **changes}
    return house.make("Volume", VolumeInputs(**given, **house.common))


def snapshot(house: House, disk: Made) -> Made:
    return house.make("Snapshot", SnapshotInputs(name="snap", volume=disk.id, **house.common))


def files(house: House, disk: Made) -> Path:
    return Account(house.target).volume(disk.id) / "data"


def test_a_volume_begins_as_a_snapshot_and_stands_for_itself(house: House) -> None:
    disk = volume(house)
    (files(house, disk) / "kept").write_text("as it was")
    (files(house, disk) / "kept").chmod(0o640)
    (files(house, disk) / "link").symlink_to("kept")
    (files(house, disk) / "same").hardlink_to(files(house, disk) / "kept")
    os.mkfifo(files(house, disk) / "pipe")
    made = snapshot(house, disk)
    assert isinstance(made.outputs, SnapshotOutputs)
    assert made.outputs.size_gib == 5
    (files(house, disk) / "kept").write_text("changed since")
    again = volume(house, name="again", snapshot=made.id)
    found = files(house, again)
    assert (found / "kept").read_text() == "as it was"
    assert (found / "kept").stat().st_mode & 0o777 == 0o640
    assert (found / "link").readlink() == Path("kept")
    assert (found / "same").samefile(found / "kept")
    assert (found / "pipe").is_fifo()
    house.store("Snapshot").delete(made.id)
    assert not Account(house.target).snapshot(made.id).exists()
    wanted = msgspec.structs.replace(again.inputs, size_gib=6)
    assert house.store("Volume").update(again.id, again.inputs, wanted).inputs == wanted
    assert (found / "kept").read_text() == "as it was"


def test_a_volume_at_a_server_is_copied_where_its_files_are(house: House) -> None:
    disk, server = volume(house), house.make("Server", house.server())
    house.make("Attachment", AttachmentInputs(name="a", server=server.id, volume=disk.id, mount="/srv", **house.common))
    (house.hosts.inside(server.id) / "srv" / "kept").write_text("at the server")
    made = snapshot(house, disk)
    again = volume(house, name="again", snapshot=made.id)
    assert (files(house, again) / "kept").read_text() == "at the server"


@pytest.mark.parametrize("times", [1, 100])
def test_a_volume_that_is_written_to_meanwhile_is_copied_again(
    house: House, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    disk = volume(house)
    (files(house, disk) / "log").write_text("0")
    written = iter(range(1, times + 1))

    def copied(source: Path, target: Path) -> None:
        copy_tree(source, target)
        if (number := next(written, None)) is not None:
            (source / "log").write_text(str(number))

    monkeypatch.setattr(snapshots, "copy_tree", copied)
    if times == 1:
        assert (Account(house.target).snapshot(snapshot(house, disk).id) / "data" / "log").read_text() == "1"
        return
    with pytest.raises(PortError) as caught:
        snapshot(house, disk)
    assert caught.value.reason == "in-use"
    assert house.store("Snapshot").list() == ()


def test_a_copy_cut_short_is_made_anew(house: House, tmp_path: Path) -> None:
    disk = volume(house)
    (files(house, disk) / "kept").write_text("whole")
    draft = tmp_path / "draft"
    draft.mkdir()
    (draft / "half").write_text("half")
    copy_tree(files(house, disk), draft)
    assert [path.name for path in draft.iterdir()] == ["kept"]
    with pytest.raises(RemoteError, match="whole"):
        copy_tree(tmp_path / "nothing", draft)
    assert not draft.exists()


def test_a_volume_smaller_than_its_snapshot_is_refused(house: House) -> None:
    made = snapshot(house, volume(house))
    with pytest.raises(PortError) as caught:
        volume(house, name="small", size_gib=4, snapshot=made.id)
    assert caught.value.reason == "invalid"


def test_a_snapshot_keeps_its_volume(house: House) -> None:
    disk = volume(house)
    snapshot(house, disk)
    with pytest.raises(PortError) as caught:
        house.store("Volume").delete(disk.id)
    assert caught.value.reason == "in-use"
