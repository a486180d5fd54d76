"""What `make demo` says at its end when it is kept, and what the README shows of it."""

import re
from pathlib import Path

import pytest

from examples import demo
from pse.cli.main import root as commands

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("keep", [True, False])
def test_a_kept_run_says_how_to_stop_it_and_another_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], keep: bool
) -> None:
    plan = {"path": "plan.json", "items": []}
    monkeypatch.setattr(demo, "take_stock", lambda _: 6)
    monkeypatch.setattr(demo, "decide", lambda _: plan)
    monkeypatch.setattr(demo, "provision", lambda *_: 0)
    monkeypatch.setattr(demo, "move", lambda *_: {"items": []})
    monkeypatch.setattr(demo.Demo, "pse", lambda *_, **__: {"report": "report.html"})
    demo.run(tmp_path / "ministry", keep=keep)
    shown = capsys.readouterr().out
    told = re.search(r"`pse (lab stop --workspace \S+)`", shown)
    assert (told is not None) == keep
    assert ("starts anew" in shown) == keep
    if told:
        assert str(tmp_path / "ministry") in told[1]
        lab = commands.get_command(None, "lab")  # type: ignore[arg-type]  # no context is needed to look it up
        assert lab is not None
        lab.make_context("lab", told[1].split()[1:])


def test_the_readme_shows_the_steps_of_the_demo() -> None:
    source = Path(demo.__file__).read_text(encoding="utf-8")
    steps = re.findall(r'demo\.step\("([^"]+)"\)', source)
    text = README.read_text(encoding="utf-8")
    assert len(steps) > 10
    assert [step for step in steps if f"{step} …" not in text] == []


def test_paths_are_shown_as_one_types_them_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tree").mkdir()
    monkeypatch.chdir(tmp_path / "tree")
    assert demo.from_here(str(tmp_path / "tree" / ".demo" / "ministry.log")) == ".demo/ministry.log"
    assert demo.from_here(tmp_path / "elsewhere") == str(tmp_path / "elsewhere")
