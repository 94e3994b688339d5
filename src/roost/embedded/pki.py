"""The platform's keys and certificates on disk: made before etcd's first start, renewed at each start.

Three authorities, so that none vouches for more than it must: `platform-ca` for the API, its clients and
the webhook; `etcd-ca` for etcd alone; `serving-ca` for what machines and people reach over TLS (it is
what machines are given). Called by start and status.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from roost.api.errors import PermanentFailure
from roost.api.masked import Masked
from roost.api.names import (
    ADMISSION_USER,
    CONTROLLERS_USER,
    GATEWAY_USER,
    GLOBAL_CLUSTER,
    PLATFORM_GROUP,
    REGISTRY_USER,
)
from roost.embedded import door, freshness
from roost.embedded.files import explained, write_if_changed, write_private
from roost.embedded.layout import Layout
from roost.embedded.record import Record
from roost.kube import kubeconfig, pki

AUTHORITIES: Final = ("platform-ca", "etcd-ca", "serving-ca")
_LOCAL: Final = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Leaf:
    name: str
    authority: str
    profile: pki.Profile


@dataclass(frozen=True)
class User:
    """A client of the API with a kubeconfig of its own."""

    file: str
    common_name: str
    organizations: tuple[str, ...]


USERS: Final = (
    User("admin", "roost-admin", ("system:masters",)),
    User("controllers", CONTROLLERS_USER, (PLATFORM_GROUP,)),
    User("admission", ADMISSION_USER, (PLATFORM_GROUP,)),
    User("registry-front", REGISTRY_USER, (PLATFORM_GROUP,)),
    User("gateway", GATEWAY_USER, (PLATFORM_GROUP,)),
    User("controller-manager", "system:kube-controller-manager", ()),
)


def leaves(layout: Layout, record: Record) -> tuple[Leaf, ...]:
    """Every leaf certificate of a platform."""
    api_names = (*_LOCAL, "kubernetes", "kubernetes.default", "kubernetes.default.svc", "10.0.0.1")
    reachable = (*_LOCAL, record.address) if record.address else _LOCAL
    servers = (
        Leaf("etcd", "etcd-ca", pki.Profile("etcd", "both", hosts=_LOCAL)),
        Leaf("etcd-client", "etcd-ca", pki.Profile("kube-apiserver", "client")),
        Leaf("api", "platform-ca", pki.Profile("kube-apiserver", "server", hosts=api_names)),
        Leaf("webhook", "platform-ca", pki.Profile("roost-admission", "server", hosts=_LOCAL)),
        Leaf("registry", "serving-ca", pki.Profile("roost-registry", "server", hosts=reachable)),
        gateway_leaf(layout, record),
    )
    clients = (
        Leaf(f"user-{user.file}", "platform-ca", pki.Profile(user.common_name, "client", user.organizations))
        for user in USERS
    )
    return (*servers, *clients)


def gateway_leaf(layout: Layout, record: Record) -> Leaf:
    names = door.names(layout, record)
    return Leaf("gateway", "serving-ca", pki.Profile("roost-gateway", "server", hosts=names))


def renew_gateway(layout: Layout, record: Record, *, now: datetime) -> bool:
    """Issues the gateway's certificate anew where its names changed or its end is near; it takes that over itself."""
    authority, leaf = _read(layout, "serving-ca"), gateway_leaf(layout, record)
    kept = _read(layout, leaf.name)
    if authority is None or (kept is not None and pki.matches(kept) and not _due(kept, authority, leaf, now)):
        return False
    _write(layout, leaf.name, pki.issue(authority, leaf.profile, now=now))
    return True


