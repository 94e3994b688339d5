"""A proxy on loopback between kubectl and the platform's API server: passes each request on and writes it down."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.console.direct import Api

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, order=True)
class Request:
    """What was asked, without whoever asked it: field manager and last-applied aside."""

    verb: str
    path: str
    query: str
    body: str
    """JSON with its keys in order; empty without one."""


def request(method: str, url: str, body: str | bytes | None) -> Request:
    """Pure. A value of the annotation of kubectl apply is taken out, and so is `fieldManager`."""
    parts = urlsplit(url)
    query = sorted((key, value) for key, value in parse_qsl(parts.query) if key != "fieldManager")
    found = json.loads(body) if body else None
    if isinstance(found, dict):
        _without_last_applied(found)
    text = json.dumps(found, sort_keys=True, ensure_ascii=False) if found is not None else ""
    return Request(method, parts.path, "&".join(f"{key}={value}" for key, value in query), text)


def _without_last_applied(document: dict[str, Any]) -> None:
    meta = document.get("metadata")
    if not isinstance(meta, dict):
        return
    annotations = meta.get("annotations")
    if isinstance(annotations, dict):
        annotations.pop(LAST_APPLIED, None)
        if not annotations:
            del meta["annotations"]


@dataclass
class Recorder:
    url: str
    requests: list[Request] = field(default_factory=list)

    def changes(self) -> list[Request]:
        """What was asked to change, and forgets it."""
        found = [one for one in self.requests if one.verb != "GET"]
        self.requests.clear()
        return found


@contextmanager
def recording(kubeconfig: Path) -> Generator[Recorder]:
    """kubectl with `--server URL` needs no credential: the proxy has that of `kubeconfig`."""
    api = Api(kubeconfig)
    kept = Recorder("")

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept.requests.append(request(self.command, self.path, body))
            onward = api.connection()
            passed = {key: value for key, value in self.headers.items() if key.lower() in {"accept", "content-type"}}
            onward.request(self.command, self.path, body or None, passed)
            answer = onward.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            onward.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
