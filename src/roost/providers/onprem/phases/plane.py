"""kubeadm join of a further control plane, phase by phase, with the cluster's CA and keys brought over SSH.

One at a time, behind the gate (gate.py). kubeadm's own preflight, download of certificates and waits are not
called. What a join that was cut off has left is cleared first: half of it is of no use, and its etcd member was
taken out by another control plane before this begins.
"""

from __future__ import annotations

from importlib.resources import files as resources
from typing import Final

from roost.node.quote import word
from roost.node.thing import Payload, Thing
from roost.node.things.run import RunOnce
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.kubeadm import config
from roost.providers.onprem.kubeadm.produced import PATH
from roost.providers.onprem.kubeadm.run import MANIFESTS, PKI, STAGED, node_settings, patches, staged, staging
from roost.providers.onprem.phases.join import DISCOVERY
from roost.providers.onprem.preflight.look import Found
from roost.providers.onprem.sharedkeys import SharedKeys
from roost.providers.onprem.vip import things as vip

PLANE_KEY: Final = "kubeadm:plane"
READY_SECONDS: Final = 120
KEYS: Final = "keys.tar"
STAMPS: Final = ("upload", "certificates", "manifests", "networks", "kubelet", "plane")
"""Beside the journal. Those of a control plane that made the cluster go too when it joins anew."""
_COMPONENTS: Final = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_PHASES: Final = (
    "control-plane-prepare certs",
    "control-plane-prepare kubeconfig",
    "kubelet-start",
    "control-plane-join etcd",
    "control-plane-join mark-control-plane",
    "control-plane-prepare control-plane",
)
"""kubeadm's own order starts kube-apiserver before its etcd is a member: it listens then and answers nobody, and a
load balancer that only tries to connect leads a part of all requests to it, those of this join among them."""


def stamp(cluster_id: str, name: str = "plane") -> str:
    return f"/var/lib/roost/{cluster_id}/made/{name}"


def _whole(cluster_id: str) -> str:
    """sh that holds when everything that a join makes is there."""
    paths = (
        stamp(cluster_id),
        f"{layout.KUBERNETES_DIRECTORY}/kubelet.conf",
        f"{layout.KUBERNETES_DIRECTORY}/admin.conf",
        "/var/lib/kubelet/config.yaml",
        *(f"{MANIFESTS}/{component}.yaml" for component in _COMPONENTS),
    )
    return " && ".join([*(f'[ -e "$R"{word(path)} ]' for path in paths), '[ -d "$R"/var/lib/etcd/member ]'])


def _guard(cluster_id: str) -> str:
    return (
        f"{PATH}\n"
        f"if {_whole(cluster_id)}; then\n"
        "  if systemctl is-active --quiet kubelet.service; then field state done; else field state needed; fi\n"
        "  field joined yes\n"
        "else field state needed; field joined no; fi"
    )


def _clear(cluster_id: str) -> str:
    """What is left of an earlier time as a control plane, or of a join that was cut off."""
    manifests = " ".join(f"{MANIFESTS}/{component}.yaml" for component in _COMPONENTS)
    stamps = " ".join(f'"$R"{word(stamp(cluster_id, name))}' for name in STAMPS)
    return (
        "systemctl stop kubelet.service\n"
        'if [ -n "$(crictl pods --quiet)" ]; then crictl rmp --force --all >/dev/null; fi\n'
        f"rm -rf {PKI} /var/lib/etcd/member /var/lib/kubelet/pki\n"
        f"rm -f {manifests} {layout.KUBERNETES_DIRECTORY}/*.conf {stamps}\n"
    )


def _join(ctx: Context, node: config.NodeSettings) -> str:
    failed = 'explain "kubeadm join failed" kube-apiserver etcd; exit 1;'
    calls = "\n".join(f'kubeadm join phase {phase} --config "$c" || {{ {failed} }}' for phase in _PHASES)
    own = layout.joined(node.address, layout.API_PORT)
    return (
        f"{staging(node)}\n"
        f"{_clear(ctx.cluster_id)}"
        # kubelet looks only every 20 s for a directory that was not there when it started.
        f'mkdir -p {PKI} {MANIFESTS} && tar -xf "$P/{KEYS}" -C {PKI} --no-same-owner\n'
        f"{calls}\n"
        f"ready {READY_SECONDS} https://{own}\n"
        f'mkdir -p "$R"{word(stamp(ctx.cluster_id).rsplit("/", 1)[0])}\n'
        f': > "$R"{word(stamp(ctx.cluster_id))}'
    )


def thing(
    ctx: Context,
    machine: MachineInput,
    found: Found,
    secrets: config.JoinSecrets | None = None,
    keys: SharedKeys | None = None,
) -> RunOnce:
    """Without secrets: for observing and planning only; its script then refuses to run a join."""
    node = node_settings(ctx, machine, found)
    payloads: tuple[Payload, ...] = ()
    join = 'echo "no token was given"; exit 1'
    if secrets is not None and keys is not None:
        documents = config.join_documents(
            ctx.spec, machine, node, secrets, discovery=f"{STAGED}/{DISCOVERY}", patches=patches(node)
        )
        discovery = config.render([config.discovery_file(ctx.spec, secrets)])
        payloads = (
            *staged(documents, node),
            Payload(DISCOVERY, content=discovery),
            Payload(KEYS, content=keys.tar(), secret=True),
        )
        join = _join(ctx, node)
    ready = resources("roost.providers.onprem.kubeadm").joinpath("sh", "ready.sh").read_text()
    return RunOnce(
        key=PLANE_KEY,
        summary=f"join the cluster as control plane {node.name}",
        guard=_guard(ctx.cluster_id),
        script=(
            f"{PATH}\numask 077\n{ready}\n"
            f"if {_whole(ctx.cluster_id)}; then systemctl start kubelet.service\nelse\n{join}\nfi"
        ),
        files=payloads,
    )


def things(
    ctx: Context,
    machine: MachineInput,
    found: Found,
    secrets: config.JoinSecrets | None = None,
    keys: SharedKeys | None = None,
) -> list[Thing]:
    return [thing(ctx, machine, found, secrets, keys), *vip.of_plane(ctx, machine, found)]
