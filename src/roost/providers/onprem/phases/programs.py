"""The programs of the release bundle: container runtime, kubelet, kubeadm and what they call."""

from __future__ import annotations

from typing import Final

from roost.api.v1alpha1.machine import Role
from roost.bundle.model import Bundle
from roost.node.thing import Thing
from roost.node.things.archive import Archive, Program
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.preflight.look import Found

DESTINATIONS: Final[dict[str, str]] = {
    # Directory of archives, or of the one file.
    "containerd": "/usr/local",
    "runc": "/usr/local/sbin",
    "cni-plugins": "/opt/cni/bin",
    "crictl": "/usr/local/bin",
    "kubelet": "/usr/local/bin",
    "kubeadm": "/usr/local/bin",
    "kubectl": "/usr/local/bin",
}
CONTROL_PLANE_ONLY: Final = frozenset({"kubectl"})
"""kubeadm and kubelet need none; on a control plane roost asks the API through it."""


def wanted(machine: MachineInput) -> tuple[str, ...]:
    control_plane = machine.spec.role is Role.CONTROL_PLANE
    return tuple(name for name in DESTINATIONS if control_plane or name not in CONTROL_PLANE_ONLY)


def thing(bundle: Bundle, name: str, architecture: str) -> Thing:
    """One program of the bundle as a thing on a machine."""
    program = bundle.program(name, architecture)
    if program.kind == "file":
        return Program(f"{DESTINATIONS[name]}/{name}", program.digest)
    return Archive(name, program.digest, DESTINATIONS[name], program.members, program.strip)


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    return [thing(ctx.bundle, name, found.node.architecture) for name in wanted(machine)]


def digests(ctx: Context, found: Found, *names: str) -> str:
    """What a unit has to be restarted for when it changes."""
    return " ".join(ctx.bundle.program(name, found.node.architecture).digest for name in names)
