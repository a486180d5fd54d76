"""Moves as workloads.toml declares them."""

from pse.core.canonical import encode
from pse.core.settings import Workspace
from tests.blueprints.estates import draft, ministry_estate


def test_a_declared_disk_moves_by_blocks_and_other_moves_say_nothing_of_disks(planned: Workspace) -> None:
    words = planned.path("workloads.toml")
    words.write_text(words.read_text() + '\n[workload.records.host.records.blocks]\n"/dev/vdb" = "/srv/images/vdb"\n')
    moves = {move.kind: move for move in draft(planned, ministry_estate()).units["records"].moves}
    disk = moves["blocks"]
    assert (disk.id, disk.paths, disk.onto) == ("records-records-blocks-vdb", ("/dev/vdb",), "/srv/images/vdb")
    # Plans of before there were such moves keep their hashes.
    assert b"onto" not in encode(moves["files"])
