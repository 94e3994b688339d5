"""The root file system that all machines share: a bare Debian with systemd and sshd, built once and then cached.

What roost must bring to a machine itself (container runtime, kubelet, load balancer, even curl) is left out by
intention. Called by `Lab.up`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from lab.machines import host
from lab.machines.settings import LabError

SUITE = "bookworm"
PACKAGES = [
    "systemd",
    "systemd-sysv",
    "libpam-systemd",
    "dbus",
    "openssh-server",
    "sudo",
    "iproute2",
    "iptables",
    "nftables",
    "iputils-ping",
    "procps",
    "kmod",
    "conntrack",
    "socat",
    "ethtool",
    "ca-certificates",
    "ebtables",
    "util-linux",
    "mount",
    "less",
]
USERS = ("admin", "operator")
ENABLED = ("lab-machine.service", "systemd-networkd.service", "ssh.service")
# Units that run by the clock, write without being asked, or wait for hardware that a container has not.
MASKED = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "systemd-tmpfiles-clean.timer",
    "systemd-networkd-wait-online.service",
    "systemd-pstore.service",
    "console-getty.service",
    "getty@tty1.service",
    "systemd-timesyncd.service",
]
# Directories that lie outside the overlay: some of what Kubernetes keeps does not work on one.
DATA_DISK = "/var/lib/data"
"""Where a machine's second disk is mounted: nothing of the operating system is on it."""
OUTSIDE_OVERLAY = ("/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd")
OVERLAID = Path(__file__).parent / "base"


def recipe() -> dict[str, object]:
    """All that decides what the root holds; its hash names the root in the cache."""
    files = {
        str(path.relative_to(OVERLAID)): [oct(path.stat().st_mode & 0o777), path.read_text()]
        for path in sorted(OVERLAID.rglob("*"))
        if path.is_file()
    }
    return {
        "format": 3,
        "suite": SUITE,
        "packages": PACKAGES,
        "users": USERS,
        "enabled": ENABLED,
        "masked": MASKED,
        "outside": OUTSIDE_OVERLAY,
        "files": files,
    }


def key(of: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:16]


def ensure(cache: Path) -> Path:
    """The path of the built root; builds it where the cache does not hold it."""
    wanted = cache / "base" / key(recipe())
    root = wanted / "root"
    if root.is_dir():
        return root
    (cache / "base").mkdir(parents=True, exist_ok=True)
    with _lock(cache / "base" / ".lock"):
        if not root.is_dir():
            _build(wanted)
    return root


def _build(wanted: Path) -> None:
    print("building the machines' base root, once; about 60 to 90 seconds", flush=True)
    started = time.monotonic()
    for old in wanted.parent.glob(".building-*"):
        shutil.rmtree(old, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=wanted.parent))
    root = work / "root"
    argv = [
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        *(f"--aptopt={line}" for line in _apt_options()),
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        SUITE,
        str(root),
        *_apt_sources(),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"mmdebstrap ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    _finish(root)
    seconds = time.monotonic() - started
    size = int(host.run("du", "-sm", str(root)).stdout.split()[0])
    (work / "recipe.json").write_text(
        json.dumps({"seconds": round(seconds, 1), "megabytes": size, "recipe": recipe()}, indent=1)
    )
    work.rename(wanted)
    print(f"base root built in {seconds:.0f} s, {size} MB", flush=True)


def _finish(root: Path) -> None:
    for source in sorted(OVERLAID.rglob("*")):
        target = root / source.relative_to(OVERLAID)
        if source.is_dir():
            target.mkdir(exist_ok=True)
        else:
            shutil.copyfile(source, target)
            target.chmod(source.stat().st_mode & 0o755)
    (root / "etc/sudoers.d/lab").chmod(0o440)
    groups = {line.split(":")[0] for line in (root / "etc/group").read_text().splitlines()}
    for user in USERS:
        group = ["--gid", user] if user in groups else ["--user-group"]  # Debian has a group «operator»
        host.run("chroot", str(root), "useradd", "--create-home", "--shell", "/bin/bash", *group, user)
    host.run("chroot", str(root), "usermod", "--append", "--groups", "sudo", "operator")
    host.run("systemctl", f"--root={root}", "mask", *MASKED)
    host.run("systemctl", f"--root={root}", "enable", *ENABLED)
    for path in root.glob("etc/ssh/ssh_host_*"):
        path.unlink()
    for path in (root / "etc/apt/apt.conf.d/99mmdebstrap", root / "etc/dpkg/dpkg.cfg.d/99mmdebstrap"):
        path.unlink(missing_ok=True)
    for directory in OUTSIDE_OVERLAY:
        (root / directory.lstrip("/")).mkdir(parents=True, exist_ok=True)
    bus_id = root / "var/lib/dbus/machine-id"
    bus_id.unlink(missing_ok=True)
    bus_id.symlink_to("/etc/machine-id")
    _mark_updated(root)


def _mark_updated(root: Path) -> None:
    """Tells systemd that /etc and /var are newer than /usr, so that no first boot writes caches."""
    nanoseconds = (root / "usr").stat().st_mtime_ns
    for directory in ("etc", "var"):
        mark = root / directory / ".updated"
        mark.write_text(f"# Written when the lab's base root was built.\nTIMESTAMP_NSEC={nanoseconds}\n")
        os.utime(mark, ns=(nanoseconds, nanoseconds))


def _apt_sources() -> list[str]:
    """Debian's own sources as this box has them, so that its mirror is used; none means mmdebstrap's defaults."""
    candidates = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    return [
        str(path)
        for path in candidates
        if path.suffix in (".list", ".sources") and is_debian_source(path.read_text() if path.is_file() else "")
    ]


def is_debian_source(text: str) -> bool:
    """Whether a sources file gives this suite's own archive: a line or stanza with the suite and component main."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in lines:
        words = line.split()
        if words and words[0] == "deb" and SUITE in words and "main" in words:
            return True
    fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].split() for line in lines if ":" in line}
    return any(word.startswith(SUITE) for word in fields.get("suites", [])) and "main" in fields.get("components", [])


def _apt_options() -> list[str]:
    """Proxy and trust settings of this box's apt; mmdebstrap reads none of them by itself."""
    kept = ("::proxy", "cainfo", "check-valid-until", "check-date")
    lines = host.run("apt-config", "dump").stdout.splitlines()
    return [
        line.rstrip(";")
        for line in lines
        if line.startswith("Acquire::")
        and any(word in line.lower().split(" ")[0] for word in kept)
        and '""' not in line
    ]


@contextmanager
def _lock(path: Path) -> Generator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
