"""Who an agent is: the key it makes, the certificate it is given, and the signature that shows the key is its own.

The agent uses the first half (`new_key`, `request`, `sign`), the platform the second (`issue`, `examine`, `verify`).
The agent uses the first half (`new_key`, `request`, `sign`), the platform the second (`issue`, `examine`,
`verify`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME: Final = "system:roost:cluster:"
"""Before the cluster's id, in the certificate's common name."""
GROUP: Final = "system:roost:clusters"
URI: Final = "roost:cluster:"
LIFE: Final = timedelta(days=30)
SKEW: Final = timedelta(hours=1)


class ProofRefused(Exception):
    """`code` is a heads.Code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Certified:
    """What a valid certificate says."""

    cluster_id: str
    fingerprint: str
    key: str
    """SHA-256 of the public key."""
    serial: str
    expires: datetime


# The agent's half.


def new_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def request(key_pem: str, cluster_id: str) -> str:
    """A signing request that asks for this cluster's name and nothing else."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, GROUP),
            x509.NameAttribute(NameOID.COMMON_NAME, NAME + cluster_id),
        ]
    )
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(URI + cluster_id)])
    asked = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(names, critical=False)
    return asked.sign(_key(key_pem), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def sign(key_pem: str, text: bytes) -> bytes:
    return _key(key_pem).sign(text, ec.ECDSA(hashes.SHA256()))


def lifetime(certificate_pem: str) -> tuple[datetime, datetime]:
    """From when to when it is valid (UTC)."""
    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    try:
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except AttributeError:
        # Debian 12's cryptography, which the agent's image has, knows only the older names.
        begin = cast("datetime", getattr(certificate, "not_valid_before"))  # noqa: B009
        end = cast("datetime", getattr(certificate, "not_valid_after"))  # noqa: B009
        return begin.replace(tzinfo=UTC), end.replace(tzinfo=UTC)


# The platform's half.


def key_of_request(request_pem: str) -> str:
    """SHA-256 of the public key of a request whose own signature holds. Raises ProofRefused."""
    return _fingerprint_of_key(_request(request_pem).public_key())


def issue(
    authority_pem: str,
    authority_key_pem: str,
    request_pem: str,
    *,
    cluster_id: str,
    now: datetime,
    life: timedelta = LIFE,
) -> str:
    """The certificate for a request that asks for exactly this cluster's name. Raises ProofRefused."""
    asked = _request(request_pem)
    _exactly(asked.subject, asked.extensions, cluster_id)
    issuer = x509.load_pem_x509_certificate(authority_pem.encode())
    public = asked.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    signer = serialization.load_pem_private_key(authority_key_pem.encode(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(asked.subject)
        .issuer_name(issuer.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(min(now + life, issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(URI + cluster_id)]), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def examine(certificate_pem: str, authority_pem: str, *, now: datetime) -> Certified:
    """What a certificate of this authority says. Raises ProofRefused."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        authority = x509.load_pem_x509_certificate(authority_pem.encode())
        certificate.verify_directly_issued_by(authority)
        key = certificate.public_key()
        extensions = certificate.extensions
    except (ValueError, TypeError, InvalidSignature) as error:
        raise ProofRefused("bad_token", "the certificate was not issued by this platform") from error
    names = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(names) != 1 or not names[0].startswith(NAME):
        raise ProofRefused("bad_token", "the certificate is not one of an agent")
    cluster_id = names[0].removeprefix(NAME)
    _exactly(certificate.subject, extensions, cluster_id)
    if now >= certificate.not_valid_after_utc:
        raise ProofRefused(
            "expired",
            f"the agent's certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; "
            "register the cluster again with a new token (its settings stay)",
        )
    if now < certificate.not_valid_before_utc:
        raise ProofRefused("clock_skew", "the agent's certificate is not valid yet; the platform's clock is behind")
    return Certified(
        cluster_id=cluster_id,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        key=_fingerprint_of_key(key),
        serial=format(certificate.serial_number, "x"),
        expires=certificate.not_valid_after_utc,
    )


def verify(certificate_pem: str, signature: bytes, text: bytes) -> None:
    """Raises ProofRefused unless the certificate's key signed the text."""
    key = x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ProofRefused("bad_token", "the certificate's key is of another kind")
    try:
        key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise ProofRefused("bad_token", "the agent does not hold the key of its certificate") from error


def _request(request_pem: str) -> x509.CertificateSigningRequest:
    try:
        asked = x509.load_pem_x509_csr(request_pem.encode())
        valid = asked.is_signature_valid and isinstance(asked.public_key(), ec.EllipticCurvePublicKey)
    except (ValueError, TypeError) as error:
        raise ProofRefused("bad_token", "the signing request can't be read") from error
    if not valid:
        raise ProofRefused("bad_token", "the signing request is not signed by its own elliptic key")
    return asked


def _exactly(subject: x509.Name, extensions: x509.Extensions, cluster_id: str) -> None:
    """One organization, one name, one URI: those of this cluster."""
    parts = sorted((each.oid.dotted_string, str(each.value)) for each in subject)
    wanted = sorted(
        [(NameOID.ORGANIZATION_NAME.dotted_string, GROUP), (NameOID.COMMON_NAME.dotted_string, NAME + cluster_id)]
    )
    try:
        names = list(extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    uris = [each.value for each in names if isinstance(each, x509.UniformResourceIdentifier)]
    if parts != wanted or uris != [URI + cluster_id] or len(names) != 1:
        raise ProofRefused("bad_token", "the request or certificate names something else than this cluster")


def _fingerprint_of_key(key: object) -> str:
    assert isinstance(key, ec.EllipticCurvePublicKey)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()


def _key(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
