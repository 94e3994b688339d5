"""Whether a registry that is not roost's own holds the images of the release. Asked once for all new machines.

The platform asks, with the credential that machines will use. Where only machines reach the registry it can't
tell; then the pull itself does. Called by the provider's preflight.
"""

from __future__ import annotations

from collections.abc import Sequence

from roost.api.v1alpha1.cluster import RegistryType
from roost.bundle.look import look
from roost.bundle.remote import RemoteRegistry
from roost.providers.onprem.context import Context
from roost.providers.onprem.phases.images import wanted
from roost.providers.onprem.preflight.machine import Subject
from roost.providers.onprem.preflight.report import Finding


async def findings(ctx: Context, new: Sequence[Subject]) -> list[Finding]:
    """One finding for each machine that could not get its images."""
    source = ctx.registry
    if source is None or source.kind is RegistryType.BUILT_IN or not new:
        return []
    asked: dict[str, set[str]] = {}
    for subject in new:
        for image in wanted(ctx, subject.machine, subject.found.node.architecture):
            asked.setdefault(image.name, set()).update((image.index_digest, image.manifest_digest))
    registry = RemoteRegistry(source.address, source.ca_pem, source.username, source.password)
    trouble = await look(registry, {name: tuple(sorted(digests)) for name, digests in sorted(asked.items())})
    if trouble is None:
        return []
    return [
        Finding(
            subject.machine.name,
            trouble.reason,
            trouble.cause,
            trouble.evidence,
            trouble.remedy,
            warning=trouble.unsure,
        )
        for subject in new
    ]
