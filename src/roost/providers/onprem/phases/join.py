"""kubeadm join of a worker. The token is its own, made for this one join; the CA is pinned."""

from __future__ import annotations

import secrets as secrets_module
from typing import Final

from roost.node.quote import word
from roost.node.thing import Payload, Thing
from roost.node.things.run import RunOnce
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.kubeadm import config
from roost.providers.onprem.kubeadm.produced import PATH
from roost.providers.onprem.kubeadm.run import STAGED, node_settings, patches, staged, staging
from roost.providers.onprem.preflight.look import Found

JOIN_KEY: Final = "kubeadm:join"
DISCOVERY: Final = "discovery.conf"

_GUARD: Final = (
    f"{PATH}\n"
    f'if [ -s "$R"{layout.KUBERNETES_DIRECTORY}/kubelet.conf ] && [ -s "$R"/var/lib/kubelet/config.yaml ]; then\n'
    "  if systemctl is-active --quiet kubelet.service; then field state done; else field state needed; fi\n"
    "  field joined yes\n"
    "else field state needed; field joined no; fi"
)

_EXPLAIN: Final = """\
explain() {
  echo "kubeadm join failed; kubelet is $(systemctl is-active kubelet.service || :), its last error: $(
    journalctl --unit kubelet.service --lines 200 --output cat 2>/dev/null | grep '^E' | tail -n 1 | cut -c 1-600)"
}
"""


def thing(ctx: Context, machine: MachineInput, found: Found, secrets: config.JoinSecrets | None = None) -> RunOnce:
    """Without secrets: for observing and planning only; its script then refuses to run a join."""
    node = node_settings(ctx, machine, found)
    files: tuple[Payload, ...] = ()
    join = 'echo "no token was given"; exit 1'
    if secrets is not None:
        documents = config.join_documents(
            ctx.spec, machine, node, secrets, discovery=f"{STAGED}/{DISCOVERY}", patches=patches(node)
        )
        discovery = config.render([config.discovery_file(ctx.spec, secrets)])
        files = (*staged(documents, node), Payload(DISCOVERY, content=discovery))
        # What a join that was killed half-way left would stop kubeadm; nothing of it is of use.
        join = (
            f"{staging(node)}\n"
            f"rm -f {layout.KUBERNETES_DIRECTORY}/kubelet.conf {layout.KUBERNETES_DIRECTORY}/bootstrap-kubelet.conf "
            f"{layout.KUBERNETES_DIRECTORY}/pki/ca.crt\n"
            'kubeadm join phase kubelet-start --config "$c" || { explain; exit 1; }'
        )
    started = f"[ -s {layout.KUBERNETES_DIRECTORY}/kubelet.conf ] && [ -s /var/lib/kubelet/config.yaml ]"
    return RunOnce(
        key=JOIN_KEY,
        summary=f"join the cluster as node {node.name}",
        guard=_GUARD,
        script=(f"{PATH}\numask 077\n{_EXPLAIN}if {started}; then systemctl start kubelet.service\nelse\n{join}\nfi"),
        files=files,
    )


def register_again(ctx: Context) -> RunOnce:
    """For a machine that joined before and whose Node was deleted since: kubelet registers when it starts."""
    nonce = secrets_module.token_hex(8)
    stamp = word(f"/var/lib/roost/{ctx.cluster_id}/made/registered")
    registered = f'[ "$(cat "$R"{stamp} 2>/dev/null)" = {nonce} ]'
    return RunOnce(
        key=JOIN_KEY,
        summary="register with the cluster again",
        guard=f"if {registered}; then field state done; else field state needed; fi",
        script=(f'systemctl restart kubelet.service\nmkdir -p "$(dirname "$R"{stamp})"\necho {nonce} > "$R"{stamp}'),
    )


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    return [thing(ctx, machine, found)]
