"""What the three objects of the registry's external name come to, and what is said of their certificate."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from roost.bundle import external
from roost.bundle.external import Judgement
from roost.kube import pki

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOST = "registry.example.com"
AUTHORITY = pki.create_authority("test", now=NOW - timedelta(days=1))


def ingress(host: str | None = HOST) -> dict[str, Any]:
    return {
        "spec": {"rules": [{"host": host, "http": {}} if host else {}], "tls": [{"secretName": external.SECRET_NAME}]}
    }


def secret(
    *, hosts: tuple[str, ...] = (HOST,), days: float = 365, key: pki.KeyPair | None = None, begins: datetime = NOW
) -> dict[str, Any]:
    leaf = pki.issue(AUTHORITY, pki.Profile("r", "server", hosts=hosts), now=begins, life=timedelta(days=days))
    pair = {"tls.crt": leaf.certificate_pem, "tls.key": (key or leaf).key_pem.reveal()}
    return {"data": {name: base64.b64encode(text.encode()).decode() for name, text in pair.items()}}


def judge(ingress_: Any, secret_: Any, *, now: datetime = NOW) -> Judgement:
    found = external.judge(ingress_, secret_, platform_hosts=frozenset({"10.0.0.1", "roost.example.com"}), now=now)
    assert found is not None
    return found


def test_nobody_asks_for_a_name() -> None:
    assert external.judge(None, secret(), platform_hosts=frozenset(), now=NOW) is None


@pytest.mark.parametrize("hosts", [(HOST,), ("*.example.com",), ("other.example.com", HOST)])
def test_a_name_with_its_certificate_is_served(hosts: tuple[str, ...]) -> None:
    found = judge(ingress(), secret(hosts=hosts))
    assert (found.status, found.reason) == ("True", "Succeeded")
    assert found.served is not None and found.served.host == HOST
    assert "PRIVATE" not in repr(found)


def test_its_end_is_warned_of_from_thirty_days_before() -> None:
    made = secret(days=100)
    assert judge(ingress(), made, now=NOW + timedelta(days=69)).reason == "Succeeded"
    near = judge(ingress(), made, now=NOW + timedelta(days=71))
    assert (near.status, near.reason) == ("True", "RegistryCertificateExpiring")
    assert "in 29 days" in near.message or "in 28 days" in near.message
    over = judge(ingress(), made, now=NOW + timedelta(days=101))
    assert (over.status, over.reason) == ("False", "RegistryCertificateExpired")


@pytest.mark.parametrize(
    ("made", "reason", "cause"),
    [
        ((ingress(), None), "RegistryAddressIncomplete", "kubectl create secret tls registry-address.tls"),
        ((ingress(None), secret()), "RegistryAddressIncomplete", "no host"),
        ((ingress("roost.example.com"), secret()), "RegistryAddressTaken", "platform's own address"),
        (
            (ingress(), secret(hosts=("other.example.com",))),
            "RegistryCertificateInvalid",
            "for other.example.com, not",
        ),
        ((ingress(), secret(hosts=("*.registry.example.com",))), "RegistryCertificateInvalid", "not for"),
        ((ingress(), secret(key=AUTHORITY)), "RegistryCertificateInvalid", "tls.key is not its key"),
        ((ingress(), {"data": {"tls.crt": "!!", "tls.key": "eA=="}}), "RegistryCertificateInvalid", "can't be used"),
        ((ingress(), {}), "RegistryCertificateInvalid", "can't be used"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_served(made: tuple[Any, Any], reason: str, cause: str) -> None:
    found = judge(*made)
    assert (found.status, found.reason, found.served) == ("False", reason, None)
    assert cause in found.message
