"""What a private or public registry lacks of a release, and why it can't be used. Called by preflight.

It asks as a machine's runtime will: with the password in each request, since hosts.toml knows no other way.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from roost.api.errors import PermanentFailure
from roost.bundle.layout import INDEX_TYPES, MANIFEST_TYPES
from roost.bundle.remote import CredentialRefused, RemoteRegistry, Wire

_TIMEOUT: Final = 10.0
_SHOWN: Final = 4


@dataclass(frozen=True)
class Trouble:
    """Why machines can't pull from a registry, or (`unsure`) why that could not be told."""

    reason: str
    cause: str
    evidence: str
    remedy: str
    unsure: bool = False


async def look(registry: RemoteRegistry, images: Mapping[str, tuple[str, ...]]) -> Trouble | None:
    """`images`: name with registry and tag, to the digests that count as it. None: all are there."""
    return await asyncio.to_thread(look_blocking, registry, images)


def look_blocking(registry: RemoteRegistry, images: Mapping[str, tuple[str, ...]]) -> Trouble | None:
    address = registry.address
    try:
        with closing(Wire(registry, timeout=_TIMEOUT, tokens=registry.password is None)) as wire:
            absent = [name for name, digests in images.items() if not _has(wire, name, digests)]
    except CredentialRefused as error:
        if registry.password is not None and error.challenge.lower().startswith("bearer"):
            return Trouble(
                "RegistryNeedsTokens",
                f"the registry {address} takes a password only at its token service, and a runtime's hosts.toml can "
                "give it only with each request",
                error.challenge,
                "Let it take Basic authentication at /v2/ (Harbor, Nexus, Artifactory and distribution with "
                "htpasswd do), or allow pulls without a credential from the machines' network",
            )
        return Trouble(
            error.reason,
            f"the registry {address} refuses the credential",
            error.message,
            "Correct the Secret that spec.onPremises.registry.credential names",
        )
    except PermanentFailure as error:
        return Trouble(error.reason, f"the registry {address} can't be used", error.message, "")
    except ssl.SSLCertVerificationError as error:
        return Trouble(
            "RegistryCertificateInvalid",
            f"the certificate of the registry {address} is not trusted",
            error.verify_message,
            "Give the CA that signed it in spec.onPremises.registry.ca, or let the certificate name this address",
        )
    except (OSError, http.client.HTTPException) as error:
        return Trouble(
            "RegistryNotAsked",
            f"the platform can't reach the registry {address}, so that its images were not looked for",
            str(error) or type(error).__name__,
            "Creation goes on: what counts is that the machines reach it",
            unsure=True,
        )
    if not absent:
        return None
    shown = ", ".join(absent[:_SHOWN]) + (f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else "")
    return Trouble(
        "RegistryImagesMissing",
        f"the registry {address} lacks {len(absent)} of the {len(images)} images of this release, or has others "
        "under their names",
        shown,
        f"Run `roost bundle push VERSION --registry {address}`",
    )


def _has(wire: Wire, name: str, digests: tuple[str, ...]) -> bool:
    repository, _, tag = name.rpartition(":")
    path = wire.path(repository, f"manifests/{tag}")
    accept = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
    response = wire.send("HEAD", path, repository=repository, headers={"Accept": accept})
    response.read()
    if response.status == 404:
        return False
    if response.status != 200:
        raise http.client.HTTPException(f"{response.status} to HEAD {path}")
    found = response.headers.get("Docker-Content-Digest")
    return found is None or found in digests
