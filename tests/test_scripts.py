"""The habits: setup says what is missing and how to get it, news folds fragments, CI skips nothing."""

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("sh", "cat", "sha256sum", "cut", "ls", "dirname", "python3", "bwrap", "ssh", "openssl")


def stub(folder: Path, name: str, body: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


def setup(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run setup where only ``folder`` is on PATH: most programs are missing, and nobody is root."""
    for tool in TOOLS:
        if found := shutil.which(tool):
            (folder / tool).symlink_to(found)
    stub(folder, "id", "echo 1000")
    stub(folder, "sudo", "exit 1")
    return subprocess.run(
        [ROOT / "scripts" / "setup"],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_without_root_the_exact_line_is_printed_and_it_stops(tmp_path: Path) -> None:
    stub(tmp_path, "apt-get", f"touch {tmp_path}/called")
    done = setup(tmp_path)
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1].strip()
    assert line.startswith("sudo apt-get update && sudo apt-get install -y --no-install-recommends ")
    assert "rsync" in line.split()
    assert not (tmp_path / "called").exists()


def test_on_another_system_the_programs_are_named(tmp_path: Path) -> None:
    done = setup(tmp_path)
    assert done.returncode == 1
    assert "rsync" in done.stderr.splitlines()[-1].split()
    assert "apt-get" not in done.stderr


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scripts_{name}", ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_news_are_folded_by_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    news = load("news")
    monkeypatch.setattr(news, "ROOT", tmp_path)
    folder = tmp_path / "changelog.d"
    folder.mkdir()
    (folder / "b.fixed.md").write_text("- mended\n")
    (folder / "a.added.md").write_text("- a thing\n")
    (folder / "README.md").write_text("how\n")
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{news.MARK}\n## 0.1.0\n")
    assert news.main(["0.2.0"]) == 0
    written = (tmp_path / "CHANGELOG.md").read_text()
    places = [
        written.index(part) for part in ("## 0.2.0", "### Added", "- a thing", "### Fixed", "- mended", "## 0.1.0")
    ]
    assert places == sorted(places)
    assert [file.name for file in folder.iterdir()] == ["README.md"]


def test_news_without_a_kind_are_refused(tmp_path: Path) -> None:
    news = load("news")
    with pytest.raises(SystemExit, match=r"SLUG\.KIND\.md"):
        news.section("0.2.0", [tmp_path / "a.md"])


def test_the_audit_claims_nothing_where_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = load("audit")
    answers = iter([[{"name": "jinja2", "version": "2.10", "vulns": []}]])
    monkeypatch.setattr(audit, "_ask", lambda *_: next(answers))
    assert audit.main() == 0
    assert capsys.readouterr().out.startswith("not audited")


def test_the_audit_fails_on_a_known_vulnerability(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = load("audit")
    known = [{"name": "jinja2", "version": "2.10", "vulns": [{"id": "PYSEC-2019-217"}]}]
    monkeypatch.setattr(audit, "_ask", lambda *_: known)
    assert audit.main() == 1
    assert "PYSEC-2019-217" in capsys.readouterr().out


def test_ci_skips_nothing_and_names_the_slowest() -> None:
    text = (ROOT / ".ci" / "run").read_text()
    assert "export PSE_TEST_REQUIRE=all" in text
    assert "--durations=10" in text


def test_help_lists_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    for target in ("setup", "demo", "test", "lint", "types", "imports", "format", "lock", "news", "clean", "help"):
        assert f"make {target} " in shown
