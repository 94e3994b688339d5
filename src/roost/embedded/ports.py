"""The platform's ports, and who holds one that is taken.

A base moves them all together, so that two platforms can live on one machine. Called by start and status.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from roost.api.errors import PermanentFailure

DEFAULT_BASE: Final = 7000
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """Port numbers by use. All listen on loopback alone, but those that others reach, which are TLS."""

    base: int = DEFAULT_BASE

    def __post_init__(self) -> None:
        if not 1024 <= self.base <= 65000:
            raise PermanentFailure(
                "PortBaseInvalid",
                f"--port-base {self.base}: the ports {self.base} to {self.base + 510} are used; "
                "choose a base from 1024 to 65000",
            )

    @property
    def api(self) -> int:
        return self.base + 443

    @property
    def webhook(self) -> int:
        return self.base + 444

    @property
    def gateway(self) -> int:
        """The one door: TLS, on loopback and on the platform's address."""
        return self.base + 445

    def further_gateway(self, number: int) -> int:
        """The door of the second gateway and those after it; as the first one's."""
        return self.base + 450 + number

    @property
    def etcd(self) -> int:
        return self.base + 379

    @property
    def etcd_peer(self) -> int:
        return self.base + 380

    @property
    def registry(self) -> int:
        """Takes writes; loopback, no TLS."""
        return self.base + 500

    @property
    def registry_tls(self) -> int:
        """Read-only, TLS, on the platform's address."""
        return self.base + 501

    @property
    def metrics(self) -> int:
        """The controllers' metrics; loopback, no TLS."""
        return self.base + 446

    @property
    def registry_external(self) -> int:
        """The registry at its external name, once somebody gives it one; TLS, on the platform's address."""
        return self.base + 510

    def listening(self, address: str | None, *, gateways: int = 1) -> tuple[tuple[str, str, int], ...]:
        """(use, address, port) of everything that will listen."""
        further = [
            ("a further gateway", host, self.further_gateway(number))
            for number in range(2, gateways + 1)
            for host in filter(None, (LOOPBACK, address))
        ]
        local = (
            ("etcd", LOOPBACK, self.etcd),
            ("etcd (peer)", LOOPBACK, self.etcd_peer),
            ("the API", LOOPBACK, self.api),
            ("the webhook", LOOPBACK, self.webhook),
            ("the gateway", LOOPBACK, self.gateway),
            ("the registry", LOOPBACK, self.registry),
            *further,
        )
        if not address:
            return local
        return (
            *local,
            ("the registry (TLS)", address, self.registry_tls),
            ("the gateway (TLS)", address, self.gateway),
        )


def check_free(ports: Ports, address: str | None, *, gateways: int = 1) -> None:
    """Raises PermanentFailure PortTaken naming port, use and holder; AddressNotHere for a foreign address."""
    for use, host, port in ports.listening(address, gateways=gateways):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the programs do: a port whose last connections are still closing is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                probe.listen(1)
            except OSError as error:
                raise _explain(error, use, host, port) from error


def _explain(error: OSError, use: str, host: str, port: int) -> PermanentFailure:
    if error.errno == errno.EADDRNOTAVAIL:
        return PermanentFailure(
            "AddressNotHere", f"--address {host} is no address of this machine; `ip -brief address` lists them"
        )
    if error.errno == errno.EADDRINUSE:
        by = holder(port) or "another program (its owner is another user)"
        return PermanentFailure(
            "PortTaken",
            f"port {port} on {host}, which {use} needs, is taken by {by}; stop it, or move all with --port-base",
        )
    return PermanentFailure("PortUnusable", f"port {port} on {host}, which {use} needs: {error.strerror}")


def holder(port: int, proc: Path = Path("/proc")) -> str | None:
    """«name (pid N)» of the process that listens on a TCP port, where this user may see it."""
    inodes = set(_listening_inodes(port, proc))
    if not inodes:
        return None
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            for descriptor in (process / "fd").iterdir():
                if os.readlink(descriptor) in inodes:
                    return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue
    return None


def _listening_inodes(port: int, proc: Path) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            # local address, state 0A = LISTEN, inode
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{fields[9]}]"
