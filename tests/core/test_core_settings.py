"""Settings and secrets: read strictly, found upward, never the only copy on a runner."""

from pathlib import Path

import pytest

from pse.core import secrets
from pse.core.documents.workloads import Workloads
from pse.core.errors import BadInput, MissingTool, UsageError
from pse.core.settings import Settings, Workspace, load_toml


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PSE_WORKSPACE", "PSE_DATABASE_URL", "CI"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pse.toml").write_text('entity = "Ministry"\n')
    return tmp_path


def test_the_nearest_upward_is_found(root: Path) -> None:
    deep = root / "a" / "b"
    deep.mkdir(parents=True)
    assert Workspace.find(start=deep).root == root


def test_an_explicit_one_wins(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "pse.toml").write_text('entity = "Other"\n')
    monkeypatch.setenv("PSE_WORKSPACE", str(root))
    assert Workspace.find(start=other).settings.entity == "Ministry"
    assert Workspace.find(other).settings.entity == "Other"


def test_none_is_a_usage_error_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PSE_WORKSPACE", raising=False)
    with pytest.raises(UsageError, match="no workspace") as caught:
        Workspace.find(start=tmp_path)
    assert "pse init" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("entity = = 1", "line 1"),
        ('entity = "a"\nsurprise = 1', "surprise"),
        ('entity = "a"\n[discovery]\nparallel = "many"', r"\$\.discovery\.parallel"),
        ("", "entity"),
    ],
)
def test_a_broken_file_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "pse.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=said) as caught:
        load_toml(path, Settings)
    assert str(path) in str(caught.value)


def test_text_that_is_not_utf8_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "pse.toml"
    path.write_bytes(b'entity = "\xff"')
    with pytest.raises(BadInput, match="UTF-8"):
        load_toml(path, Settings)


def test_a_pipeline_must_not_hold_the_only_copy(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(root)
    assert workspace.database_url().startswith("sqlite:///")
    assert workspace.backend_url().startswith("file://")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(UsageError, match="runner"):
        workspace.database_url()
    with pytest.raises(UsageError, match="runner"):
        workspace.backend_url()
    monkeypatch.setenv("PSE_DATABASE_URL", "postgresql+psycopg://db/pse")
    assert workspace.database_url() == "postgresql+psycopg://db/pse"
    (root / "pse.toml").write_text('entity = "Ministry"\nallow_local_state = true\n')
    assert Workspace(root).backend_url().startswith("file://")


def test_a_remote_backend_is_kept(root: Path) -> None:
    (root / "pse.toml").write_text('entity = "Ministry"\nbackend = "s3://states"\n')
    assert Workspace(root).backend_url() == "s3://states"


def test_secrets_from_the_environment_and_private_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASS_WORD", "open sesame")
    assert secrets.resolve("env:PASS_WORD", base=root) == "open sesame"
    file = root / "secret"
    file.write_text("open sesame\n")
    file.chmod(0o600)
    assert secrets.resolve("file:secret", base=root) == "open sesame"
    assert secrets.path_of("file:secret", base=root) == file


@pytest.mark.parametrize(
    "reference", ["open sesame", "env:NOT_SET_ANYWHERE", "file:none", "open:sesame", "sesame:open", "file:"]
)
def test_what_is_no_secret_is_refused_without_its_value(root: Path, reference: str) -> None:
    with pytest.raises(BadInput) as caught:
        secrets.resolve(reference, base=root)
    with pytest.raises(BadInput) as also:
        secrets.path_of(reference, base=root)
    assert "sesame" not in f"{also.value} {also.value.hint}"
    assert "sesame" not in f"{caught.value} {caught.value.hint}"


def test_a_secret_that_others_can_read_is_refused(root: Path) -> None:
    file = root / "secret"
    file.write_text("open sesame")
    file.chmod(0o640)
    with pytest.raises(BadInput, match="read by others") as caught:
        secrets.resolve("file:secret", base=root)
    assert "chmod 600" in caught.value.hint
    assert "sesame" not in str(caught.value)


def test_a_keyring_without_its_library_names_the_extra(root: Path) -> None:
    try:
        import keyring  # noqa: F401 - only whether it is there
    except ImportError:
        with pytest.raises(MissingTool) as caught:
            secrets.resolve("keyring:pse/name", base=root)
        assert "keyring" in caught.value.hint
    else:
        with pytest.raises(BadInput):
            secrets.resolve("keyring:pse-test-of-nothing/name", base=root)


@pytest.mark.parametrize(
    "text",
    [
        "[workload.a]\negress_gib = -1",
        "[workload.a]\negress_gib = 99999999999999999999999999",
        "[workload.a]\nseats = -150",
        "[workload.a]\nwave = 0",
        '[workload.a.host.b]\npaths = ["/"]',
        '[workload.a.host.b]\npaths = ["relative"]',
        '[workload.a.host.b]\npaths = ["/srv/../etc"]',
        '[workload.a.host.b]\npaths = [""]',
        '[workload.a.host.b]\npackages = ["x; rm -rf /"]',
    ],
)
def test_declarations_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "workloads.toml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        load_toml(path, Workloads)
    assert str(path) in caught.value.where


def test_ordinary_paths_and_packages_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "workloads.toml"
    path.write_text(
        '[workload.a.host.b]\npaths = ["/srv/a b", "/srv/..data/x", "/var/www/"]\npackages = ["libstdc++6", "g++"]'
    )
    assert load_toml(path, Workloads).workload["a"].host["b"].packages == ("libstdc++6", "g++")


@pytest.mark.parametrize(
    "text",
    [
        'comfort = "-3"',
        'comfort = "NaN"',
        'comfort = "Infinity"',
        "wave_servers = -1",
        "horizon_months = -36",
        'currency = ""',
        'controllers = ["not-a-cidr"]',
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pse.toml"
    path.write_text(f'entity = "Somebody"\n[plan]\n{text}\n')
    with pytest.raises(BadInput):
        load_toml(path, Settings)
