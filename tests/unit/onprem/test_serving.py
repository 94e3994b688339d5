"""Kubelet serving certificates: approved only when a node asks for itself."""

from __future__ import annotations

import base64
import ipaddress
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from roost.providers.onprem import serving

ADDRESSES = {"w1": frozenset({"10.200.0.12"}), "w2": frozenset({"10.200.0.13"})}


def request(
    *,
    name: str = "system:node:w1",
    group: str = "system:nodes",
    dns: tuple[str, ...] = ("w1",),
    addresses: tuple[str, ...] = ("10.200.0.12",),
    uri: str | None = None,
    **spec: Any,
) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(value) for value in dns]
    names += [x509.IPAddress(ipaddress.ip_address(value)) for value in addresses]
    if uri:
        names.append(x509.UniformResourceIdentifier(uri))
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return {
        "metadata": {"name": "csr-1"},
        "spec": {
            "request": base64.b64encode(pem).decode(),
            "signerName": serving.SIGNER,
            "username": "system:node:w1",
            "groups": ["system:nodes", "system:authenticated"],
            "usages": ["digital signature", "server auth"],
            **spec,
        },
    }


def test_a_node_that_asks_for_itself_is_approved() -> None:
    assert serving.refusal(request(), ADDRESSES) is None
    assert serving.refusal(request(dns=()), ADDRESSES) is None
    assert (
        serving.refusal(request(usages=["digital signature", "key encipherment", "server auth"]), ADDRESSES) is None
    )


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"dns": ("w1", "kubernetes.default")}, "kubernetes.default"),
        ({"addresses": ("10.200.0.12", "10.200.0.13")}, "10.200.0.13"),
        ({"uri": "spiffe://x"}, "URIs"),
        ({"dns": (), "addresses": ()}, "no name"),
        ({"name": "system:node:w2"}, "subject"),
        ({"group": "system:masters"}, "subject"),
        ({"username": "system:node:stranger"}, "no node of a Machine"),
        ({"username": "admin"}, "no node of a Machine"),
        ({"groups": ["system:authenticated"]}, "system:nodes"),
        ({"usages": ["digital signature", "client auth", "server auth"]}, "client auth"),
        ({"usages": ["digital signature"]}, "digital signature"),
        ({"request": base64.b64encode(b"nonsense").decode()}, "can't be read"),
    ],
)
def test_everything_else_is_refused_with_the_reason(asked: dict[str, Any], says: str) -> None:
    refusal = serving.refusal(request(**asked), ADDRESSES)
    assert refusal is not None
    assert says in refusal


def test_only_pending_requests_of_this_signer_are_looked_at() -> None:
    assert serving.is_pending(request())
    assert not serving.is_pending(request(signerName="kubernetes.io/kube-apiserver-client"))
    assert not serving.is_pending({**request(), "status": {"conditions": [{"type": "Denied"}]}})
