"""A tiny upstream mirror on loopback: the paths and checksum files of a release, with programs of a few bytes."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from roost.bundle import debian, upstream, vipimage
from roost.bundle.layout import OCI_INDEX, OCI_MANIFEST
from roost.bundle.versions import Release, release

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def archive(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as written:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755
            written.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def debian_package(files: dict[str, bytes]) -> bytes:
    """An `ar` archive as dpkg-deb makes it, with an uncompressed data.tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    members = {"debian-binary": b"2.0\n", "data.tar": buffer.getvalue()}
    packed = b"!<arch>\n"
    for name, content in members.items():
        packed += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        packed += b"\n" * (len(content) % 2)
    return packed


def _package(name: str, architecture: str) -> tuple[debian.Package, bytes]:
    files = {f"./usr/sbin/{name}": architecture.encode(), "./lib/x/libz.so.1": b"z", "./usr/share/man/x.1": b"x"}
    content = debian_package(files)
    path = f"pool/main/h/{name}_{architecture}.deb"
    return debian.Package(name, "1:2.0-1", path, sha256(content), len(content)), content


PACKAGES = {a: [_package(name, a) for name in ("haproxy", "keepalived")] for a in ("amd64", "arm64")}
"""In place of those that the lock names."""


@dataclass
class Mirror:
    """Files by path (host first), and what was asked of them."""

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    types: dict[str, str] = field(default_factory=dict[str, str])
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Path and Range header of each request."""
    failures: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Path to the statuses that its next requests get."""
    cut: dict[str, int] = field(default_factory=dict[str, int])
    """Path to the number of bytes after which the connection is closed, once."""
    hold: dict[str, threading.Event] = field(default_factory=dict[str, threading.Event])
    """Path to an event: half of the content is sent, the rest when the event is set."""
    redirects: dict[str, str] = field(default_factory=dict[str, str])
    authorizations: list[str | None] = field(default_factory=list[str | None])
    """The Authorization header of each request."""
    ranges: bool = True
    url: str = ""
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Mirror:
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                mirror.answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.removeprefix("/")
        asked = request.headers.get("Range", "")
        self.requests.append((path, asked))
        self.authorizations.append(request.headers.get("Authorization"))
        if path in self.redirects:
            request.send_response(307)
            request.send_header("Location", self.redirects[path])
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        waiting = self.failures.get(path)
        if waiting:
            request.send_error(waiting.pop(0))
            return
        content = self.files.get(path)
        if content is None:
            request.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        if start and start >= len(content):
            request.send_error(416)
            return
        body = content[start:]
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Content-Type", self.types.get(path, "application/octet-stream"))
        request.end_headers()
        limit = self.cut.pop(path, None)
        if path in self.hold:
            request.wfile.write(body[: len(body) // 2])
            request.wfile.flush()
            self.hold[path].wait(30)
            body = body[len(body) // 2 :]
        request.wfile.write(body if limit is None else body[:limit])
        if limit is not None:
            request.wfile.flush()
            request.close_connection = True

    # Content.

    def add_release(self, version: str, architectures: tuple[str, ...] = ("amd64", "arm64")) -> Release:
        row = release(version)
        for architecture in architectures:
            for source in upstream.sources(row, architecture):
                self._add_source(source, row)
        flannel = "\n---\n".join(
            json.dumps({"spec": {"containers": [{"name": "x", "image": image.name}]}})
            for image in row.flannel_images()
        )
        self.files[f"github.com/{upstream.flannel_path(row)}"] = flannel.encode()
        for image in (*row.kubeadm_images(), *row.flannel_images()):
            self.add_image(image.name, architectures)
        for packages in PACKAGES.values():
            for package, content in packages:
                self.files[f"{vipimage.HOST}/{package.url_path}"] = content
        return row

    def _add_source(self, source: upstream.Source, row: Release) -> None:
        if source.name == "kubeadm":
            names = "\n".join(image.name for image in row.kubeadm_images())
            content = f"#!/bin/sh\ncat <<END\n{names}\nEND\n# {source.architecture}\n".encode()
        elif source.kind == "file":
            content = f"{source.title}\n".encode() * 200
        elif source.name == "etcd":
            content = archive({f"{source.file.removesuffix('.tar.gz')}/etcd": source.title.encode()})
        else:
            content = archive({f"./bin/{source.name}": source.title.encode()})
        self.files[f"{source.host}/{source.path}"] = content
        listed = f"{source.host}/{source.checksum_path}"
        line = f"{sha256(content)}  {source.file}\n".encode()
        self.files[listed] = self.files.get(listed, b"") + line

    def add_image(self, name: str, architectures: tuple[str, ...]) -> bytes:
        """An image with an index over its architectures, one platform that nobody takes, and an attestation."""
        path, _, tag = name.rpartition(":")
        children: list[dict[str, Any]] = []
        for architecture in (*architectures, "s390x"):
            layer = archive({"bin/program": f"{name} {architecture}".encode() * 50})
            config = json.dumps({"architecture": architecture, "os": "linux", "config": {}, "name": name}).encode()
            manifest = json.dumps(
                {
                    "schemaVersion": 2,
                    "mediaType": OCI_MANIFEST,
                    "config": self._blob(path, config, CONFIG),
                    "layers": [self._blob(path, layer, LAYER)],
                }
            ).encode()
            platform = {"os": "linux", "architecture": architecture}
            children.append({**self._document(path, None, manifest, OCI_MANIFEST), "platform": platform})
        nothing = {"mediaType": OCI_MANIFEST, "digest": f"sha256:{'0' * 64}", "size": 1}
        children.append({**nothing, "platform": {"os": "unknown", "architecture": "unknown"}})
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}, indent=3).encode()
        self._document(path, tag, index, OCI_INDEX)
        return index

    def _blob(self, path: str, content: bytes, media_type: str) -> dict[str, Any]:
        digest = f"sha256:{sha256(content)}"
        self.files[f"v2/{path}/blobs/{digest}"] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def _document(self, path: str, tag: str | None, content: bytes, media_type: str) -> dict[str, Any]:
        digest = f"sha256:{sha256(content)}"
        for name in (digest, *([tag] if tag else [])):
            self.files[f"v2/{path}/manifests/{name}"] = content
            self.types[f"v2/{path}/manifests/{name}"] = media_type
        return {"mediaType": media_type, "digest": digest, "size": len(content)}


def probe_directory(path: Path) -> Path:
    """Stand-ins for the built helper."""
    for architecture in ("amd64", "arm64"):
        (path / f"roost-probe-linux-{architecture}").write_bytes(f"probe {architecture}".encode())
    return path
