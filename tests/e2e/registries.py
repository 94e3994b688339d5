"""A registry that is somebody's own: the real distribution with TLS and htpasswd, on the lab's bridge."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from harness import BRIDGE_ADDRESS, PORT_BASE

from lab.build import programs
from roost.bundle.registry import ENVIRONMENT
from roost.kube import pki

USER = "robot"
# bcrypt, the only form that distribution reads; the words are for tests alone.
PASSWORDS = {
    "not-a-secret": "$2b$05$abcdefghijklmnopqrstuuVPNOToLP9MHdthRCXkVoiIF0qNKnk2G",
    "another-one": "$2b$05$abcdefghijklmnopqrstuuuYJ3ZmtaRalIIrz6z3EAIykwAIpgH5.",
}


@dataclass
class PrivateRegistry:
    """Started by `start`; answers at the bridge's address."""

    directory: Path
    port: int = PORT_BASE + 90
    process: subprocess.Popen[bytes] | None = None
    ca: str = ""

    @property
    def address(self) -> str:
        return f"{BRIDGE_ADDRESS}:{self.port}"

    def start(self, password: str = "not-a-secret") -> None:
        self.directory.mkdir()
        authority = pki.create_authority("private", now=pki.utc_now())
        leaf = pki.issue(authority, pki.Profile("registry", "server", hosts=(BRIDGE_ADDRESS,)), now=pki.utc_now())
        self.ca = authority.certificate_pem
        (self.directory / "ca.crt").write_text(self.ca)
        (self.directory / "tls.crt").write_text(leaf.certificate_pem)
        (self.directory / "tls.key").write_text(leaf.key_pem.reveal())
        self.admit(password)
        config = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(self.directory / "storage")}},
            "http": {
                "addr": self.address,
                "tls": {"certificate": str(self.directory / "tls.crt"), "key": str(self.directory / "tls.key")},
            },
            "auth": {"htpasswd": {"realm": "private", "path": str(self.directory / "htpasswd")}},
            "validation": {"manifests": {"indexes": {"platforms": "none"}}},
        }
        (self.directory / "config.yml").write_text(yaml.safe_dump(config))
        with (self.directory / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [programs.path("registry", "3.0.0"), "serve", str(self.directory / "config.yml")],
                env={**os.environ, **ENVIRONMENT},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection((BRIDGE_ADDRESS, self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, (self.directory / "log").read_text()
                time.sleep(0.1)

    def admit(self, password: str) -> None:
        """From now on with this password; distribution reads the file again when it changed."""
        (self.directory / "htpasswd").write_text(f"{USER}:{PASSWORDS[password]}\n")

    def pulls(self) -> str:
        """What it was asked for."""
        return (self.directory / "log").read_text()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    def secret(self, name: str, password: str) -> dict[str, object]:
        auths = {"auths": {self.address: {"username": USER, "password": password}}}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "default"},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": json.dumps(auths)},
        }
