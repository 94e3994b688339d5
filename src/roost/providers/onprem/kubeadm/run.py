"""What the phases that run `kubeadm init` share: the staged configuration and how a phase is called.

Nothing secret is on a command line: the configuration is a staged file.
"""

from __future__ import annotations

import json
from typing import Final

from roost.node.thing import Payload
from roost.node.things.run import RunOnce
from roost.providers.onprem import families, layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.kubeadm import config
from roost.providers.onprem.kubeadm.produced import Produced
from roost.providers.onprem.preflight.look import Found

PKI: Final = f"{layout.KUBERNETES_DIRECTORY}/pki"
MANIFESTS: Final = f"{layout.KUBERNETES_DIRECTORY}/manifests"
STAGED: Final = "@STAGED@"
"""Stands for the directory of the staged files, which is known only on the machine."""


def node_settings(ctx: Context, machine: MachineInput, found: Found) -> config.NodeSettings:
    return config.NodeSettings(
        name=layout.node_name(ctx.spec, machine, found.node.hostname),
        addresses=families.addresses(ctx.spec, machine),
        cgroup_driver=found.cgroup_driver,
    )


def staged(documents: list[config.Document], node: config.NodeSettings) -> tuple[Payload, ...]:
    """kubeadm's configuration and, where this node needs one, the patch of kubelet's."""
    patch = config.kubelet_patch(node)
    made = [Payload("kubeadm.yaml", content=config.render(documents), secret=True)]
    if patch is not None:
        made.append(Payload("patch.yaml", content=patch))
    return tuple(made)


def staging(node: config.NodeSettings) -> str:
    """sh that leaves the configuration as "$c", with the staged patch in its own directory."""
    copy = f'mkdir -p "$P/patches" && cp "$P/patch.yaml" "$P/patches/{config.KUBELET_PATCH_NAME}"\n'
    return (
        f"{'' if config.kubelet_patch(node) is None else copy}"
        f'sed "s#{STAGED}#$P#" "$P/kubeadm.yaml" > "$P/config.yaml"\nc="$P/config.yaml"'
    )


def patches(node: config.NodeSettings) -> str | None:
    return None if config.kubelet_patch(node) is None else f"{STAGED}/patches"


class Init:
    """The parts that the phases of one machine share."""

    def __init__(self, ctx: Context, machine: MachineInput, found: Found) -> None:
        self.cluster_id = ctx.cluster_id
        self.version = ctx.spec.version or ""
        self.node = node_settings(ctx, machine, found)
        self.documents = config.init_documents(
            ctx.spec, machine, ctx.cluster_name, self.node, patches=patches(self.node)
        )
        # Where the token comes is no part of the wish: it differs each time.
        self.files = staged(self.documents, self.node)
        self.init, self.cluster, self.kubelet, _ = self.documents

    def phase(self, made: Produced, summary: str, *phases: str, before: str = ":", after: str = ":") -> RunOnce:
        calls = "\n".join(f'kubeadm init phase {phase} --config "$c"' for phase in phases)
        return made.thing(self.cluster_id, summary, f"{staging(self.node)}\n{before}\n{calls}\n{after}", self.files)


def wish(*parts: object) -> str:
    return json.dumps(parts, sort_keys=True, default=str)
