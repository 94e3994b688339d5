"""The gateway as the embedded platform keeps it: its first secrets, its addresses, its certificate.

Called by sequence (before etcd's first start), pki, main (settings of the process), and by commands that tell people
where the door is. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import secrets

from roost.embedded.files import write_private
from roost.embedded.layout import Layout
from roost.embedded.ports import LOOPBACK
from roost.embedded.record import Record


def prepare(layout: Layout) -> None:
    """A token for the platform's own processes, and a first password where there is no platform yet."""
    if not layout.own_token.exists():
        write_private(layout.own_token, secrets.token_urlsafe(32) + "\n")
    if not layout.record.exists() and not layout.first_password.exists():
        write_private(layout.first_password, secrets.token_urlsafe(12) + "\n")


def first_password(layout: Layout) -> str | None:
    """The first administrator's password, the first time that it is asked for."""
    shown = layout.first_password.with_suffix(".shown")
    if shown.exists() or not layout.first_password.exists():
        return None
    write_private(shown, "")
    return layout.first_password.read_text().strip()


def hosts(record: Record) -> tuple[str, ...]:
    """Where the gateway listens."""
    return (LOOPBACK, record.address) if record.address else (LOOPBACK,)


def names(layout: Layout, record: Record) -> tuple[str, ...]:
    """Everything that its certificate vouches for."""
    return tuple(dict.fromkeys(("localhost", *hosts(record), *added(layout))))


def added(layout: Layout) -> tuple[str, ...]:
    """Names and addresses that an administrator added, without ports."""
    with contextlib.suppress(OSError, ValueError):
        found: object = json.loads(layout.gateway_addresses.read_bytes())
        if isinstance(found, list):
            return tuple(str(item) for item in found)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return ()


def add(layout: Layout, names: tuple[str, ...]) -> None:
    """Keeps them for the certificates to come."""
    write_private(layout.gateway_addresses, json.dumps(names))


def url(record: Record) -> str:
    """As others reach it, where it has an address; else on this machine."""
    return urls(record)[0]


def urls(record: Record) -> tuple[str, ...]:
    """Of each gateway, the first one first."""
    host = record.address or LOOPBACK
    ports = (record.ports.gateway, *map(record.ports.further_gateway, range(2, record.gateways + 1)))
    return tuple(f"https://{f'[{host}]' if ':' in host else host}:{port}" for port in ports)
