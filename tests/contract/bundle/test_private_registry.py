"""A private registry (real distribution, TLS, htpasswd) and one behind a token service, filled and looked at."""

from __future__ import annotations

import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from lab.build import programs
from roost.api.errors import PermanentFailure
from roost.api.masked import Masked
from roost.bundle import look
from roost.bundle.model import Bundle
from roost.bundle.push import push_blocking
from roost.bundle.registry import ENVIRONMENT
from roost.bundle.remote import CredentialRefused, RemoteRegistry
from roost.cli import bundle as cli
from roost.kube import pki
from tests.unit.bundle import made

pytestmark = pytest.mark.programs

PASSWORD = "not-a-secret"
# bcrypt of it, the only form that distribution reads.
HTPASSWD = "$2b$05$abcdefghijklmnopqrstuuVPNOToLP9MHdthRCXkVoiIF0qNKnk2G"


@dataclass(frozen=True)
class Running:
    address: str
    ca: str
    leaf: Path

    def remote(self, password: str | None = PASSWORD, *, ca: str | None = None, prefix: str = "") -> RemoteRegistry:
        secret = None if password is None else Masked(password)
        return RemoteRegistry(self.address + prefix, self.ca if ca is None else ca, "robot" if secret else "", secret)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    path = tmp_path_factory.mktemp("private")
    authority = pki.create_authority("private", now=pki.utc_now())
    leaf = pki.issue(authority, pki.Profile("registry", "server", hosts=("127.0.0.1",)), now=pki.utc_now())
    (path / "tls.crt").write_text(leaf.certificate_pem)
    (path / "tls.key").write_text(leaf.key_pem.reveal())
    (path / "tls.pem").write_text(leaf.key_pem.reveal() + leaf.certificate_pem)
    (path / "htpasswd").write_text(f"robot:{HTPASSWD}\n")
    port = free_port()
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(path / "storage")}},
        "http": {
            "addr": f"127.0.0.1:{port}",
            "tls": {"certificate": str(path / "tls.crt"), "key": str(path / "tls.key")},
        },
        "auth": {"htpasswd": {"realm": "private", "path": str(path / "htpasswd")}},
        "validation": {"manifests": {"indexes": {"platforms": "none"}}},
    }
    (path / "config.yml").write_text(yaml.safe_dump(config))
    with (path / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs.path("registry", "3.0.0"), "serve", str(path / "config.yml")],
            env={**os.environ, **ENVIRONMENT},
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None, (path / "log").read_text()
                time.sleep(0.05)
        yield Running(f"127.0.0.1:{port}", authority.certificate_pem, path / "tls.pem")
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return made.bundle(tmp_path / "bundles" / "1.31.4", architectures=("amd64", "arm64"))


def wanted(bundle: Bundle) -> dict[str, tuple[str, ...]]:
    return {image.name: (image.index_digest, image.manifest_digest) for image in bundle.images}


def test_is_filled_once_below_a_path_of_its_own(registry: Running, bundle: Bundle) -> None:
    remote = registry.remote(prefix="/team/k8s")
    before = look.look_blocking(remote, wanted(bundle))
    assert before is not None and before.reason == "RegistryImagesMissing"
    assert made.PAUSE in before.evidence and "roost bundle push" in before.remedy
    sent = push_blocking(bundle, remote)
    assert (sent.blobs, sent.documents) == (4, 3)  # Two architectures: config and layer each; their index.
    assert look.look_blocking(remote, wanted(bundle)) is None
    again = push_blocking(bundle, remote)
    assert (again.blobs, again.documents) == (0, 0)


def test_another_image_under_the_name_is_found(registry: Running, bundle: Bundle) -> None:
    push_blocking(bundle, registry.remote())
    trouble = look.look_blocking(registry.remote(), dict.fromkeys(wanted(bundle), ("sha256:" + "0" * 64,)))
    assert trouble is not None and trouble.reason == "RegistryImagesMissing"


