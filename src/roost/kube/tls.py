"""TLS towards an API server: its CA alone is trusted, and a client's key stays in memory.

Called by kube/client and kube/direct; apart from them, since direct must not import a whole client.
"""

from __future__ import annotations

import os
import ssl

from roost.api.errors import PermanentFailure
from roost.kube.kubeconfig import Access


def tls_context(access: Access) -> ssl.SSLContext:
    """Verifies with the kubeconfig's CA alone; the client's key stays in memory."""
    if access.insecure:
        raise PermanentFailure(
            "KubeconfigInsecure",
            f"the kubeconfig of {access.server} says insecure-skip-tls-verify; "
            "give certificate-authority-data instead, so that the server is known",
        )
    context = ssl.create_default_context(cadata=access.ca_pem) if access.ca_pem else ssl.create_default_context()
    if access.certificate_pem and access.key_pem:
        _load_key(context, access.certificate_pem, access.key_pem.reveal())
    return context


def _load_key(context: ssl.SSLContext, certificate_pem: str, key_pem: str) -> None:
    # ssl reads keys from paths only: an anonymous file in memory keeps the key off the disk.
    descriptor = os.memfd_create("roost-key", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, f"{certificate_pem.rstrip()}\n{key_pem}".encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    except ssl.SSLError as error:
        raise PermanentFailure(
            "KubeconfigInvalid", f"the kubeconfig's client certificate and key can't be used: {error.reason}"
        ) from error
    finally:
        os.close(descriptor)
