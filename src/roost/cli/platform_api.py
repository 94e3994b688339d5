"""A thin way to the platform's API for commands that read: standard library only, so that they start fast.

Used by clusters, progress, kubeconfig and plan. Writing goes through `roost kubectl` or kube/.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

from roost.api.errors import RoostError
from roost.api.names import GROUP, VERSION

TABLE: Final = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
Object = Mapping[str, Any]


class PlatformApi:
    """One connection with the admin kubeconfig of a data directory."""

    def __init__(self, kubeconfig: Path) -> None:
        if not kubeconfig.exists():
            raise RoostError(
                "PlatformMissing",
                f"no platform at {kubeconfig.parent}: its {kubeconfig.name} is not there. "
                "Start one with `roost up --detach`, or name its directory with --data-dir.",
            )
        import yaml

        config = cast(dict[str, Any], yaml.safe_load(kubeconfig.read_text()))
        cluster = config["clusters"][0]["cluster"]
        user = config["users"][0]["user"]
        url = urlsplit(cast(str, cluster["server"]))
        self._context = ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]))
        self._load_client_certificate(user)
        self._host = url.hostname or "127.0.0.1"
        self._port = url.port or 443
        self._connection = http.client.HTTPSConnection(self._host, self._port, context=self._context, timeout=15)

    def _load_client_certificate(self, user: Mapping[str, str]) -> None:
        # ssl reads a key only from a file; memfd keeps it out of every directory.
        with os.fdopen(os.memfd_create("client"), "wb") as file:
            file.write(base64.b64decode(user["client-certificate-data"]))
            file.write(b"\n" + base64.b64decode(user["client-key-data"]))
            file.flush()
            self._context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")

    def get(self, path: str, *, accept: str = "application/json") -> dict[str, Any]:
        """The object at `path`. Raises RoostError with the server's own words."""
        try:
            self._connection.request("GET", path, headers={"Accept": accept})
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise RoostError(
                "PlatformUnreachable",
                f"the platform's API at {self._host}:{self._port} does not answer ({error}). "
                "`roost status` shows what runs; `roost up --detach` starts it.",
            ) from error
        return self._parsed(response.status, body)

    def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POSTs one object. Raises RoostError with the server's own words."""
        return self._write("POST", path, body)

    def replace(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """PUTs one object. Raises RoostError with the server's own words."""
        return self._write("PUT", path, body)

    def _write(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        try:
            self._connection.request(method, path, json.dumps(body), headers)
            response = self._connection.getresponse()
            return self._parsed(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise RoostError(
                "PlatformUnreachable",
                f"the platform's API at {self._host}:{self._port} does not answer ({error}). "
                "`roost status` shows what runs; `roost up --detach` starts it.",
            ) from error

    def delete(self, path: str) -> None:
        """Deletes one object; one that is gone already is fine."""
        try:
            self._connection.request("DELETE", path, headers={"Accept": "application/json"})
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise RoostError("PlatformUnreachable", f"the platform's API does not answer ({error})") from error
        if response.status != 404:
            self._parsed(response.status, body)

    def watch(self, path: str) -> Iterator[dict[str, Any]]:
        """Events of a watch until the server ends it."""
        joined = f"{path}{'&' if '?' in path else '?'}watch=1"
        connection = http.client.HTTPSConnection(self._host, self._port, context=self._context, timeout=None)
        try:
            connection.request("GET", joined, headers={"Accept": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                self._parsed(response.status, response.read())
            for line in response:
                yield json.loads(line)
        finally:
            connection.close()

    def _parsed(self, status: int, body: bytes) -> dict[str, Any]:
        value = (
            cast(dict[str, Any], json.loads(body)) if body[:1] == b"{" else {"message": body.decode(errors="replace")}
        )
        if status >= 400:
            raise RoostError(str(value.get("reason", "Failed")), str(value.get("message", f"HTTP {status}")))
        return value


def path(plural: str, *, namespace: str | None = None, name: str | None = None) -> str:
    """Path of roost's own kinds."""
    where = f"/namespaces/{quote(namespace)}" if namespace else ""
    return f"/apis/{GROUP}/{VERSION}{where}/{plural}" + (f"/{quote(name)}" if name else "")


def secret_path(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace)}/secrets/{quote(name)}"


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode()
