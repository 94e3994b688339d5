"""What makes one machine different from another: identifiers, keys, passwords, addresses.

Written into a layer between the base root and the machine's upper directory, so that none of it counts as a change.
Called by `Lab` when a machine is made.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lab.machines import host, modules
from lab.machines.baseroot import USERS
from lab.machines.settings import Settings


@dataclass(frozen=True)
class Identity:
    name: str
    index: int
    ipv4: str
    ipv6: str
    machine_id: str
    base: str
    host_key: str = ""

    @staticmethod
    def load(machine_dir: Path) -> Identity:
        return Identity(**json.loads((machine_dir / "machine.json").read_text()))

    def save(self, machine_dir: Path) -> None:
        (machine_dir / "machine.json").write_text(json.dumps(asdict(self), indent=1) + "\n")


def ensure_client_key(state: Path) -> Path:
    """The key that signs in on every machine of this lab."""
    key = state / "id_ed25519"
    if not key.is_file():
        host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "roost-lab", "-f", str(key))
    return key


def create(settings: Settings, name: str, index: int, base: Path) -> Identity:
    """Makes the machine's directory with its identity; the machine's own password is in a file for root alone."""
    directory = settings.machines / name
    directory.mkdir(parents=True)
    password = secrets.token_urlsafe(12)
    secret = directory / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    for outside in ("containerd", "kubelet", "etcd", "data"):
        (directory / "disk" / outside).mkdir(parents=True)
    (directory / "disk" / "etcd").chmod(0o700)

    identity = Identity(
        name, index, settings.ipv4(index), settings.ipv6(index), machine_id=uuid.uuid4().hex, base=str(base)
    )
    client_key = ensure_client_key(settings.state).with_suffix(".pub").read_text()
    host_keys = directory / "host-key"
    host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(host_keys))
    public = host_keys.with_suffix(".pub").read_text()
    seed = Seed(directory / "seed", base)
    seed.write("etc/machine-id", identity.machine_id + "\n", 0o444)
    seed.write("etc/hostname", name + "\n")
    seed.write("etc/hosts", hosts_file(identity))
    seed.write("etc/resolv.conf", f"nameserver {settings.host_ipv4}\n")
    seed.write("etc/ssh/ssh_host_ed25519_key", host_keys.read_text(), 0o600)
    seed.write("etc/ssh/ssh_host_ed25519_key.pub", public)
    seed.write("etc/systemd/network/10-host0.network", network_file(identity, settings))
    # Duplicate address detection holds an address back for two seconds; the lab gives each only once.
    seed.write("etc/sysctl.d/10-lab.conf", "net.ipv6.conf.host0.accept_dad = 0\n")
    hashed = host.run("openssl", "passwd", "-6", "-stdin", stdin=password + "\n").stdout.strip()
    seed.write("etc/shadow", shadow_file((base / "etc/shadow").read_text(), hashed), 0o640)
    for home in ("root", *(f"home/{user}" for user in USERS)):
        seed.directory(f"{home}/.ssh", 0o700)
        seed.write(f"{home}/.ssh/authorized_keys", client_key, 0o600)

    seed.write("etc/default/locale", "LANG=C.UTF-8\n")
    seed.directory("usr/lib/modules")
    modules.write_list(seed.root)
    whole = replace(identity, host_key=" ".join(public.split()[:2]))
    whole.save(directory)
    return whole


def hosts_file(identity: Identity) -> str:
    return (
        "127.0.0.1\tlocalhost\n"
        f"{identity.ipv4}\t{identity.name}\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        "ff02::1\tip6-allnodes\n"
        "ff02::2\tip6-allrouters\n"
    )


def network_file(identity: Identity, settings: Settings) -> str:
    return (
        "[Match]\nName=host0\n\n"
        "[Network]\nLLDP=no\nEmitLLDP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=ipv6\n"
        f"Gateway={settings.host_ipv4}\nGateway={settings.host_ipv6}\n\n"
        f"[Address]\nAddress={identity.ipv4}/24\n\n"
        f"[Address]\nAddress={identity.ipv6}/64\nDuplicateAddressDetection=none\n"
    )


def shadow_file(base: str, hashed: str) -> str:
    lines: list[str] = []
    for line in base.splitlines():
        fields = line.split(":")
        if fields[0] in ("root", *USERS):
            fields[1] = hashed
        lines.append(":".join(fields))
    return "\n".join(lines) + "\n"


class Seed:
    """A layer over the base. A directory in it hides the mode and owner of the one below, so these are repeated."""

    def __init__(self, root: Path, base: Path) -> None:
        self.root = root
        self.base = base
        self.directory("")

    def directory(self, relative: str, mode: int = 0o755) -> Path:
        path = self.root / relative
        if path.is_dir():
            return path
        if relative:
            self.directory(str(Path(relative).parent) if Path(relative).parent != Path() else "")
        path.mkdir()
        below = self.base / relative
        if below.is_dir():
            self._like(path, below.stat())
        else:
            self._owned_like_parent(path, mode)
        return path

    def write(self, relative: str, text: str, mode: int = 0o644) -> None:
        self.directory(str(Path(relative).parent))
        path = self.root / relative
        path.touch(mode=0o600)
        path.write_text(text)
        below = self.base / relative
        if below.is_file() and not below.is_symlink() and relative not in ("etc/hostname", "etc/resolv.conf"):
            self._like(path, below.stat())
        else:
            self._owned_like_parent(path, mode)

    @staticmethod
    def _like(path: Path, status: os.stat_result) -> None:
        os.chown(path, status.st_uid, status.st_gid)
        path.chmod(stat.S_IMODE(status.st_mode))

    @staticmethod
    def _owned_like_parent(path: Path, mode: int) -> None:
        parent = path.parent.stat()
        os.chown(path, parent.st_uid, parent.st_gid)
        path.chmod(mode)
