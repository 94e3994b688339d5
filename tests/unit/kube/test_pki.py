"""When a certificate is due is decided from its text alone."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from roost.kube import pki

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SERVER = pki.Profile("api", "server", hosts=("localhost", "127.0.0.1", "fd00::1"))
CLIENT = pki.Profile("someone", "client", ("group-a", "group-b"))


@pytest.fixture(scope="module")
def authority() -> pki.KeyPair:
    return pki.create_authority("test-ca", now=NOW)


def due(pair: pki.KeyPair, authority: pki.KeyPair, profile: pki.Profile, days: float) -> str | None:
    moment = NOW + timedelta(days=days)
    return pki.due(pair.certificate_pem, authority_pem=authority.certificate_pem, profile=profile, now=moment)


@pytest.mark.parametrize("profile", [SERVER, CLIENT])
def test_a_fresh_leaf_is_not_due_until_its_last_third(authority: pki.KeyPair, profile: pki.Profile) -> None:
    pair = pki.issue(authority, profile, now=NOW)
    assert due(pair, authority, profile, 0) is None
    assert due(pair, authority, profile, 240) is None
    assert due(pair, authority, profile, 245) == "it expires on 2027-01-01"
    assert due(pair, authority, profile, 366) == "it expired on 2027-01-01"


def test_other_names_subjects_and_authorities_make_it_due(authority: pki.KeyPair) -> None:
    server, client = pki.issue(authority, SERVER, now=NOW), pki.issue(authority, CLIENT, now=NOW)
    assert due(server, authority, replace(SERVER, hosts=("localhost",)), 0) == "its names changed"
    assert due(client, authority, replace(CLIENT, common_name="other"), 0) == "its subject changed"
    assert due(client, authority, replace(CLIENT, organizations=("group-a",)), 0) == "its subject changed"
    other = pki.create_authority("test-ca", now=NOW)
    assert due(server, other, SERVER, 0) == "it was issued by another authority"
    assert pki.due("rubbish", authority_pem=authority.certificate_pem, profile=SERVER, now=NOW) is not None


def test_a_leaf_never_outlives_its_authority() -> None:
    short = pki.create_authority("short", now=NOW, life=timedelta(days=30))
    pair = pki.issue(short, SERVER, now=NOW)
    assert pki.expiry(pair.certificate_pem) == pki.expiry(short.certificate_pem)


def test_usages_keep_servers_and_clients_apart(authority: pki.KeyPair) -> None:
    for profile, usage in ((SERVER, "serverAuth"), (CLIENT, "clientAuth")):
        certificate = x509.load_pem_x509_certificate(pki.issue(authority, profile, now=NOW).certificate_pem.encode())
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert [oid._name for oid in found] == [usage]


def test_a_key_of_another_certificate_is_noticed(authority: pki.KeyPair) -> None:
    first, second = pki.issue(authority, SERVER, now=NOW), pki.issue(authority, SERVER, now=NOW)
    assert pki.matches(first)
    assert not pki.matches(replace(first, key_pem=second.key_pem))


def test_tls_accepts_what_was_issued(authority: pki.KeyPair) -> None:
    """OpenSSL itself completes a handshake with both ends, in memory."""
    now = pki.utc_now()
    ca = pki.create_authority("ca", now=now)
    ends = {}
    for name, profile in (("server", SERVER), ("client", CLIENT)):
        pair = pki.issue(ca, profile, now=now)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if name == "server" else ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=ca.certificate_pem)
        context.verify_mode = ssl.CERT_REQUIRED
        from roost.kube.tls import _load_key  # pyright: ignore[reportPrivateUsage]

        _load_key(context, pair.certificate_pem, pair.key_pem.reveal())
        ends[name] = context
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = ends["server"].wrap_bio(to_server, to_client, server_side=True)
    client = ends["client"].wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    done = set()
    for _ in range(20):
        for end in (client, server):
            try:
                end.do_handshake()
                done.add(end)
            except ssl.SSLWantReadError:
                continue
    assert len(done) == 2
    subject = dict(entry[0] for entry in (server.getpeercert() or {})["subject"])
    assert subject["commonName"] == "someone"
