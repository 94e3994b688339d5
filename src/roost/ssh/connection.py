"""The seam between roost and a machine: what the engine may ask of a connection, real or fake.

Called by node/ (which sends whole scripts) and by providers (which open connections through a Pool).
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from roost.api.masked import Masked


@dataclass(frozen=True)
class Proxy:
    """A SOCKS5 server in front of the machine; names are resolved by the proxy."""

    host: str
    port: int
    user: str | None = None
    password: Masked | None = None


@dataclass(frozen=True)
class Target:
    """Everything needed to sign in to one machine. Equal targets may share one connection."""

    name: str
    """The Machine's name, for messages."""
    address: str
    port: int = 22
    user: str = "root"
    password: Masked | None = None
    private_key: Masked | None = None
    passphrase: Masked | None = None
    sudo_password: Masked | None = None
    """For users other than root; `password` is used when this is None."""
    host_keys: tuple[str, ...] = ()
    """Trusted keys (`ssh-ed25519 AAAA…`) or fingerprints (`SHA256:…`). Empty: pin the first one met."""
    proxy: Proxy | None = None


@dataclass(frozen=True)
class Result:
    """How a command ended. Output is bounded by the connection (stdout 16 MiB, stderr 64 KiB)."""

    exit_status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Command:
    """A script for /bin/sh, run as root (through sudo where the user is not root).

    `script` is sent on standard input, never as an argument, so that nothing of it is seen in a
    process list. `title` is what logs and errors show. `secrets` are replaced by stars in any output
    that is kept.
    """

    title: str
    script: str
    secrets: tuple[Masked, ...] = field(default=())


class Connection(Protocol):
    """One kept connection to one machine. Any number of commands at once (sshd's MaxSessions: 8 here)."""

    @property
    def target(self) -> Target: ...

    @property
    def host_key(self) -> str:
        """The key the machine showed, `ssh-ed25519 AAAA…`."""
        ...

    @property
    def closed(self) -> bool:
        """Whether it is known to be of no more use; a Pool then opens another."""
        ...

    async def run(
        self,
        command: Command,
        *,
        payload: bytes | AsyncIterable[bytes] | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout: float = 60.0,
    ) -> Result:
        """Run to the end. `payload` follows the script on the script's standard input.

        `on_line` sees each line of stdout as it comes (then stdout in the Result is still whole).
        Raises errors of ssh.errors; a non-zero exit status is a Result, not an error.
        """
        ...

    async def close(self) -> None: ...


class Connector(Protocol):
    """Opens connections; ssh.asyncssh_connector.connect is the real one, ssh.fake the other."""

    async def __call__(self, target: Target) -> Connection: ...
