"""Adapters by entry point, and the CLI's ladder."""

import os
import stat
import threading
from pathlib import Path

import pytest

from providers import pulumi_cli, registry
from providers.places import Places
from pse.core.errors import BadInput, MissingTool, Refused
from pse.core.progress import Event
from tests.providers.house import HERE, REGISTER, House


def test_outside_adapter_is_found_by_its_entry_point(house: House) -> None:
    assert {"filecloud", "lab"} <= set(registry.names())
    assert registry.load("filecloud").name == "filecloud"


def test_unknown_adapter_is_told_with_those_that_are_there(house: House) -> None:
    with pytest.raises(BadInput, match="no provider is called 'nowhere'") as caught:
        registry.load("nowhere")
    assert "filecloud" in caught.value.hint


@pytest.mark.parametrize(
    ("imports", "error", "words"),
    [("boto3_that_is_not_there", ModuleNotFoundError, "boto3_that"), ("azure.nothing", MissingTool, r"azure")],
)
def test_only_a_missing_sdk_becomes_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, imports: str, error: type[Exception], words: str
) -> None:
    (tmp_path / "broken_adapter.py").write_text(f"import {imports}\n")
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pse.providers]\nbroken = broken_adapter:Broken\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(error, match=words):
        registry.load("broken")


def test_place_gives_its_adapter_and_a_sample_register_no_real_cloud(house: House) -> None:
    from policy.register import sign_register

    provider = Places(house.workspace).provider(HERE)
    assert provider.name == "filecloud"
    with pytest.raises(BadInput, match="no place"):
        Places(house.workspace).provider("no/such/place")
    path = house.root / "policy" / "register.toml"
    path.write_text(REGISTER.replace('"lab:north"', '"https://cloud.example"'))
    with pytest.raises(Refused):
        Places(house.workspace).provider(HERE)
    sign_register(house.workspace)
    with pytest.raises(Refused, match="is a real cloud"):
        Places(house.workspace).provider(HERE)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of its own with nothing but the shell's tools, and an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cat", "mkdir", "chmod", "cp", "sleep"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


GO = f"""
case "$1" in
env) echo go1.26.1 ;;
build) echo built >> "$PSE_TEST_LOG"
  while [ "$1" != -o ]; do shift; done
  printf '#!/bin/sh\\necho v{pulumi_cli.VERSION}\\n' > "$2"; chmod 755 "$2" ;;
*) cat go.mod > /dev/null ;;
esac
"""


def test_cli_on_path_is_used_when_it_is_the_pinned_one(tools: Path) -> None:
    program(tools / "pulumi", f"echo v{pulumi_cli.VERSION}")
    assert pulumi_cli.find() == tools / "pulumi"


def test_other_cli_on_path_is_ignored_with_a_warning_and_the_cache_used(tools: Path) -> None:
    program(tools / "pulumi", "echo v3.99.0")
    program(pulumi_cli.cache(), f"echo v{pulumi_cli.VERSION}")
    told: list[str] = []

    def listen(event: Event) -> None:
        told.append(event.message)

    assert pulumi_cli.find(progress=listen) == pulumi_cli.cache()
    assert "3.99.0" in told[0]
    assert "not used" in told[0]


def test_missing_cli_is_told_with_what_to_do(tools: Path) -> None:
    with pytest.raises(MissingTool, match=r"3\.250\.0 is not on this machine") as caught:
        pulumi_cli.find()
    assert "providers.pulumi_cli" in caught.value.hint
    assert caught.value.exit_code == 5


def test_every_rung_that_lacks_something_is_named(tools: Path) -> None:
    program(tools / "go", "echo go1.20.1")
    with pytest.raises(MissingTool, match=r"installer: curl is not .*Go build: Go is go1\.20\.1, older than 1\.25"):
        pulumi_cli.find(build=True)


def test_installer_that_fails_gives_way_to_the_go_build_which_runs_once(
    tools: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("PSE_TEST_LOG", str(log))
    program(tools / "curl", "exit 22")
    program(tools / "go", GO)
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(pulumi_cli.find(build=True))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [pulumi_cli.cache()] * 3
    assert log.read_text() == "built\n"
    assert pulumi_cli.version_of(pulumi_cli.cache()) == pulumi_cli.VERSION
    assert [path.name for path in pulumi_cli.cache().parent.iterdir() if not path.name.startswith(".")] == ["pulumi"]


def test_installer_is_used_when_it_works(tools: Path) -> None:
    script = f"""
while [ "$1" != --install-root ]; do shift; done
mkdir -p "$2/bin"; printf '#!/bin/sh\\necho v{pulumi_cli.VERSION}\\n' > "$2/bin/pulumi"; chmod 755 "$2/bin/pulumi"
"""
    program(tools / "curl", f'while [ "$1" != -o ]; do shift; done\ncat > "$2" <<\'END\'\n{script}END')
    assert pulumi_cli.find(build=True) == pulumi_cli.cache()
    assert os.access(pulumi_cli.cache(), os.X_OK)