def test_a_wrong_password_and_none_are_named(registry: Running, bundle: Bundle) -> None:
    for remote, who in ((registry.remote("wrong"), "user robot"), (registry.remote(None), "nobody")):
        trouble = look.look_blocking(remote, wanted(bundle))
        assert trouble is not None and trouble.reason == "RegistryCredentialRefused"
        assert who in trouble.evidence and "wrong" not in trouble.evidence
        with pytest.raises(CredentialRefused, match=who):
            push_blocking(bundle, remote)


def test_a_ca_that_did_not_sign_it_is_named(registry: Running, bundle: Bundle) -> None:
    other = pki.create_authority("other", now=pki.utc_now()).certificate_pem
    trouble = look.look_blocking(registry.remote(ca=other), wanted(bundle))
    assert trouble is not None and trouble.reason == "RegistryCertificateInvalid" and not trouble.unsure
    with pytest.raises(PermanentFailure, match="--ca FILE"):
        push_blocking(bundle, registry.remote(ca=other))
    broken = look.look_blocking(registry.remote(ca="PEM"), wanted(bundle))
    assert broken is not None and broken.reason == "RegistryCertificateInvalid"


def test_nobody_there_is_not_certain(bundle: Bundle) -> None:
    trouble = look.look_blocking(RemoteRegistry(f"127.0.0.1:{free_port()}"), wanted(bundle))
    assert trouble is not None and trouble.reason == "RegistryNotAsked" and trouble.unsure


def test_the_command_takes_credential_and_ca_from_files(registry: Running, bundle: Bundle, tmp_path: Path) -> None:
    del bundle
    (tmp_path / "ca.pem").write_text(registry.ca)
    arguments = ["push", "1.31.4", "--registry", registry.address + "/cli", "--ca", str(tmp_path / "ca.pem")]
    done = CliRunner().invoke(
        cli.command,
        [*arguments, "--credential", "-"],
        input=f"robot:{PASSWORD}\n",
        env={"ROOST_DATA_DIR": str(tmp_path), "LANG": "C"},
    )
    assert done.exit_code == 0, done.output
    assert "4 blobs" in done.stdout and PASSWORD not in done.output


class TokenService(http.server.BaseHTTPRequestHandler):
    """Answers as registries with a token service do: 401 with Bearer, a token for Basic, then what is asked."""

    protocol_version = "HTTP/1.1"
    digest = ""

    def do_GET(self) -> None:
        if self.path.startswith("/token?"):
            allowed = "repository%3Ak8s%2Fregistry.k8s.io%2Fpause%3Apull" in self.path
            good = self.headers.get("Authorization", "").startswith("Basic ")
            return self._answer(200 if good and allowed else 401, {}, json.dumps({"token": "t1"}).encode())
        if self.headers.get("Authorization") != "Bearer t1":
            realm = f"https://127.0.0.1:{self.server.server_address[1]}/token"
            return self._answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'}, b"")
        return self._answer(200, {"Docker-Content-Digest": type(self).digest}, b"")

    do_HEAD = do_GET  # noqa: N815

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        return


def test_a_registry_that_takes_tokens_only_is_named(registry: Running, bundle: Bundle) -> None:
    """Pushing there works; a runtime could not pull, and that is said before anything is done."""
    TokenService.digest = bundle.images[0].index_digest
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), TokenService)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(registry.leaf)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"127.0.0.1:{server.server_address[1]}/k8s"
        remote = RemoteRegistry(address, registry.ca, "robot", Masked(PASSWORD))
        trouble = look.look_blocking(remote, wanted(bundle))
        assert trouble is not None and trouble.reason == "RegistryNeedsTokens"
        from contextlib import closing

        from roost.bundle.remote import Wire

        with closing(Wire(remote)) as wire:
            path = wire.path("registry.k8s.io/pause", "manifests/3.10")
            response = wire.send("HEAD", path, repository="registry.k8s.io/pause")
            response.read()
            assert response.status == 200
    finally:
        server.shutdown()
        server.server_close()
