"""What stands between the adapters and the clouds' answers."""

from pathlib import Path

import pytest
import requests

from providers.kit.transport import http_session


def test_password_of_a_netrc_goes_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine cloud.example login somebody password hush\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    asked = requests.Request("GET", "https://cloud.example/", headers={"Authorization": "Bearer token"})
    with requests.Session() as plain:
        # Why it has to be said.
        assert str(plain.prepare_request(asked).headers["Authorization"]).startswith("Basic ")
    with http_session() as session:
        assert session.prepare_request(asked).headers["Authorization"] == "Bearer token"
