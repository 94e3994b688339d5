"""Images that a machine of this role will need, fetched ahead and in parallel, and compared with the bundle."""

from __future__ import annotations

from roost.api.v1alpha1.machine import Role
from roost.bundle import vipimage
from roost.bundle.archive import archive_key
from roost.bundle.model import Image as BundleImage
from roost.node.thing import Thing
from roost.node.things.image import Image
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.network import plugins
from roost.providers.onprem.phases import docker
from roost.providers.onprem.preflight.look import Found
from roost.providers.onprem.vip import address


def wanted(ctx: Context, machine: MachineInput, architecture: str) -> tuple[BundleImage, ...]:
    """Without a registry nothing can be pulled later, so that every machine gets the add-ons' images too."""
    purposes = {"node"}
    if machine.spec.role is Role.CONTROL_PLANE:
        purposes |= {"control-plane", "addon"}
    if ctx.registry is None:
        purposes |= {"addon"}
    own = plugins.of(ctx)
    others = tuple(start for plugin in plugins.PLUGINS.values() if plugin is not own for start in plugin.images)
    # Images of roost's own VIP of other releases than this one are of no use.
    virtual = {vipimage.name()} if address.wanted(ctx.spec) is not None else set[str]()
    return tuple(
        image
        for image in ctx.bundle.images_for(architecture)
        if image.purpose in purposes
        and not image.name.startswith(others)
        and (image.name in virtual or not image.name.startswith(vipimage.REPOSITORY))
    )


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    architecture = found.node.architecture
    if docker.chosen(ctx.spec):
        # Without a registry preflight has stopped before (RuntimeNeedsRegistry).
        source = ctx.registry
        return [docker.image(source, each) for each in wanted(ctx, machine, architecture)] if source else []
    return [
        Image(
            image.name,
            (image.index_digest, image.manifest_digest),
            archive=None if ctx.registry is not None else archive_key(image),
            endpoint=layout.CRI_SOCKET,
        )
        for image in wanted(ctx, machine, architecture)
    ]
