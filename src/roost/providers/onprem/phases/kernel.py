"""Kernel modules and settings that containers, Pods' traffic and kubelet rely on."""

from __future__ import annotations

from typing import Final

from roost.node.thing import Thing
from roost.node.things.module import Module
from roost.node.things.sysctl import Sysctl
from roost.providers.onprem import families
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.preflight.look import Found

FORWARDING: Final[dict[families.Family, dict[str, str]]] = {
    4: {"net.ipv4.ip_forward": "1"},
    6: {"net.ipv6.conf.all.forwarding": "1"},
}
BRIDGES: Final = {
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
}
KUBELET: Final = {
    # kubelet sets these itself at each start; said here, they are announced, kept at boot and put back.
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
    "vm.overcommit_memory": "1",
}
INOTIFY_LEAST: Final = {
    # The kernel's default of 128 instances is used up by some tens of Pods that watch files.
    "fs.inotify.max_user_instances": 8192,
    "fs.inotify.max_user_watches": 524288,
}


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    del machine
    forwarding = {key: value for each in families.families(ctx.spec) for key, value in FORWARDING[each].items()}
    # A machine that allows more keeps its own value.
    inotify = {
        key: str(least)
        for key, least in INOTIFY_LEAST.items()
        if found.sysctls.get(key.replace(".", "/"), 0) <= least
    }
    return [
        Module("overlay"),
        Module("br_netfilter"),
        Sysctl(
            "90-roost-kubernetes",
            {**forwarding, **BRIDGES, **KUBELET, **inotify},
            # Without br_netfilter bridged packets pass iptables by; flannel then asks for it, others need none.
            optional=(*BRIDGES, *inotify),
        ),
    ]
