"""Private keys of people and host keys of machines: parsed, compared and shown. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Final

import asyncssh

from roost.api.masked import Masked
from roost.ssh.errors import PassphraseWrong, PrivateKeyInvalid

ALGORITHMS: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Host key algorithms in the order in which roost asks for them."""
_FINGERPRINT: Final = "SHA256:"


def parse_private_key(key: Masked, passphrase: Masked | None, *, machine: str) -> asyncssh.SSHKey:
    """Raises PassphraseWrong or PrivateKeyInvalid; neither shows anything of the key."""
    text = key.reveal().replace("\r\n", "\n").strip() + "\n"
    try:
        return asyncssh.import_private_key(text, passphrase.reveal() if passphrase is not None else None)
    except asyncssh.KeyEncryptionError:
        raise PassphraseWrong(
            f"{machine}: the passphrase does not open the SSH private key; correct `passphrase` in the Secret"
        ) from None
    except (asyncssh.KeyImportError, ValueError) as error:
        if "assphrase" in str(error):
            raise PassphraseWrong(
                f"{machine}: the SSH private key is encrypted and no passphrase is given; "
                "put it under `passphrase` into the Secret"
            ) from None
        raise PrivateKeyInvalid(
            f"{machine}: the SSH private key can't be read ({error}); "
            "the Secret must hold the whole file, from `-----BEGIN` to `-----END …-----`, in OpenSSH or PEM form"
        ) from None


def fingerprint(host_key: str) -> str:
    """`SHA256:…` of a key in the form `ssh-ed25519 AAAA…`, as ssh-keygen -l shows it. Raises ValueError."""
    try:
        blob = base64.b64decode(host_key.split()[1], validate=True)
    except (IndexError, binascii.Error) as error:
        raise ValueError(f"not a public key: {host_key[:40]!r}") from error
    return _FINGERPRINT + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def is_trusted(host_keys: Sequence[str], offered: str) -> bool:
    """Whether a machine's key is among trusted keys and fingerprints; no trusted ones: the first is pinned."""
    if not host_keys:
        return True
    shown = fingerprint(offered)
    wanted = offered.split()[:2]
    return any(
        known.strip().rstrip("=") == shown if known.startswith(_FINGERPRINT) else _words(known) == wanted
        for known in host_keys
    )


def algorithm_attempts(host_keys: Sequence[str]) -> list[tuple[str, ...]]:
    """Which host key algorithms to offer, in successive connections.

    A machine has several keys and shows one, of the type asked for first; asking for a type that is not
    the trusted one would look like a changed key. A fingerprint does not tell its type, so each is tried.
    """
    types = {word[0] for known in host_keys if not known.startswith(_FINGERPRINT) and (word := _words(known))}
    first = tuple(a for a in ALGORITHMS if a in types or ("ssh-rsa" in types and a.startswith("rsa-")))
    preferred = first + tuple(a for a in ALGORITHMS if a not in first)
    if not any(known.startswith(_FINGERPRINT) for known in host_keys):
        return [preferred]
    families = (("ssh-ed25519",), ALGORITHMS[1:4], ALGORITHMS[4:])
    return [preferred, *(tuple(family) for family in families if preferred[0] not in family)]


def _words(known: str) -> list[str]:
    """Type and key; a leading host name, as known_hosts and ssh-keyscan have it, is dropped."""
    words = known.split()
    if len(words) >= 3 and not words[0].startswith(("ssh-", "ecdsa-", "sk-")):
        words = words[1:]
    return words[:2]
