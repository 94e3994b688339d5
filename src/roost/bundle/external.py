"""The external name of the built-in registry: what three objects in kube-system say, and what is wrong with them.

The objects are those of the reference document: Secret `registry-address.tls`, Ingress `registry-address`, Service
`registry`. Called by the process that serves the name (embedded/front) and by the controllers, which tell people.
Pure.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast

from roost.api.masked import Masked
from roost.kube import certificates
from roost.kube.resources import ResourceType

NAMESPACE: Final = "kube-system"
SECRET_NAME: Final = "registry-address.tls"  # noqa: S105
INGRESS_NAME: Final = "registry-address"
INGRESS: Final = ResourceType("networking.k8s.io", "v1", "Ingress", "ingresses", namespaced=True)
WARN_BEFORE: Final = timedelta(days=30)

Json = Mapping[str, Any]


@dataclass(frozen=True)
class External:
    """A name and what proves it."""

    host: str
    certificate_pem: str
    key_pem: Masked = field(repr=False)


@dataclass(frozen=True)
class Judgement:
    """`served`: None where the name can't be served."""

    served: External | None
    status: Literal["True", "False"]
    reason: str
    message: str
    expires: datetime | None = None
    """When the certificate ends, where it could be read."""


def judge(
    ingress: Json | None, secret: Json | None, *, platform_hosts: frozenset[str], now: datetime
) -> Judgement | None:
    """None: nobody asked for an external name. `platform_hosts`: names and addresses that the platform has itself."""
    if ingress is None:
        return None
    host = _host(ingress)
    if not host:
        return _no(
            "RegistryAddressIncomplete", f"Ingress {NAMESPACE}/{INGRESS_NAME} has no host in spec.rules; add it"
        )
    if host in platform_hosts:
        return _no(
            "RegistryAddressTaken",
            f"{host} is the platform's own address; the registry's external name must be another one",
        )
    if secret is None:
        return _no(
            "RegistryAddressIncomplete",
            f"Secret {NAMESPACE}/{SECRET_NAME} does not exist; create it: `kubectl create secret tls {SECRET_NAME} "
            f"--cert=FILE --key=FILE -n {NAMESPACE}`",
        )
    data = cast("Json", secret.get("data") or {})
    certificate, key = _decoded(data, "tls.crt"), _decoded(data, "tls.key")
    where = f"the certificate in Secret {NAMESPACE}/{SECRET_NAME}"
    try:
        fits = certificates.belongs(certificate, Masked(key))
        begin, end = certificates.validity(certificate)
        covered = certificates.covers(certificate, host)
    except certificates.Unreadable as error:
        return _no("RegistryCertificateInvalid", f"{where} can't be used: {error}")
    if not fits:
        return _no("RegistryCertificateInvalid", f"{where} can't be used: tls.key is not its key")
    if not covered:
        named = ", ".join(sorted(certificates.names(certificate))) or "no name"
        return _no("RegistryCertificateInvalid", f"{where} is for {named}, not for {host}; replace it")
    served = External(host, certificate, Masked(key))
    if now >= end:
        return Judgement(
            served, "False", "RegistryCertificateExpired", f"{where} expired on {end:%Y-%m-%d}; replace it", end
        )
    if now < begin:
        return Judgement(
            served,
            "False",
            "RegistryCertificateInvalid",
            f"{where} is valid only from {begin:%Y-%m-%d %H:%M} UTC on",
            end,
        )
    if now >= end - WARN_BEFORE:
        days = (end - now).days
        return Judgement(
            served,
            "True",
            "RegistryCertificateExpiring",
            f"{where} expires on {end:%Y-%m-%d}, in {days} days; replace it before: a new one is taken up by itself",
            end,
        )
    return Judgement(served, "True", "Succeeded", f"The registry is served as {host} until {end:%Y-%m-%d}", end)


def _no(reason: str, message: str) -> Judgement:
    return Judgement(None, "False", reason, message)


def _host(ingress: Json) -> str:
    rules = cast("list[Json]", cast("Json", ingress.get("spec") or {}).get("rules") or [])
    return next((str(rule["host"]).lower() for rule in rules if rule.get("host")), "")


def _decoded(data: Json, key: str) -> str:
    try:
        return base64.b64decode(str(data.get(key) or "")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
