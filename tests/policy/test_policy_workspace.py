"""A new workspace: private keys, files to fill in, and nobody's work overwritten."""

from pathlib import Path

import pytest

from policy.register import load_register
from policy.workspace import create
from pse.core.errors import UsageError


def test_what_somebody_wrote_is_not_overwritten_and_a_cut_short_try_is_completed(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("build/", encoding="ascii")
    (tmp_path / "hosts.toml").write_text("# mine\n", encoding="ascii")
    with pytest.raises(UsageError) as caught:
        create(tmp_path, "Own")
    assert caught.value.where.endswith("hosts.toml")
    assert (tmp_path / "hosts.toml").read_text(encoding="ascii") == "# mine\n"
    assert not (tmp_path / "pse.toml").exists()
    (tmp_path / "hosts.toml").unlink()
    create(tmp_path, "Own")
    (tmp_path / "pse.toml").unlink()
    made = create(tmp_path, "Own")
    assert (tmp_path / ".gitignore").read_text(encoding="ascii").splitlines()[0] == "build/"
    assert (tmp_path / ".gitignore").read_text(encoding="ascii").count(".pse/") == 1
    assert made.settings.entity == "Own"


def test_a_bare_workspace_has_keys_and_no_invented_thing(tmp_path: Path) -> None:
    made = create(tmp_path / "own", 'Ministry "of" Works\\')
    assert made.settings.entity == 'Ministry "of" Works\\'
    assert not made.settings.sample
    assert len(made.settings.signer) == 64
    written = "".join(p.read_text(encoding="utf-8") for p in made.root.rglob("*.toml"))
    assert "sample" not in written.lower()
    register = load_register(made)
    assert (register.places, register.sample) == ((), False)
