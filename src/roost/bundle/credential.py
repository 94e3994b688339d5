"""Reads what signs in to a registry, in the forms in which people have it. Pure; values are Masked at once.

Called by `roost bundle push` (a file, or standard input) and by the controllers (Secrets). The forms:
Docker's config.json; the file of a public registry (address, user, token, ca); or one line `USER:PASSWORD`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from roost.api.errors import PermanentFailure
from roost.api.masked import Masked
from roost.bundle.remote import Address, RemoteRegistry, parse_address


class CredentialUnreadable(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("RegistryCredentialUnreadable", message)


@dataclass(frozen=True)
class Credential:
    username: str
    password: Masked = field(repr=False)


def read(text: str, address: str, *, where: str) -> Credential:
    """What signs in to `address`. `where` names the file or Secret in errors. Raises CredentialUnreadable."""
    document = _document(text)
    if document is None:
        username, colon, password = text.strip("\r\n").partition(":")
        if not colon or not username or not password or "\n" in password:
            raise CredentialUnreadable(
                f"{where} is neither Docker's config.json nor a file with user and token, nor one line USER:PASSWORD"
            )
        return Credential(username, Masked(password))
    if "auths" in document:
        return docker_config(document, address, where=where)
    username, password = document.get("user") or document.get("username"), _secret(document)
    if not username or password is None:
        raise CredentialUnreadable(f"{where} lacks the key user, or the key token")
    return Credential(str(username), password)


def docker_config(document: Mapping[str, Any], address: str, *, where: str) -> Credential:
    """The entry of Docker's config.json that is for this registry: by host and port, or by host alone."""
    wanted = parse_address(address)
    auths = cast("Mapping[str, Any]", document.get("auths") or {})
    for name, entry in auths.items():
        if _is_for(name, wanted) and isinstance(entry, Mapping):
            return _entry(cast("Mapping[str, Any]", entry), where=where, name=name)
    raise CredentialUnreadable(
        f"{where} has no credential of {wanted.authority}; it has those of {', '.join(sorted(auths)) or 'none'}"
    )


def public(text: str, *, where: str) -> RemoteRegistry:
    """The file of a public registry: a map in YAML or JSON with address, user, token and, optionally, ca."""
    document = _document(text)
    known = {"address", "user", "username", "token", "password", "ca"}
    if document is None or not document.get("address"):
        raise CredentialUnreadable(f"{where} has no key address; it is a map of address, user, token and ca")
    if unknown := sorted(set(document) - known):
        raise CredentialUnreadable(
            f"{where} has unknown keys: {', '.join(unknown)}; known are address, user, token, ca"
        )
    address = str(document["address"])
    parse_address(address)
    username, password = document.get("user") or document.get("username") or "", _secret(document)
    if bool(username) != (password is not None):
        raise CredentialUnreadable(f"{where} needs both user and token, or neither")
    return RemoteRegistry(address, str(document.get("ca") or ""), str(username), password)


def _is_for(name: str, wanted: Address) -> bool:
    bare = (
        name.removeprefix("https://")
        .removeprefix("http://")
        .removesuffix("/")
        .removesuffix("/v1")
        .removesuffix("/v2")
    )
    host = bare.split("/", 1)[0].lower()
    names = {wanted.authority.lower()}
    if wanted.port == 443:
        names.add(wanted.host.lower())
    return host in names


def _entry(entry: Mapping[str, Any], *, where: str, name: str) -> Credential:
    username, password = entry.get("username"), entry.get("password")
    if not (username and password) and entry.get("auth"):
        try:
            username, _, password = base64.b64decode(str(entry["auth"]), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise CredentialUnreadable(f"{where}: auth of {name} is not base64 of USER:PASSWORD") from error
    if not username or not password:
        raise CredentialUnreadable(
            f"{where}: {name} has no user name and password; a credential helper's file holds none, "
            "so sign in without one"
        )
    return Credential(str(username), Masked(str(password)))


def _secret(document: Mapping[str, Any]) -> Masked | None:
    value = document.get("token") or document.get("password")
    return Masked(str(value)) if value else None


def _document(text: str) -> Mapping[str, Any] | None:
    """A map in JSON or YAML; None for anything else."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None
