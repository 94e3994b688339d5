"""Who answers to a machine: what is asked, and what each answer means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from roost.api.masked import Masked
from roost.kube import kubeconfig, pki
from roost.node.probing import Answer
from roost.providers.onprem.context import RegistrySource
from roost.providers.onprem.preflight import trust
from tests.unit.onprem import made

CTX = made.context(made.machine("cp1", "10.200.0.11", "ControlPlane"))
OPEN = {"registry": "open", "endpoint": "open"}


def stored() -> Masked:
    authority = pki.create_authority("kubernetes", now=pki.utc_now())
    pair = pki.issue(authority, pki.Profile("roost", "client"), now=pki.utc_now())
    return kubeconfig.build(
        "https://x:6443", authority.certificate_pem, pair.certificate_pem, pair.key_pem, cluster="demo", user="roost"
    )


def test_the_registry_is_asked_and_an_endpoint_that_exists() -> None:
    assert [*trust.questions(CTX, OPEN, None)] == ["registry"]
    assert trust.questions(CTX, OPEN, None)["registry"].url == "https://10.200.0.1:7501/v2/"
    asked = trust.questions(CTX, OPEN, stored())
    assert asked["endpoint"].url.endswith(":6443/livez")
    assert asked["endpoint"].ca_pem.startswith("-----BEGIN CERTIFICATE")


def test_what_is_not_reached_at_all_is_not_asked() -> None:
    assert trust.questions(CTX, {"registry": "refused", "endpoint": "refused"}, stored()) == {}
    assert trust.questions(replace(CTX, registry=None), OPEN, None) == {}
    of_the_system = RegistrySource("registry.example/k8s", ca_pem="")
    assert trust.questions(replace(CTX, registry=of_the_system), OPEN, None) == {}


def test_a_registry_below_a_path_is_asked_at_its_root() -> None:
    private = replace(CTX, registry=RegistrySource("registry.example:5000/k8s", ca_pem="PEM\n"))
    assert trust.questions(private, OPEN, None)["registry"].url == "https://registry.example:5000/v2/"


@pytest.mark.parametrize(
    ("name", "problem", "reason", "warning"),
    [
        ("registry", "CertificateUnknown", "RegistryNotTrusted", False),
        ("registry", "CertificateExpired", "RegistryNotTrusted", False),
        ("registry", "NotTLS", "RegistryNotTrusted", False),
        ("registry", "Timeout", "RegistryUnreachable", False),
        ("endpoint", "CertificateNameMismatch", "EndpointNotTrusted", False),
        ("endpoint", "ConnectionReset", "EndpointUnreachable", True),
    ],
)
def test_each_answer_becomes_a_finding_with_its_evidence(name: str, problem: str, reason: str, warning: bool) -> None:
    found = list(trust.judge(CTX, "w1", {name: Answer(problem, "as it was said")}))
    assert [(finding.check, finding.warning, finding.evidence) for finding in found] == [
        (reason, warning, "as it was said")
    ]
    assert found[0].text.startswith("w1: ")


@pytest.mark.parametrize("answer", [Answer(), Answer("HTTPStatus", "the server answered 401 Unauthorized")])
def test_an_answer_over_tls_that_fits_is_fine(answer: Answer) -> None:
    assert list(trust.judge(CTX, "w1", {"registry": answer, "endpoint": answer})) == []
