"""Whether the bundle and the registry have what the chosen container runtime needs. Pure; called by the provider."""

from __future__ import annotations

from collections.abc import Iterator

from roost.providers.onprem.context import Context
from roost.providers.onprem.phases import docker, programs
from roost.providers.onprem.preflight.machine import Subject
from roost.providers.onprem.preflight.report import Finding


def check(ctx: Context, subject: Subject) -> Iterator[Finding]:
    """For one machine that is to join."""
    architecture = subject.found.node.architecture
    if not docker.chosen(ctx.spec) or architecture not in ctx.bundle.architectures:
        return
    missing = programs.lacking(ctx, subject.machine, architecture)
    if missing:
        given = " ".join(f"--program {name}=FILE" for name in missing)
        yield subject.error(
            "RuntimeNotInBundle",
            f"the release bundle of {ctx.bundle.version} has no {' and no '.join(missing)} for {architecture}, "
            "which the Docker runtime needs",
            "upstream publishes no checksums for them, so that no bundle fetches them by itself",
            f"Download the archives and add them: roost bundle create --kubernetes {ctx.bundle.version} {given}",
        )
    if ctx.registry is None:
        yield subject.error(
            "RuntimeNeedsRegistry",
            "Docker can only fetch images from a registry, and the machine reaches none of this cluster's",
            "roost was started without --address",
            "Start roost with an --address that machines reach, or name a private registry",
        )
