"""The platform's API server with the administrator's certificate, over one connection: quick enough for two looks.

Called by the stories here, and by bench/console.py for its 2,000 clusters.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

CLUSTERS = "/apis/cluster.alauda.io/v1alpha1/namespaces/default/clusters"
MACHINES = "/apis/cluster.alauda.io/v1alpha1/namespaces/default/machines"


class Refused(Exception):
    """Another answer than success."""


class Api:
    def __init__(self, kubeconfig: Path) -> None:
        found: Any = yaml.safe_load(kubeconfig.read_text("utf-8"))
        cluster, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
        self.context = ssl.create_default_context(cadata=_pem(cluster, "certificate-authority"))
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as both:
            both.write(_pem(user, "client-certificate") + "\n" + _pem(user, "client-key"))
            both.flush()
            self.context.load_cert_chain(both.name)
        self.host = urlsplit(cluster["server"]).netloc
        self._open = self.connection()

    def connection(self) -> http.client.HTTPSConnection:
        """One more."""
        return http.client.HTTPSConnection(self.host, context=self.context, timeout=60)

    def call(self, method: str, path: str, body: Any = None, *, kind: str = "application/json") -> Any:
        """The decoded answer. Raises Refused."""
        self._open.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": kind})
        answer = self._open.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise Refused(f"{method} {path} ended with {answer.status}: {content[:500].decode(errors='replace')}")
        return json.loads(content)


def _pem(part: dict[str, str], key: str) -> str:
    if f"{key}-data" in part:
        return base64.b64decode(part[f"{key}-data"]).decode()
    return Path(part[key]).read_text("utf-8")
