"""A mirror with a CA of its own: refused with the remedy, and used once the remedy is taken."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from roost.bundle.errors import UpstreamRefused
from roost.bundle.fetch import Fetcher
from roost.kube import pki


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    authority = pki.create_authority("mirror-ca", now=pki.utc_now())
    leaf = pki.issue(authority, pki.Profile("mirror", "server", hosts=("127.0.0.1",)), now=pki.utc_now())
    (tmp_path / "ca.pem").write_text(authority.certificate_pem)
    (tmp_path / "both.pem").write_text(leaf.certificate_pem + leaf.key_pem.reveal())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_address[1]}/file"
    server.shutdown()
    server.server_close()


def test_an_unknown_authority_is_refused_at_once_with_the_remedy(site: str) -> None:
    slept: list[float] = []
    with pytest.raises(UpstreamRefused, match=r"is not trusted here.*SSL_CERT_FILE"):
        Fetcher(sleep=slept.append).read(site)
    assert slept == []


def test_the_remedy_works(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert Fetcher().read(site).content == b"ok"
