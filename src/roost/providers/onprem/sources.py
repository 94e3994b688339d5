"""Tells the engine where an act's bytes come from: the registry that machines reach, or this process, over SSH."""

from __future__ import annotations

from roost.bundle.archive import BundleBlobs
from roost.node.act import Registry, Sources
from roost.providers.onprem.context import Context


def sources(ctx: Context, architecture: str) -> Sources:
    blobs = BundleBlobs(ctx.bundle)
    if ctx.registry is None or not ctx.registry.programs:
        return Sources(blobs)
    return Sources(
        blobs,
        registry=Registry(ctx.registry.address, ctx.registry.ca_pem),
        probe=ctx.bundle.program("roost-probe", architecture).digest,
    )
