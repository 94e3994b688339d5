"""A real sshd of Debian's on loopback, with keys, configuration and log of its own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SSHD = Path("/usr/sbin/sshd")
PASSPHRASE = "open sesame"


@dataclass(frozen=True)
class Server:
    directory: Path
    port: int

    def text(self, name: str) -> str:
        return (self.directory / name).read_text()

    def fingerprint(self, name: str) -> str:
        shown = subprocess.run(
            ["ssh-keygen", "-lf", self.directory / name], capture_output=True, text=True, check=True
        )
        return shown.stdout.split()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def process(command: list[str | Path], port: int, log: Path) -> Iterator[None]:
    """A server that listens on loopback by the time the block is entered."""
    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        else:
            raise AssertionError(f"{command[0]} does not listen: {log.read_text()}")
        yield
    finally:
        server.terminate()
        server.wait(10)


@contextlib.contextmanager
def sshd(directory: Path, *, max_sessions: int = 10) -> Iterator[Server]:
    """Serves root with the key `client` (no passphrase) or `locked` (PASSPHRASE)."""
    Path("/run/sshd").mkdir(exist_ok=True)
    for name, kind, passphrase in (
        ("host_ed25519", "ed25519", ""),
        ("host_rsa", "rsa", ""),
        ("client", "ed25519", ""),
        ("locked", "ed25519", PASSPHRASE),
    ):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", directory / name], check=True)
    keys = "".join((directory / f"{name}.pub").read_text() for name in ("client", "locked"))
    (directory / "authorized").write_text(keys)
    port = free_port()
    (directory / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nPidFile {directory}/pid\nStrictModes no\nUsePAM no\n"
        f"HostKey {directory}/host_ed25519\nHostKey {directory}/host_rsa\n"
        f"AuthorizedKeysFile {directory}/authorized\nPermitRootLogin yes\nMaxSessions {max_sessions}\n"
        "MaxStartups 50\n"
    )
    with process([SSHD, "-D", "-e", "-f", directory / "config"], port, directory / "log"):
        yield Server(directory, port)
