"""Certificate authorities and leaf certificates (EC P-256), and the decision when one is due.

Pure: gives PEM text, touches no file. Called by embedded/pki, which keeps the files, and by tests.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from roost.api.masked import Masked

AUTHORITY_LIFE: Final = timedelta(days=3650)
LEAF_LIFE: Final = timedelta(days=365)
SKEW: Final = timedelta(hours=1)
"""Certificates are valid from this long ago, for machines whose clock is behind."""

Usage = Literal["server", "client", "both"]


@dataclass(frozen=True)
class KeyPair:
    certificate_pem: str
    key_pem: Masked


@dataclass(frozen=True)
class Profile:
    """What a leaf certificate says."""

    common_name: str
    usage: Usage
    organizations: tuple[str, ...] = ()
    """Groups, in a client certificate for Kubernetes."""
    hosts: tuple[str, ...] = ()
    """DNS names and IP addresses of a server."""


def create_authority(name: str, *, now: datetime, life: timedelta = AUTHORITY_LIFE) -> KeyPair:
    """A self-signed CA that signs leaves only."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(subject, subject, key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return KeyPair(_pem(certificate), _key_pem(key))


def issue(authority: KeyPair, profile: Profile, *, now: datetime, life: timedelta = LEAF_LIFE) -> KeyPair:
    """A new key with a certificate of the authority."""
    issuer = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
    signer = _load_key(authority.key_pem)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in profile.organizations]
    subject = x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, profile.common_name)])
    usages = {
        "server": [ExtendedKeyUsageOID.SERVER_AUTH],
        "client": [ExtendedKeyUsageOID.CLIENT_AUTH],
        "both": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
    }[profile.usage]
    life = min(life, issuer.not_valid_after_utc - now)
    builder = (
        _builder(subject, issuer.subject, key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)  # pyright: ignore[reportArgumentType]
    )
    if profile.hosts:
        builder = builder.add_extension(
            x509.SubjectAlternativeName(_alternative_names(profile.hosts)), critical=False
        )
    return KeyPair(_pem(builder.sign(signer, hashes.SHA256())), _key_pem(key))


def due(certificate_pem: str, *, authority_pem: str, profile: Profile, now: datetime) -> str | None:
    """Why a leaf must be issued anew, or None. The last third of its life is for renewing it."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    except ValueError:
        return "it is no certificate"
    authority = x509.load_pem_x509_certificate(authority_pem.encode())
    end = certificate.not_valid_after_utc
    if now >= end:
        return f"it expired on {end:%Y-%m-%d}"
    if now >= renewal(certificate_pem):
        return f"it expires on {end:%Y-%m-%d}"
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return "it was issued by another authority"
    if _hosts(certificate) != frozenset(profile.hosts):
        return "its names changed"
    groups = tuple(str(n.value) for n in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    name = [str(n.value) for n in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if name != [profile.common_name] or sorted(groups) != sorted(profile.organizations):
        return "its subject changed"
    return None


def expiry(certificate_pem: str) -> datetime:
    """When a certificate ends (UTC)."""
    return x509.load_pem_x509_certificate(certificate_pem.encode()).not_valid_after_utc


def renewal(certificate_pem: str) -> datetime:
    """From when on `due` asks for a new one because of its age."""
    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return end - (end - begin) / 3


def matches(pair: KeyPair) -> bool:
    """Both can be read, and the key belongs to the certificate."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate_pem.encode())
        return _load_key(pair.key_pem).public_key() == certificate.public_key()
    except (ValueError, TypeError):
        return False


def create_signing_key() -> tuple[str, Masked]:
    """(public, private) PEM of a key that signs service account tokens."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode(), _key_pem(key)


def utc_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + life)
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(hosts: tuple[str, ...]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _hosts(certificate: x509.Certificate) -> frozenset[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset([*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))])


def _load_key(pem: Masked) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.reveal().encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not an EC key")
    return key


def _key_pem(key: ec.EllipticCurvePrivateKey) -> Masked:
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Masked(encoded.decode())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
