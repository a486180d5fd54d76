"""What this machine lacks for the lab is told before any work begins, with the line to run."""

from pathlib import Path

import pytest

from blueprints.building.provision import ensure, preview, up
from blueprints.planning.bundle import Bundle
from providers.lab import sandbox
from pse.core.errors import MissingTool
from pse.core.progress import Event
from pse.core.settings import Workspace
from tests.require import require


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, **texts: str) -> None:
    """Let the lab find these programs, and no others."""
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setattr(sandbox, "_SEARCH", str(folder))


def test_without_bubblewrap_nothing_begins(
    planned: Workspace, ministry_plan: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path / "bin", monkeypatch)
    begun: list[Event] = []
    told: list[Event] = []

    def begin(event: Event) -> None:
        begun.append(event)

    def tell(event: Event) -> None:
        told.append(event)

    for act in (
        lambda: up(planned, ministry_plan, progress=begin),
        lambda: ensure(planned, ministry_plan, "portal"),
    ):
        with pytest.raises(MissingTool, match="the lab needs bwrap") as caught:
            act()
        assert caught.value.hint == "Run `apt-get install bubblewrap openssh-server` as root."
    assert begun == []
    assert not (planned.private / "lab" / "places").exists()
    found = preview(planned, ministry_plan, offline=True, units=("portal",), progress=tell)
    assert found.units
    assert [event.message for event in told if event.message.startswith("warning: `pse up` will stop: the lab needs")]


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "-w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
        ("none", "", "--security-opt seccomp=unconfined"),
    ],
)
def test_forbidden_sandboxes_are_told_with_the_line_that_permits_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    says = "echo 'bwrap: No permissions to create new namespace' >&2; exit 1"
    programs(tmp_path / "bin", monkeypatch, bwrap=says, setsid="", sshd="")
    (tmp_path / "sys" / name).parent.mkdir(parents=True)
    (tmp_path / "sys" / name).write_text(f"{value}\n")
    monkeypatch.setattr(sandbox, "_SYSCTL", tmp_path / "sys")
    with pytest.raises(MissingTool, match="No permissions to create new namespace") as caught:
        sandbox.ready()
    assert line in caught.value.hint


def test_where_sandboxes_can_be_made_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    require("bwrap", "setsid", "sshd")
    sandbox.ready()
