"""What a person gives to import a cluster, taken apart. Nothing in it is ever executed or opened. Pure.

Of a kubeconfig only address, CA and credential are taken, and an access is built anew from these.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, cast

import yaml

from roost.api.errors import PermanentFailure
from roost.api.masked import Masked
from roost.kube import certificates
from roost.kube.kubeconfig import Access, parse

LARGEST: Final = 256 * 1024
LEAST_LIFE: Final = 3600.0
"""Seconds that a given token must still be valid for."""
_REFUSED_IN_CLUSTER: Final = {
    "proxy-url": "asks for a proxy, which only the platform's administrator sets; leave proxy-url out",
}


class GivenInvalid(PermanentFailure):
    """What was given can't be used; nothing was done with it."""


@dataclass(frozen=True)
class Given:
    """`token` or `kubeconfig`; the other fields win over the kubeconfig's."""

    server: str = ""
    ca_pem: str = ""
    tls_server_name: str = ""
    token: Masked | None = field(default=None, repr=False)
    kubeconfig: Masked | None = field(default=None, repr=False)


def access(given: Given, *, now: datetime) -> Access:
    """Raises GivenInvalid, or PermanentFailure of kube.kubeconfig, with the cause and what to give instead."""
    if given.kubeconfig is not None:
        found = _from_kubeconfig(given.kubeconfig)
    elif given.token is not None:
        if not given.server:
            raise GivenInvalid("ServerMissing", "spec.imported.server is needed with a token; give https://HOST:PORT")
        token = given.token.reveal().strip()
        if not token or any(character.isspace() or not character.isprintable() for character in token):
            raise GivenInvalid("TokenInvalid", "the token is empty or holds spaces; give it as it was issued")
        found = Access(given.server.rstrip("/"), token=Masked(token))
    else:
        raise GivenInvalid(
            "CredentialMissing",
            "the Secret that spec.imported.credential names has neither token nor kubeconfig; add one of them",
        )
    found = replace(
        found,
        server=given.server.rstrip("/") or found.server,
        ca_pem=given.ca_pem or found.ca_pem,
        server_name=given.tls_server_name or found.server_name,
    )
    _check_ca(found, now)
    if found.token is not None:
        ends = expiry(found.token)
        if ends is not None and (ends - now).total_seconds() < LEAST_LIFE:
            raise GivenInvalid(
                "CredentialExpires",
                f"the token expires at {ends:%Y-%m-%d %H:%M} UTC; give one that is valid for an hour at least",
            )
    return found


def expiry(token: Masked) -> datetime | None:
    """When a JWT ends; None for a token that does not tell."""
    moment = claims(token).get("exp")
    return datetime.fromtimestamp(float(moment), UTC) if isinstance(moment, int | float) else None


def claims(token: Masked) -> Mapping[str, Any]:
    """What a JWT says of itself, not verified: for knowing when to renew it. Empty for other tokens."""
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return {}
    try:
        value: object = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _from_kubeconfig(kubeconfig: Masked) -> Access:
    if len(kubeconfig.reveal()) > LARGEST:
        raise GivenInvalid(
            "KubeconfigInvalid",
            f"the kubeconfig is larger than {LARGEST // 1024} KiB; give `kubectl config view --flatten --minify`",
        )
    found = parse(kubeconfig)
    document = cast("Mapping[str, Any]", yaml.safe_load(kubeconfig.reveal()))
    for entry in cast("list[Any]", document.get("clusters") or []):
        inner = cast("Mapping[str, Any]", entry).get("cluster") if isinstance(entry, dict) else None
        for key, cause in _REFUSED_IN_CLUSTER.items():
            if isinstance(inner, dict) and cast("Mapping[str, Any]", inner).get(key):
                raise GivenInvalid("KubeconfigUnsupported", f"the kubeconfig {cause}")
    if found.insecure:
        raise GivenInvalid(
            "KubeconfigInsecure",
            "the kubeconfig says insecure-skip-tls-verify, so that anybody between could answer; give "
            "certificate-authority-data instead",
        )
    if found.username or found.password:
        raise GivenInvalid(
            "KubeconfigUnsupported",
            "the kubeconfig signs in with user name and password, which Kubernetes no longer knows; give a token or "
            "a client certificate",
        )
    if found.impersonate:
        raise GivenInvalid(
            "KubeconfigUnsupported", "the kubeconfig acts as somebody else (as); give that user's own credential"
        )
    if found.token is None and found.certificate_pem is None:
        raise GivenInvalid(
            "CredentialMissing", "the kubeconfig's user has neither a token nor a client certificate; add one of them"
        )
    return found


def _check_ca(found: Access, now: datetime) -> None:
    if not found.ca_pem:
        return
    try:
        begin, end = certificates.validity(found.ca_pem)
    except certificates.Unreadable as error:
        raise GivenInvalid(
            "CAInvalid", f"the CA can't be used: {error}; give the PEM text of what signed the API's certificate"
        ) from error
    if now >= end:
        raise GivenInvalid("CAExpired", f"the CA expired on {end:%Y-%m-%d}; give the one that the cluster uses now")
    if now < begin:
        raise GivenInvalid(
            "CAInvalid", f"the CA is valid only from {begin:%Y-%m-%d %H:%M} UTC on; check it and the clock"
        )
