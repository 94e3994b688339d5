"""Records what exists before Kubernetes runs, so that undo can tell what its programs left. First of all phases.

Programs keep no journal: iptables chains, links, mounts and directories are declared here by name.
"""

from __future__ import annotations

from roost.api.v1alpha1.cluster import NetworkPlugin
from roost.node.thing import Thing
from roost.node.things.residue import Residue
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.phases import kubelet, runtime
from roost.providers.onprem.preflight.look import Found


def network(ctx: Context) -> Residue:
    """A plugin that people bring themselves (Custom) leaves things that only they know; these are common to all."""
    wanted = layout.on_premises(ctx.spec).network
    flannel = wanted.plugin is NetworkPlugin.FLANNEL
    return Residue(
        name="network",
        directories=("/etc/cni", "/opt/cni", "/var/lib/cni", *(("/run/flannel",) if flannel else ())),
        links=("veth*", *(("cni0", "flannel.*", "flannel-v6.*") if flannel else ())),
        netns=("cni-*",),
        chains=("CNI-*", *(("FLANNEL-*",) if flannel else ())),
        routes=(wanted.pod_cidr,),
    )


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    del machine, found
    return [runtime.RESIDUE, kubelet.RESIDUE, network(ctx)]
