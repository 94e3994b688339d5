"""What a certificate says of itself, whoever issued it: names, end, key. Pure.

Called by the registry's external name (bundle) and by whoever tells when certificates of a cluster end.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from roost.api.masked import Masked


class Unreadable(ValueError):
    """Not a certificate, or not a key, in PEM."""


def load(pem: str) -> x509.Certificate:
    """The first certificate of a chain. Raises Unreadable."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())[0]
    except (ValueError, IndexError) as error:
        raise Unreadable(f"it is no certificate in PEM ({error})") from error


def validity(pem: str) -> tuple[datetime, datetime]:
    """From when to when it is valid (UTC). Raises Unreadable."""
    certificate = load(pem)
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def names(pem: str) -> frozenset[str]:
    """DNS names and addresses that it is for, in lower case. Raises Unreadable."""
    try:
        found = load(pem).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    dns = [name.lower() for name in found.get_values_for_type(x509.DNSName)]
    return frozenset([*dns, *map(str, found.get_values_for_type(x509.IPAddress))])


def covers(pem: str, host: str) -> bool:
    """Whether clients take it for this host; a wildcard stands for one label."""
    known = names(pem)
    try:
        return str(ipaddress.ip_address(host)) in known
    except ValueError:
        pass
    lowered = host.lower().rstrip(".")
    _, _, parent = lowered.partition(".")
    return lowered in known or (bool(parent) and f"*.{parent}" in known)


def belongs(certificate_pem: str, key_pem: Masked) -> bool:
    """Whether the key is the certificate's; of any type. Raises Unreadable."""
    try:
        key = serialization.load_pem_private_key(key_pem.reveal().encode(), password=None)
    except (ValueError, TypeError) as error:
        raise Unreadable("its key is no private key in PEM, or has a passphrase") from error
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form) == load(certificate_pem).public_key().public_bytes(*form)


def public_key_pin(pem: str) -> str:
    """sha256 of the public key, in hex: the same as long as the key is. Raises Unreadable."""
    key = (
        load(pem)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key)
    return digest.finalize().hex()
