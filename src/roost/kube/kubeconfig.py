"""Reads and writes kubeconfigs. Reading never runs a program and never opens a file that the text names.

A kubeconfig may come from anybody (a pasted one, a Secret), so `exec` and `auth-provider` users are
refused and file references are followed only for a file of the platform's own, where `base` is given.
Called by kube/client, by embedded/ (its own kubeconfigs) and by the on-premises provider.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from roost.api.errors import PermanentFailure
from roost.api.masked import Masked

Kubeconfig = Masked | str | Path | Mapping[str, Any]


@dataclass(frozen=True)
class Access:
    """What is needed to talk to one API server as one user."""

    server: str
    ca_pem: str | None = None
    certificate_pem: str | None = None
    key_pem: Masked | None = None
    token: Masked | None = None
    username: str | None = None
    password: Masked | None = None
    namespace: str = "default"
    server_name: str | None = None
    """Name to expect in the server's certificate, where it differs from the URL's."""
    insecure: bool = False
    impersonate: tuple[str, tuple[str, ...]] | None = None
    """Act as this user in these groups."""


def build(
    server: str,
    ca_pem: str,
    certificate_pem: str,
    key_pem: Masked,
    *,
    cluster: str,
    user: str,
    namespace: str = "default",
) -> Masked:
    """A kubeconfig with everything inside it; no reference to a file."""
    context = f"{user}@{cluster}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": server, "certificate-authority-data": _encode(ca_pem)}}],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _encode(certificate_pem),
                    "client-key-data": _encode(key_pem.reveal()),
                },
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": cluster, "user": user, "namespace": namespace}}],
        "current-context": context,
    }
    return Masked(yaml.safe_dump(document, sort_keys=False))


def build_token(
    server: str, ca_pem: str | None, token: Masked, *, user: str, server_name: str | None = None
) -> Masked:
    """A kubeconfig that signs in with a token; everything inside it."""
    cluster: dict[str, str] = {"server": server}
    if ca_pem:
        cluster["certificate-authority-data"] = _encode(ca_pem)
    if server_name:
        cluster["tls-server-name"] = server_name
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token.reveal()}}],
        "contexts": [{"name": user, "context": {"cluster": "cluster", "user": user}}],
        "current-context": user,
    }
    return Masked(yaml.safe_dump(document, sort_keys=False))


def parse(kubeconfig: Kubeconfig, *, context: str | None = None) -> Access:
    """The access that the current (or the given) context stands for. Raises PermanentFailure.

    A Path is one of the platform's own files: relative and absolute file references in it are read.
    """
    base = kubeconfig.parent if isinstance(kubeconfig, Path) else None
    document = _document(kubeconfig)
    name = context or document.get("current-context")
    if not name:
        raise _invalid("it has no current-context", "set current-context, or name a context")
    chosen = _named(document, "contexts", "context", str(name))
    cluster = _named(document, "clusters", "cluster", str(chosen.get("cluster", "")))
    user: Mapping[str, Any] = _named(document, "users", "user", str(chosen["user"])) if chosen.get("user") else {}
    for plugin in ("exec", "auth-provider"):
        if user.get(plugin):
            raise PermanentFailure(
                "KubeconfigUnsupported",
                f"the kubeconfig's user signs in through `{plugin}`, a program on the author's computer, which is "
                "never run here; use a kubeconfig with a client certificate or a token",
            )
    server = cluster.get("server")
    if not isinstance(server, str) or not server.startswith("https://"):
        raise _invalid(f"its server is {server!r}", "give an https:// URL")
    token = user.get("token") or _text(user, "tokenFile", base)
    key = _text(user, "client-key", base)
    password = user.get("password")
    return Access(
        server=server.rstrip("/"),
        ca_pem=_text(cluster, "certificate-authority", base),
        certificate_pem=_text(user, "client-certificate", base),
        key_pem=Masked(key) if key else None,
        token=Masked(str(token)) if token else None,
        username=user.get("username"),
        password=Masked(str(password)) if password else None,
        namespace=str(chosen.get("namespace") or "default"),
        server_name=cluster.get("tls-server-name"),
        insecure=bool(cluster.get("insecure-skip-tls-verify", False)),
        impersonate=(str(user["as"]), tuple(map(str, user.get("as-groups") or ()))) if user.get("as") else None,
    )


def _document(kubeconfig: Kubeconfig) -> Mapping[str, Any]:
    if isinstance(kubeconfig, Mapping):
        return kubeconfig
    if isinstance(kubeconfig, Path):
        try:
            text = kubeconfig.read_text()
        except OSError as error:
            raise PermanentFailure(
                "KubeconfigUnreadable",
                f"{kubeconfig}: {error.strerror}; is the platform set up and are you its user?",
            ) from error
    else:
        text = kubeconfig.reveal() if isinstance(kubeconfig, Masked) else kubeconfig
    try:
        loaded: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        # The parser's own text quotes the line, which may hold a key.
        raise _invalid(f"it is no YAML{where}", "paste the whole file") from None
    if not isinstance(loaded, dict):
        raise _invalid("it is no mapping", "paste the whole file")
    return cast("dict[str, Any]", loaded)


def _named(document: Mapping[str, Any], section: str, key: str, name: str) -> Mapping[str, Any]:
    entries = document.get(section)
    for entry in cast("list[Any]", entries) if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            item = cast("dict[str, Any]", entry)
            if item.get("name") == name and isinstance(item.get(key), dict):
                return cast("dict[str, Any]", item[key])
    raise _invalid(f"{section} has no entry {name!r}", "check the names of its contexts, clusters and users")


def _text(section: Mapping[str, Any], key: str, base: Path | None) -> str | None:
    """The value of `key-data` decoded, or the content of the file that `key` names."""
    data = section.get(f"{key}-data")
    if data:
        try:
            return base64.b64decode(str(data), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise _invalid(f"{key}-data is no base64 of PEM text", "paste the whole file") from None
    named = section.get(key)
    if not named:
        return None
    if base is None:
        raise _invalid(
            f"{key} names a file ({named}), which is on another computer",
            "embed it: kubectl config view --flatten --minify",
        )
    return (base / str(named)).read_text()


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _invalid(cause: str, remedy: str) -> PermanentFailure:
    return PermanentFailure("KubeconfigInvalid", f"the kubeconfig can't be used: {cause}; {remedy}")
