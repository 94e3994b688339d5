"""One TLS handshake with an API server, told apart: who vouches for it, for which name, until when. And an upgrade.

Called by checks, before any credential is sent.
"""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from roost.api.errors import PermanentFailure, RetryLater
from roost.kube import certificates
from roost.kube.guarded import Place
from roost.kube.kubeconfig import Access
from roost.kube.tls import tls_context

SECONDS: Final = 10.0
_EXPIRED, _NOT_YET, _NAME, _ADDRESS = 10, 9, 62, 64
"""X509_V_ERR_… of OpenSSL."""


@dataclass(frozen=True)
class Server:
    """What answered the handshake."""

    names: tuple[str, ...]
    expires: datetime
    pin: str


class TLSRefused(PermanentFailure):
    """The certificate is not the one that was to be expected."""


async def shake_hands(access: Access, where: Place, address: str) -> Server:
    """Raises RetryLater ApiUnreachable, TLSRefused."""
    context = tls_context(replace(access, certificate_pem=None, key_pem=None))
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(address, where.port, ssl=context, server_hostname=where.name)
    except ssl.SSLCertVerificationError as error:
        raise await _explained(error, access, where, address) from error
    except ssl.SSLError as error:
        raise TLSRefused(
            "NotTLS",
            f"{where.host}:{where.port} does not speak TLS as an API server does ({error.reason or error}); check "
            "the port",
        ) from error
    except (OSError, TimeoutError) as error:
        text = "no answer in 10 s" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise RetryLater(
            "ApiUnreachable",
            f"{where.host}:{where.port} ({address}) can't be reached from the platform: {text}; check address, port "
            "and firewalls",
        ) from error
    try:
        raw = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return _described(ssl.DER_cert_to_PEM_cert(raw))
    finally:
        writer.close()


async def _explained(
    error: ssl.SSLCertVerificationError, access: Access, where: Place, address: str
) -> PermanentFailure:
    shown = await _presented(where, address)
    names = ", ".join(shown.names) or "no name" if shown else "an unknown name"
    if error.verify_code in (_NAME, _ADDRESS):
        return TLSRefused(
            "CertificateName",
            f"the API's certificate is for {names}, not for {where.name}; give one of these as address, or as "
            "spec.imported.tlsServerName",
        )
    if error.verify_code == _EXPIRED:
        ends = f" on {shown.expires:%Y-%m-%d}" if shown else ""
        return TLSRefused(
            "CertificateExpired",
            f"the API's certificate expired{ends}; renew it on the cluster (kubeadm certs renew)",
        )
    if error.verify_code == _NOT_YET:
        return TLSRefused(
            "CertificateNotYet", "the API's certificate is not valid yet; check the clocks of both sides"
        )
    by = "the CA that was given" if access.ca_pem else "the authorities that the platform's computer trusts"
    return TLSRefused(
        "CertificateAuthority",
        f"the API's certificate (for {names}) was not signed by {by}: {error.verify_message}; give the cluster's CA, "
        "as in certificate-authority-data of its kubeconfig",
    )


async def _presented(where: Place, address: str) -> Server | None:
    """The certificate as it is shown, trusted or not: for words alone. Nothing is sent over this connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(address, where.port, ssl=context, server_hostname=where.name)
    except (OSError, TimeoutError):
        return None
    try:
        raw = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return _described(ssl.DER_cert_to_PEM_cert(raw))
    except certificates.Unreadable:
        return None
    finally:
        writer.close()


def _described(pem: str) -> Server:
    return Server(
        tuple(sorted(certificates.names(pem))), certificates.validity(pem)[1], certificates.public_key_pin(pem)
    )


async def upgrade_passes(access: Access, where: Place, address: str) -> bool:
    """Whether a WebSocket upgrade arrives at the API server: a watch of one second answers 101. Raises OSError."""
    key = base64.b64encode(os.urandom(16)).decode()
    host = f"[{where.host}]" if ":" in where.host else where.host
    lines = [
        "GET /api/v1/namespaces?watch=1&timeoutSeconds=1 HTTP/1.1",
        f"Host: {host}:{where.port}",
        # API servers refuse a WebSocket without one.
        f"Origin: https://{host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    ]
    if access.token is not None:
        lines.append(f"Authorization: Bearer {access.token.reveal()}")
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(
            address, where.port, ssl=tls_context(access), server_hostname=where.name
        )
        try:
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            status = await reader.readline()
        finally:
            writer.close()
    return status.split(b" ")[1:2] == [b"101"]
