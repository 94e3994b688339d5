"""The programs of the release bundle: container runtime, kubelet, kubeadm and what they call."""

from __future__ import annotations

from typing import Final

from roost.api.v1alpha1.cluster import ClusterSpec, RuntimeType
from roost.api.v1alpha1.machine import Role
from roost.bundle.model import Bundle
from roost.node.thing import Thing
from roost.node.things.archive import Archive, Program
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.preflight.look import Found

DESTINATIONS: Final[dict[str, str]] = {
    # Directory of archives, or of the one file.
    "containerd": "/usr/local",
    "runc": "/usr/local/sbin",
    "docker": "/usr/local/bin",
    "cri-dockerd": "/usr/local/bin",
    "cni-plugins": "/opt/cni/bin",
    "crictl": "/usr/local/bin",
    "kubelet": "/usr/local/bin",
    "kubeadm": "/usr/local/bin",
    "kubectl": "/usr/local/bin",
}
CONTROL_PLANE_ONLY: Final = frozenset({"kubectl"})
"""kubeadm and kubelet need none; on a control plane roost asks the API through it."""


RUNTIMES: Final = {
    RuntimeType.CONTAINERD: frozenset({"containerd", "runc"}),
    RuntimeType.DOCKER: frozenset({"docker", "cri-dockerd"}),
}
"""Docker's own archive brings a containerd and a runc of its time."""


def wanted(spec: ClusterSpec, machine: MachineInput) -> tuple[str, ...]:
    control_plane = machine.spec.role is Role.CONTROL_PLANE
    runtime = layout.on_premises(spec).runtime.type
    others = {name for kind, names in RUNTIMES.items() if kind is not runtime for name in names}
    return tuple(
        name for name in DESTINATIONS if name not in others and (control_plane or name not in CONTROL_PLANE_ONLY)
    )


def lacking(ctx: Context, machine: MachineInput, architecture: str) -> tuple[str, ...]:
    """Programs that the bundle has not got: Docker's, where nobody gave them."""
    have = {program.name for program in ctx.bundle.programs if program.architecture == architecture}
    return tuple(name for name in wanted(ctx.spec, machine) if name not in have)


def thing(bundle: Bundle, name: str, architecture: str) -> Thing:
    """One program of the bundle as a thing on a machine."""
    program = bundle.program(name, architecture)
    if program.kind == "file":
        return Program(f"{DESTINATIONS[name]}/{name}", program.digest)
    return Archive(name, program.digest, DESTINATIONS[name], program.members, program.strip)


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    architecture = found.node.architecture
    missing = lacking(ctx, machine, architecture)
    return [thing(ctx.bundle, name, architecture) for name in wanted(ctx.spec, machine) if name not in missing]


def digests(ctx: Context, found: Found, *names: str) -> str:
    """What a unit has to be restarted for when it changes."""
    architecture = found.node.architecture
    return " ".join(
        program.digest
        for name in names
        for program in ctx.bundle.programs
        if (program.name, program.architecture) == (name, architecture)
    )
