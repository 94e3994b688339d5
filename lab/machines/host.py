"""Runs programs on the box that holds the lab, and brings the Debian packages that the lab itself needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from lab import apt
from lab.machines.settings import LabError

# program -> Debian package
REQUIRED = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "iptables": "iptables",
    "nft": "nftables",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "openssl": "openssl",
    "nsenter": "util-linux",
    "depmod": "kmod",
    "sysctl": "procps",
}


def run(
    *argv: str, check: bool = True, stdin: str | None = None, timeout: float | None = 120
) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(
            argv,
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{' '.join(argv)}` did not end within {timeout:.0f} s") from error
    except FileNotFoundError as error:
        raise LabError(f"`{argv[0]}` is not installed on this box") from error
    if check and done.returncode != 0:
        evidence = (done.stderr or done.stdout).strip()
        raise LabError(f"`{' '.join(argv)}` ended with {done.returncode}: {evidence}")
    return done


def missing_packages(required: dict[str, str], found: Sequence[str]) -> list[str]:
    return sorted({package for program, package in required.items() if program not in found})


def ensure_packages() -> None:
    """Installs what is missing. apt's lists are read once, and only when something is missing."""
    packages = missing_packages(REQUIRED, [program for program in REQUIRED if shutil.which(program)])
    if not packages:
        return
    print(f"installing on this box: {' '.join(packages)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt.wait_for_lists()
    for argv in (
        [*apt.WORDS, "update", "-qq"],
        [*apt.WORDS, "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"`{' '.join(argv)}` ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
