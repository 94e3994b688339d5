"""kubelet's unit and crictl's settings. kubeadm writes kubelet's configuration and starts it."""

from __future__ import annotations

from typing import Final

from roost.api.v1alpha1.cluster import ClusterSpec
from roost.node.thing import Thing
from roost.node.things.file import File
from roost.node.things.residue import Residue
from roost.node.things.unit import Unit
from roost.providers.onprem import families, layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.preflight.look import Found

RESIDUE: Final = Residue(
    name="kubelet",
    stop_units=("kubelet.service",),
    directories=(
        "/etc/kubernetes",
        "/var/lib/etcd",
        "/var/lib/kubelet",
        "/usr/libexec/kubernetes",
        "/var/log/pods",
        "/var/log/containers",
    ),
    mounts=("/var/lib/kubelet/",),
    chains=("KUBE-*",),
    nft_tables=("kube-proxy",),
    cgroups=("kubepods", "kubepods.slice"),
    # kubelet sets the first three groups, kube-proxy the last; none of them puts a former value back.
    sysctls=(
        "vm.overcommit_memory",
        "vm.panic_on_oom",
        "kernel.panic",
        "kernel.panic_on_oops",
        "kernel.keys.root_maxkeys",
        "kernel.keys.root_maxbytes",
        "net.ipv4.conf.all.route_localnet",
    ),
)

UNIT: Final = """\
[Unit]
Description=kubelet, the Kubernetes node agent
Documentation=https://kubernetes.io/docs/
After=network.target network-online.target containerd.service cri-docker.service

[Service]
ExecStart=/usr/local/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=5

[Install]
WantedBy=multi-user.target
"""

_DROP_IN: Final = """\
# kubelet with the files that kubeadm writes, once the node's address is there: etcd and the API listen on it.
[Service]
ExecStartPre=-/bin/sh -c 'n=0; until ip -o address | grep -qF " {address}/" || [ "$$n" -ge 60 ]; do \
n=$$((n + 1)); sleep 1; done'
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS
"""


def drop_in(address: str) -> str:
    """Waiting for the one address replaces network-online.target, which would stay active after an undo."""
    return _DROP_IN.replace("{address}", address)


def crictl(spec: ClusterSpec) -> str:
    socket = layout.cri_socket(spec)
    return f"runtime-endpoint: {socket}\nimage-endpoint: {socket}\ntimeout: 10\n"


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    del found
    address = families.address(ctx.spec, machine)
    return [
        File("/etc/crictl.yaml", crictl(ctx.spec)),
        File("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", drop_in(address)),
        # Started by kubeadm once there is something to start with.
        Unit("kubelet.service", UNIT, active=None),
    ]
