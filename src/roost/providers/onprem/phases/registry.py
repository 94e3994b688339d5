"""Where the runtime gets images: the cluster's registry first, the upstream one after it.

The runtime reads these files at each pull, without a restart. Pods keep upstream image names; only these files
say where the bytes come from, so that another registry, another password or another CA is a rewritten file.
Without a registry that machines reach there is none of them, and images travel over SSH. A password stands in
these files alone, which only root can read.
"""

from __future__ import annotations

from typing import Final

from roost.bundle.remote import basic, parse_address
from roost.node.thing import Thing
from roost.node.things.file import File
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput, RegistrySource
from roost.providers.onprem.phases import docker
from roost.providers.onprem.preflight.look import Found

DIRECTORY: Final = "/etc/containerd/certs.d"
AUTHORITY: Final = "/etc/containerd/roost-registry-ca.crt"
UPSTREAM: Final = {"docker.io": "https://registry-1.docker.io"}
"""Registries whose server is called otherwise than in image names."""


def hosts_file(host: str, source: RegistrySource) -> str:
    """hosts.toml for an upstream registry. `override_path`: its name is part of the path in the cluster's."""
    address = parse_address(source.address)
    return _file(
        UPSTREAM.get(host, f"https://{host}"),
        f"https://{_authority(source)}/v2{address.prefix}/{host}",
        source,
        override=True,
    )


def own_file(source: RegistrySource) -> str:
    """hosts.toml for images that are named after the cluster's registry itself."""
    server = f"https://{_authority(source)}"
    return _file(server, server, source, override=False)


def _file(server: str, url: str, source: RegistrySource, *, override: bool) -> str:
    lines = [f'server = "{server}"', "", f'[host."{url}"]', '  capabilities = ["pull", "resolve"]']
    if override:
        lines.append("  override_path = true")
    if source.ca_pem:
        lines.append(f'  ca = "{AUTHORITY}"')
    if source.password is not None:
        credential = basic(source.username, source.password)
        lines += [f'  [host."{url}".header]', f'    Authorization = ["{credential.reveal()}"]']
    return "\n".join(lines) + "\n"


def _authority(source: RegistrySource) -> str:
    """host[:port] as it is written in the address, which is how images are named."""
    parse_address(source.address)
    return source.address.split("/", 1)[0]


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    del machine, found
    source = ctx.registry
    if source is None or docker.chosen(ctx.spec):
        return []  # Docker reads its own files, not these.
    secret = source.password is not None
    texts = {host: hosts_file(host, source) for host in layout.registry_hosts([i.name for i in ctx.bundle.images])}
    texts[_authority(source)] = own_file(source)
    files: list[Thing] = [
        File(f"{DIRECTORY}/{host}/hosts.toml", text, mode=0o600 if secret else 0o644, secret=secret)
        for host, text in texts.items()
    ]
    return [File(AUTHORITY, source.ca_pem), *files] if source.ca_pem else files
