"""The console's files, and a plain page while there are none. Called by dispatch.

Which files there are is read once, at the start: a request picks one of them by its name, so no path of a request
ever reaches the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from roost.gateway.front import Client, Request
from roost.gateway.headers import value_of
from roost.gateway.paths import Target
from roost.gateway.refusal import Refusal

DIRECTORY: Final = Path(__file__).with_name("static")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"Content-Security-Policy", POLICY.encode()),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Referrer-Policy", b"no-referrer"),
    (b"X-Frame-Options", b"DENY"),
    (b"Cross-Origin-Opener-Policy", b"same-origin"),
    (b"Strict-Transport-Security", b"max-age=31536000"),
)
_ENDINGS: Final = {"br": "br", "gzip": "gz"}
PLAIN: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>roost</title>
<h1>roost</h1>
<p>The platform runs here. Sign in from a terminal with <code>roost login</code>; its API is the Kubernetes API.</p>
<p lang="zh">平台正在运行。请在终端中用 <code>roost login</code> 登录；平台的 API 就是 Kubernetes API。</p>
</html>
""".encode()


@dataclass(frozen=True)
class _File:
    path: Path
    kind: str
    tag: str
    keeps: bool
    """Its name holds a digest of its content, so browsers may keep it for good."""
    encodings: tuple[str, ...] = ()
    """In which it lies beside itself compressed, the smallest first."""


class Files:
    def __init__(self, directory: Path = DIRECTORY) -> None:
        self._files = {f"/console/{name}": file for name, file in _found(directory)}
        self._index = self._files.get("/console/index.html")

    async def answer(self, request: Request, client: Client, target: Target) -> int:
        if request.method not in {"GET", "HEAD"}:
            raise Refusal(405, "files are only read")
        if target.door == "root":
            await client.answer(302, [*HEADERS, (b"Location", b"/console/")], b"")
            return 302
        file = self._files.get(target.path)
        if file is None and "." not in target.path.rpartition("/")[2]:
            # A page of the console: its address is read by the console itself.
            file = self._index
            if file is None:
                return await self._send(request, client, PLAIN, "text/html; charset=utf-8", '"plain"', keeps=False)
        if file is None:
            raise Refusal(404, "the console has no such file")
        encoding = _encoding(request, file)
        path = file.path.with_name(f"{file.path.name}.{_ENDINGS[encoding]}") if encoding else file.path
        body = await asyncio.to_thread(path.read_bytes)
        # One tag for each form, as a cache keeps them apart.
        tag = file.tag if encoding is None else f'{file.tag[:-1]}-{encoding}"'
        return await self._send(request, client, body, file.kind, tag, keeps=file.keeps, encoding=encoding)

    async def _send(
        self,
        request: Request,
        client: Client,
        body: bytes,
        kind: str,
        tag: str,
        *,
        keeps: bool,
        encoding: str | None = None,
    ) -> int:
        cached = b"public, max-age=31536000, immutable" if keeps else b"no-cache"
        headers = [*HEADERS, (b"ETag", tag.encode()), (b"Cache-Control", cached), (b"Vary", b"Accept-Encoding")]
        if encoding:
            headers.append((b"Content-Encoding", encoding.encode()))
        if value_of(request.headers, b"if-none-match") == tag.encode():
            await client.start(304, headers)
            await client.finish()
            return 304
        headers.append((b"Content-Type", kind.encode()))
        if request.method == "HEAD":
            await client.start(200, [*headers, (b"Content-Length", str(len(body)).encode())])
            await client.finish()
        else:
            await client.answer(200, headers, body)
        return 200


def _found(directory: Path) -> list[tuple[str, _File]]:
    found: list[tuple[str, _File]] = []
    for path in sorted(directory.rglob("*")) if directory.is_dir() else ():
        if path.is_file() and not _is_compressed(path):
            name = path.relative_to(directory).as_posix()
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            if kind.startswith("text/") or kind in {"application/javascript", "image/svg+xml"}:
                kind += "; charset=utf-8"
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:20]
            encodings = tuple(
                each for each, end in _ENDINGS.items() if path.with_name(f"{path.name}.{end}").is_file()
            )
            found.append((name, _File(path, kind, f'"{digest}"', name.startswith("assets/"), encodings)))
    return found


def _is_compressed(path: Path) -> bool:
    return path.suffix[1:] in _ENDINGS.values() and path.with_suffix("").is_file()


def _encoding(request: Request, file: _File) -> str | None:
    """The smallest form that the client takes."""
    given = (value_of(request.headers, b"accept-encoding") or b"").decode("latin-1").lower()
    taken = {
        part.partition(";")[0].strip() for part in given.split(",") if "q=0" not in part.replace(" ", "").split(";")
    }
    return next((each for each in file.encodings if each in taken), None)
