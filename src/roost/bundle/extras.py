"""What a bundle holds only when it is asked for: the manifests and images of further network plugins.

Called by create. Upstream publishes no checksum for these files; a bundle keeps what it fetched under its
digest, which every copy of the bundle is compared with. Pure, but for nothing: URLs and parsing only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from roost.bundle import installer

RAW: Final = "raw.githubusercontent.com"


@dataclass(frozen=True)
class Extra:
    """One manifest; its images come with it."""

    name: str
    """As --with has it, and as the manifest and the component are called in a bundle."""
    version: str
    path: str
    """Below https://raw.githubusercontent.com."""
    read: Callable[[bytes], bytes]
    """From what is fetched to the manifest."""


def _as_it_is(content: bytes) -> bytes:
    return content


CALICO: Final = "3.28.2"
KUBE_OVN: Final = "1.12.22"
EXTRAS: Final = {
    extra.name: extra
    for extra in (
        Extra("calico", CALICO, f"projectcalico/calico/v{CALICO}/manifests/calico.yaml", _as_it_is),
        Extra("kube-ovn", KUBE_OVN, f"kubeovn/kube-ovn/v{KUBE_OVN}/dist/images/install.sh", installer.manifest),
    )
}
