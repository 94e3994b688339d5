"""Records what exists before Kubernetes runs, so that undo can tell what its programs left. First of all phases.

Programs keep no journal: iptables chains, links, mounts and directories are declared here by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from roost.api.v1alpha1.cluster import NetworkPlugin
from roost.api.v1alpha1.machine import Role
from roost.node.thing import Thing
from roost.node.things.residue import Residue
from roost.providers.onprem import families, layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.phases import kubelet, runtime
from roost.providers.onprem.preflight.look import Found
from roost.providers.onprem.vip import address
from roost.providers.onprem.vip import things as things_of_vip


@dataclass(frozen=True)
class Left:
    """What a plugin leaves, by name, beyond what is common to all."""

    directories: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()


_LEFT: Final = {
    NetworkPlugin.FLANNEL: Left(("/run/flannel",), ("cni0", "flannel.*", "flannel-v6.*"), ("FLANNEL-*",)),
    NetworkPlugin.CALICO: Left(
        ("/run/calico", "/var/lib/calico", "/var/log/calico"),
        ("cali*", "tunl0", "vxlan.calico", "vxlan-v6.calico"),
        ("cali-*",),
    ),
    NetworkPlugin.KUBE_OVN: Left(
        ("/run/openvswitch", "/run/ovn", "/etc/openvswitch", "/etc/ovn", "/etc/origin/openvswitch", "/etc/origin/ovn",
         "/var/log/openvswitch", "/var/log/ovn", "/var/log/kube-ovn"),
        ("ovn0", "ovs-system", "br-int", "br-provider", "mirror0", "genev_sys_*", "*_h"),
        ("OVN-*",),
    ),
}  # fmt: skip


def network(ctx: Context) -> Residue:
    """A plugin that people bring themselves (Custom) leaves things that only they know; these are common to all."""
    wanted = layout.on_premises(ctx.spec).network
    left = _LEFT.get(wanted.plugin, Left())
    return Residue(
        name="network",
        directories=("/etc/cni", "/opt/cni", "/var/lib/cni", *left.directories),
        links=("veth*", *left.links),
        netns=("cni-*",),
        chains=("CNI-*", *left.chains),
        routes=families.pods(ctx.spec),
    )


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    del found
    virtual = address.wanted(ctx.spec) if machine.spec.role is Role.CONTROL_PLANE else None
    own = [things_of_vip.residue(virtual)] if virtual is not None else []
    return [runtime.residue(ctx), kubelet.RESIDUE, network(ctx), *own]