def ensure(layout: Layout, record: Record, *, now: datetime) -> tuple[str, ...]:
    """Makes what is missing and renews what is due. Gives the names of what was written."""
    written: list[str] = []
    authorities: dict[str, pki.KeyPair] = {}
    first_time = not layout.record.exists()
    for name in AUTHORITIES:
        found = _read(layout, name)
        if found is None or not pki.matches(found):
            if not first_time:
                raise PermanentFailure(
                    "AuthorityMissing",
                    f"{layout.certificate(name)} or its key is missing or damaged; what it vouched for needs it: "
                    "restore the directory's pki/ from a backup",
                )
            found = pki.create_authority(f"roost-{name}", now=now)
            _write(layout, name, found)
            written.append(name)
        authorities[name] = found
    for leaf in leaves(layout, record):
        authority = authorities[leaf.authority]
        kept = _read(layout, leaf.name)
        if kept is None or not pki.matches(kept) or _due(kept, authority, leaf, now):
            _write(layout, leaf.name, pki.issue(authority, leaf.profile, now=now))
            written.append(leaf.name)
    if not (layout.key("service-accounts").exists() and layout.certificate("service-accounts").exists()):
        public, private = pki.create_signing_key()
        write_private(layout.key("service-accounts"), private.reveal())
        write_private(layout.certificate("service-accounts"), public)
        written.append("service-accounts")
    for user in USERS:
        _write_kubeconfig(layout, record, user, authorities["platform-ca"].certificate_pem)
    until = min(pki.renewal(layout.certificate(leaf.name).read_text()) for leaf in leaves(layout, record))
    freshness.stamp(layout, record, until=until)
    return tuple(written)


def tunnel_authority(layout: Layout) -> pki.KeyPair:
    """Signs the certificates of registered clusters' agents, and nothing else. Made when it is first needed, so that
    platforms which were made without one get it, too."""
    found = _read(layout, "tunnel-ca")
    if found is None and not layout.certificate("tunnel-ca").exists():
        found = pki.create_authority("roost-tunnel-ca", now=pki.utc_now())
        _write(layout, "tunnel-ca", found)
    if found is None or not pki.matches(found):
        raise PermanentFailure(
            "AuthorityMissing",
            f"{layout.certificate('tunnel-ca')} or its key is missing or damaged; registered clusters sign in by it: "
            "restore the directory's pki/ from a backup",
        )
    return found


def expiries(layout: Layout, record: Record) -> dict[str, datetime]:
    """When each certificate ends, by name; those that can't be read are left out."""
    found: dict[str, datetime] = {}
    for name in (*AUTHORITIES, *(leaf.name for leaf in leaves(layout, record))):
        try:
            found[name] = pki.expiry(layout.certificate(name).read_text())
        except (OSError, ValueError):
            continue
    return found


def _write_kubeconfig(layout: Layout, record: Record, user: User, ca_pem: str) -> None:
    pair = _read(layout, f"user-{user.file}")
    assert pair is not None
    text = kubeconfig.build(
        record.server, ca_pem, pair.certificate_pem, pair.key_pem, cluster=GLOBAL_CLUSTER, user=f"roost-{user.file}"
    )
    path = layout.admin_kubeconfig if user.file == "admin" else layout.kubeconfig(user.file)
    write_if_changed(path, text.reveal())


def _due(pair: pki.KeyPair, authority: pki.KeyPair, leaf: Leaf, now: datetime) -> str | None:
    return pki.due(pair.certificate_pem, authority_pem=authority.certificate_pem, profile=leaf.profile, now=now)


def _read(layout: Layout, name: str) -> pki.KeyPair | None:
    certificate, key = _text(layout.certificate(name)), _text(layout.key(name))
    return pki.KeyPair(certificate, Masked(key)) if certificate and key else None


def _text(path: Path) -> str | None:
    with explained(path):
        return path.read_text() if path.exists() else None


def _write(layout: Layout, name: str, pair: pki.KeyPair) -> None:
    # The certificate goes last: a key without one is made anew, a certificate never belongs to an older key.
    layout.certificate(name).unlink(missing_ok=True)
    write_private(layout.key(name), pair.key_pem.reveal())
    write_private(layout.certificate(name), pair.certificate_pem)
