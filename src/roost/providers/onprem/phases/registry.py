"""Where the runtime gets images: roost's registry first, the upstream one after it. Read at each pull, no restart.

Pods keep upstream image names; only these files say where the bytes come from. Without a registry that
machines reach there is none of them, and images travel over SSH.
"""

from __future__ import annotations

from typing import Final

from roost.node.thing import Thing
from roost.node.things.file import File
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.preflight.look import Found

DIRECTORY: Final = "/etc/containerd/certs.d"
AUTHORITY: Final = "/etc/containerd/roost-registry-ca.crt"
UPSTREAM: Final = {"docker.io": "https://registry-1.docker.io"}
"""Registries whose server is called otherwise than in image names."""


def hosts_file(host: str, address: str) -> str:
    """hosts.toml for one registry. `override_path`: the registry's name is part of the path in roost's."""
    return (
        f'server = "{UPSTREAM.get(host, f"https://{host}")}"\n'
        "\n"
        f'[host."https://{address}/v2/{host}"]\n'
        '  capabilities = ["pull", "resolve"]\n'
        "  override_path = true\n"
        f'  ca = "{AUTHORITY}"\n'
    )


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    del machine, found
    if ctx.registry is None:
        return []
    hosts = layout.registry_hosts([image.name for image in ctx.bundle.images])
    files = [File(f"{DIRECTORY}/{host}/hosts.toml", hosts_file(host, ctx.registry.address)) for host in hosts]
    return [File(AUTHORITY, ctx.registry.ca_pem), *files]
