"""The cluster's certificates and the components' kubeconfigs, made by kubeadm on the control plane.

Made while images are still being pulled: keys cost seconds, and nothing but programs is needed for them.
"""

from __future__ import annotations

from dataclasses import replace

from roost.node.thing import Thing
from roost.node.things.image import IMAGES
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.kubeadm.produced import Produced
from roost.providers.onprem.kubeadm.run import PKI, Init, wish
from roost.providers.onprem.preflight.look import Found


def certificates() -> tuple[str, ...]:
    """Every file that `certs all` makes."""
    names = ("ca", "apiserver", "apiserver-kubelet-client", "front-proxy-ca", "front-proxy-client")
    etcd = ("ca", "server", "peer", "healthcheck-client")
    pairs = [*names, "apiserver-etcd-client", *(f"etcd/{name}" for name in etcd)]
    return (*(f"{PKI}/{name}.{end}" for name in pairs for end in ("crt", "key")), f"{PKI}/sa.key", f"{PKI}/sa.pub")


def kubeconfigs(version: str) -> tuple[str, ...]:
    names = ["admin", "controller-manager", "scheduler", "kubelet"]
    if layout.minor(version) >= 29:
        names.append("super-admin")
    return tuple(f"{layout.KUBERNETES_DIRECTORY}/{name}.conf" for name in names)


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    run = Init(ctx, machine, found)
    confs = kubeconfigs(run.version)
    # kubeadm keeps a certificate that it finds, so those with other names have to go first. The CA stays.
    named = [f"{PKI}/{name}.{end}" for name in ("apiserver", "etcd/server", "etcd/peer") for end in ("crt", "key")]
    made = Produced(
        "certificates",
        wish(
            run.node.name,
            run.node.address,
            run.cluster["clusterName"],
            run.cluster["controlPlaneEndpoint"],
            run.cluster["networking"],
            run.cluster["apiServer"]["certSANs"],
        ),
        (*certificates(), *confs),
        clear=(*named, *confs),
    )
    thing = run.phase(made, "make the certificates and kubeconfigs", "certs all", "kubeconfig all")
    return [replace(thing, parallel=IMAGES)]
