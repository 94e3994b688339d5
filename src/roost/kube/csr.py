"""What a certificate signing request asks for. Pure.

Called by the on-premises provider, which approves a kubelet's request only when it asks for nothing but
its own Machine's name and addresses.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Asked:
    """The subject and the alternative names of a request, whose own signature holds."""

    common_name: str
    organizations: tuple[str, ...]
    dns_names: frozenset[str]
    addresses: frozenset[str]
    others: int
    """Alternative names of further types (URI, e-mail)."""


def read(pem: str) -> Asked:
    """Raises ValueError for what is no request or is not signed by its own key."""
    request = x509.load_pem_x509_csr(pem.encode())
    if not request.is_signature_valid:
        raise ValueError("the request is not signed by its own key")
    names = [str(name.value) for name in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    groups = [str(name.value) for name in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    try:
        alternative = list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        alternative = []
    dns = [name.value for name in alternative if isinstance(name, x509.DNSName)]
    addresses = [str(name.value) for name in alternative if isinstance(name, x509.IPAddress)]
    return Asked(
        common_name=names[0] if len(names) == 1 else "",
        organizations=tuple(groups),
        dns_names=frozenset(dns),
        addresses=frozenset(addresses),
        others=len(alternative) - len(dns) - len(addresses),
    )
