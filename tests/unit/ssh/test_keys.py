"""Host keys and private keys."""

from __future__ import annotations

import asyncssh
import pytest

from roost.api.masked import Masked
from roost.ssh.errors import PassphraseWrong, PrivateKeyInvalid
from roost.ssh.keys import ALGORITHMS, algorithm_attempts, fingerprint, is_trusted, parse_private_key

KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC = " ".join(KEY.export_public_key().decode().split()[:2])
OTHER = " ".join(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()[:2])


def test_no_trusted_key_pins_the_first() -> None:
    assert is_trusted((), PUBLIC)


def test_trusted_in_every_form_that_people_paste() -> None:
    for known in (PUBLIC, f"{PUBLIC} root@m1", f"192.0.2.1 {PUBLIC}", fingerprint(PUBLIC), f"{fingerprint(PUBLIC)}="):
        assert is_trusted((OTHER, known), PUBLIC), known
    assert not is_trusted((OTHER, fingerprint(OTHER)), PUBLIC)


def test_fingerprint_is_that_of_openssh() -> None:
    assert fingerprint(PUBLIC) == KEY.get_fingerprint()


def test_the_trusted_type_is_asked_for_first() -> None:
    assert algorithm_attempts([]) == [ALGORITHMS]
    assert algorithm_attempts(["ssh-rsa AAAA"])[0][:2] == ("rsa-sha2-512", "rsa-sha2-256")
    by_fingerprint = algorithm_attempts(["SHA256:abc"])
    assert {attempt[0] for attempt in by_fingerprint} == {"ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512"}


def test_private_keys_and_passphrases() -> None:
    plain = Masked(KEY.export_private_key().decode())
    locked = Masked(KEY.export_private_key(passphrase="open sesame").decode())
    assert parse_private_key(plain, None, machine="m1") == KEY
    assert parse_private_key(locked, Masked("open sesame"), machine="m1") == KEY
    for passphrase in (Masked("wrong"), None):
        with pytest.raises(PassphraseWrong, match="m1"):
            parse_private_key(locked, passphrase, machine="m1")
    with pytest.raises(PrivateKeyInvalid, match="BEGIN") as caught:
        parse_private_key(Masked("hunter-2"), None, machine="m1")
    assert "hunter-2" not in str(caught.value)
