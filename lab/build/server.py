"""The mirror's HTTP server: files by host and path, images by the registry protocol; read-only.

`mirror` starts it as a process of its own; tests start it on a small tree.
"""

from __future__ import annotations

import json
import re
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

from lab.build.registry import Found, Refusal, Store, parse

IDENTITY_PATH = "/-/lab-mirror"
TEXT_ENDINGS = (".sha256", ".sha256sum", "SHA256SUMS", ".yml", ".yaml", ".txt")


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte of a Range header that asks for one range.

    None where there is no such header or it has to be ignored (several ranges, another unit);
    ValueError where it can't be satisfied.
    """
    if header is None:
        return None
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or (not match[1] and not match[2]):
        return None
    if not match[1]:
        count = int(match[2])
        if count == 0 or size == 0:
            raise ValueError("an empty range")
        return max(0, size - count), size - 1
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if match[2] and int(match[2]) < first:
        return None
    if first >= size:
        raise ValueError("the range starts behind the end")
    return first, last


def file_below(root: Path, url_path: str) -> Path | None:
    """The file that a URL path names; never one outside the root, never a hidden one."""
    parts = unquote(url_path).strip("/").split("/")
    if any(part in ("", ".", "..") or part.startswith(".") or "\0" in part for part in parts):
        return None
    path = root.joinpath(*parts)
    return path if path.is_file() else None


class MirrorServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], root: Path) -> None:
        self.root = root
        self.store = Store(root)
        super().__init__(address, Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle of a download is nothing to tell about."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # pyright: ignore[reportArgumentType]

    def overview(self) -> str:
        """What this mirror holds, for a person who opens its address."""
        files = self.root / "files"
        paths = sorted(str(one.relative_to(files)) for one in files.rglob("*") if one.is_file())
        images = [f"{name}:{tag}" for name in self.store.repositories() for tag in self.store.tags(name)]
        return "\n".join(["files, each at /HOST/PATH:", *paths, "", "images, at /v2/HOST/NAME:", *images, ""])

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"


class Handler(BaseHTTPRequestHandler):
    server: MirrorServer  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    server_version = "lab-mirror"
    timeout = 120

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        url = urlsplit(self.path)
        if url.path == IDENTITY_PATH:
            self._send_bytes(200, json.dumps({"root": str(self.server.root)}).encode(), JSON)
        elif url.path == "/":
            self._send_bytes(200, self.server.overview().encode(), TEXT)
        elif url.path in ("/v2", "/v2/"):
            self._send_bytes(200, b"{}", JSON)
        elif url.path.startswith("/v2/"):
            self._answer_registry(url.path, parse_qs(url.query))
        else:
            self._answer_file(url.path)

    def _answer_registry(self, path: str, query: dict[str, list[str]]) -> None:
        store = self.server.store
        if path == "/v2/_catalog":
            body = json.dumps({"repositories": store.repositories()}).encode()
            return self._send_bytes(200, body, JSON)
        asked = parse(unquote(path), query.get("ns", [None])[0])
        if asked is None:
            return self._refuse(Refusal(404, "UNSUPPORTED", f"no such path: {path}"))
        if asked.kind == "tags":
            tags = store.tags(asked.name)
            if not tags:
                message = f"no repository {asked.name} in this mirror"
                return self._refuse(Refusal(404, "NAME_UNKNOWN", message))
            body = json.dumps({"name": asked.name, "tags": tags}).encode()
            return self._send_bytes(200, body, JSON)
        found = store.find(asked, self.headers.get_all("Accept") or [])
        if isinstance(found, Refusal):
            return self._refuse(found)
        return self._send_file(found.path, found.media_type, found)

    def _answer_file(self, path: str) -> None:
        found = file_below(self.server.root / "files", path)
        if found is None:
            return self._send_bytes(404, f"not in this mirror: {path}\n".encode(), TEXT)
        is_text = found.name.endswith(TEXT_ENDINGS)
        return self._send_file(found, TEXT if is_text else "application/octet-stream", None)

    def _send_file(self, path: Path, media_type: str, image: Found | None) -> None:
        with path.open("rb") as file:
            size = path.stat().st_size
            try:
                wanted = byte_range(self.headers.get("Range"), size)
            except ValueError:
                self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                self.send_header("Content-Range", f"bytes */{size}")
                self._finish_headers(0)
                return
            first, last = wanted or (0, size - 1)
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Type", media_type)
            self.send_header("Accept-Ranges", "bytes")
            if wanted:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            if image:
                self.send_header("Docker-Content-Digest", image.digest)
                self.send_header("ETag", f'"{image.digest}"')
            self._finish_headers(last - first + 1)
            if self.command != "HEAD" and last >= first:
                self._send_part(file, first, last - first + 1)

    def _send_part(self, file: BinaryIO, offset: int, count: int) -> None:
        self.wfile.flush()
        self.connection.settimeout(self.timeout)
        self.connection.sendfile(file, offset, count)

    def _refuse(self, refusal: Refusal) -> None:
        self._send_bytes(refusal.status, refusal.body(), JSON)

    def _send_bytes(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self._finish_headers(len(body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def _finish_headers(self, length: int) -> None:
        self.send_header("Content-Length", str(length))
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.end_headers()


JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
