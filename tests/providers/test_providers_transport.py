"""What stands between the adapters and the clouds' answers."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from providers.kit.transport import Bounded, http_session


class _Proxy(BaseHTTPRequestHandler):
    """Answers whatever it is asked to fetch."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.path)))
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        del format, args


def test_proxy_of_the_register_wins_over_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(("127.0.0.1", 0), _Proxy) as server, requests.Session() as session:
        threading.Thread(target=server.handle_request).start()
        session.mount("http://", Bounded(proxy=f"http://127.0.0.1:{server.server_port}"))
        assert session.get("http://cloud.example/zone").text == "http://cloud.example/zone"


def test_google_fetches_its_tokens_by_the_proxy_too() -> None:
    from google.auth import credentials
    from google.auth.transport import requests as transport

    from providers.google.wire import Wire

    anonymous: Any = credentials.AnonymousCredentials
    untyped: Any = transport
    with untyped.AuthorizedSession(anonymous()) as session:
        Wire("", region="x", proxy="http://proxy.example:3128", where="here")._bind(session)
        tokens = session._auth_request_session
        assert {type(one.get_adapter("https://oauth2.example/")) for one in (session, tokens)} == {Bounded}


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
