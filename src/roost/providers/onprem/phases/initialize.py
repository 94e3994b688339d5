"""kubeadm init on the control plane, phase by phase. Each is done when what it makes is there as wished.

kubeadm's own preflight and wait-control-plane are not called: roost's preflight (preflight/) and wait
(kubeadm/sh/ready.sh) replace them. Nothing secret is on a command line: the configuration is a staged file.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from importlib.resources import files
from typing import Final

from roost.api.v1alpha1.cluster import NetworkPlugin
from roost.node.quote import word
from roost.node.thing import Thing
from roost.node.things.run import RunOnce
from roost.providers.onprem import families, layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.kubeadm import config
from roost.providers.onprem.kubeadm.produced import PATH, Produced
from roost.providers.onprem.kubeadm.run import MANIFESTS, Init, staged, staging, wish
from roost.providers.onprem.network import flannel
from roost.providers.onprem.preflight.look import Found
from roost.providers.onprem.vip import things as vip

READY_KEY: Final = "kubeadm:ready"
"""Once this step is done this machine's API server answers."""
ENDPOINT_KEY: Final = "kubeadm:endpoint"
"""Only where the cluster's endpoint is not the machine's own address."""
UPLOAD_KEY: Final = "kubeadm:upload"
"""Once this step is done machines can join."""
ADDONS_KEY: Final = "kubeadm:addons"
FINALIZE_KEY: Final = "kubeadm:finalize"
DNS_KEY: Final = "kubeadm:dns"
NETWORK_IMMUTABLE: Final = "NetworkImmutable"
AFTER_JOINABLE: Final = frozenset({ADDONS_KEY, FINALIZE_KEY, DNS_KEY})
"""Steps that nothing else waits for."""
NETWORK_SECONDS: Final = 30
READY_SECONDS: Final = 240
ENDPOINT_SECONDS: Final = 90
"""A load balancer's health check may take a minute to let a new server in."""
ADMIN: Final = f"{layout.KUBERNETES_DIRECTORY}/admin.conf"
_HAS_ADMIN: Final = f'[ -s "$R"{ADMIN} ]'


def _manifests(run: Init) -> RunOnce:
    """What is corrected before the cluster came to be is taken up; other networks begin with an empty etcd.

    A kubelet that has never seen its API replaces no static Pod whose manifest changed: the old ones are
    removed for it. Once machines could join, etcd holds what people made: the networks then stay as they are.
    """
    outputs = tuple(
        f"{MANIFESTS}/{name}.yaml" for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    )
    made = Produced("manifests", wish(run.init, run.cluster), outputs, followed=True)
    networks = Produced("networks", wish(run.cluster["networking"]), ())
    stamp = word(networks.stamp(run.cluster_id))
    uploaded = word(Produced("upload", "", ()).stamp(run.cluster_id))
    other = f'[ -e "$R"{stamp} ] && [ "$(cat "$R"{stamp})" != {networks.digest} ]'
    forget = (
        "was=$(systemctl is-active kubelet.service || :)\n"
        f'if [ ! -e "$R"{uploaded} ] && [ -n "$(crictl pods --quiet)" ]; then\n'
        "  systemctl stop kubelet.service\n"
        "  crictl rmp --force --all >/dev/null\n"
        "fi\n"
        f"if {other}; then rm -rf /var/lib/etcd/member; fi\n"
        f'echo {networks.digest} > "$R"{stamp}'
    )
    thing = run.phase(
        made,
        "write the static Pods of the control plane",
        "etcd local",
        "control-plane all",
        before=forget,
        after='if [ "$was" = active ]; then systemctl start kubelet.service; fi',
    )
    message = (
        "the cluster was initialized with another podCIDR, serviceCIDR or dnsDomain, which can't change any more; "
        "put spec.onPremises.network back, or delete the cluster and create it again"
    )
    blocked = f"field state blocked; field reason {NETWORK_IMMUTABLE}; field message {word(message)}"
    return replace(thing, guard=f'if [ -e "$R"{uploaded} ] && {other}; then {blocked}\nelse\n{thing.guard}\nfi')


def _kubelet(run: Init) -> RunOnce:
    outputs = ("/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env")
    made = Produced(
        "kubelet",
        wish(run.init["nodeRegistration"], run.kubelet, run.node.cgroup_driver, run.cluster["networking"]),
        outputs,
        followed=True,
        also="systemctl is-active --quiet kubelet.service",
    )
    return run.phase(made, "start kubelet", "kubelet-start")


def _guard(*conditions: str) -> str:
    return f"{PATH}\nif {' && '.join(conditions)}; then field state done; else field state needed; fi"


def api_key(ctx: Context, machine: MachineInput) -> str:
    """Once this step is done the API answers: the kubeconfig can be fetched, the network plugin applied."""
    return READY_KEY if _is_own(ctx, machine) else ENDPOINT_KEY


def _is_own(ctx: Context, machine: MachineInput) -> bool:
    wanted = layout.on_premises(ctx.spec).control_plane_endpoint
    return wanted.host in families.declared(machine) and wanted.port == layout.API_PORT


def _wait(ctx: Context, machine: MachineInput, run: Init) -> list[Thing]:
    functions = files("roost.providers.onprem.kubeadm").joinpath("sh", "ready.sh").read_text()
    own = _own(run)
    ready = RunOnce(
        key=READY_KEY,
        summary="wait for the control plane",
        guard=_guard(_HAS_ADMIN, _exists("/readyz", server=own)),
        script=f"{PATH}\n{functions}\nready {READY_SECONDS} {word(own)}",
    )
    if _is_own(ctx, machine):
        return [ready]
    named = layout.endpoint(ctx.spec)
    endpoint = RunOnce(
        key=ENDPOINT_KEY,
        summary=f"wait until https://{named} leads to it",
        guard=_guard(_HAS_ADMIN, _exists("/readyz")),
        script=f"{PATH}\n{functions}\nendpoint {ENDPOINT_SECONDS} {word(named)}",
    )
    return [ready, endpoint]


def _own(run: Init) -> str:
    """This machine's API server: behind the endpoint there may be one that is just starting."""
    return f"https://{layout.joined(run.node.address, layout.API_PORT)}"


def _exists(path: str, *needles: str, server: str = "") -> str:
    """sh that holds when the API has an object (or list) at `path` in which all the needles stand."""
    at = f"--server {word(server)} " if server else ""
    ask = f"kubectl --kubeconfig {ADMIN} {at}--request-timeout=5s get --raw {word(path)} 2>/dev/null"
    if not needles:
        return f"{ask} >/dev/null"
    return " && ".join(f"{ask} | grep -q {word(needle)}" for needle in needles)


def _upload(run: Init) -> RunOnce:
    """Configuration, labels and the rules for joins, in the API. The guard asks the API itself."""
    identifier, secret, own = secrets.token_hex(3), secrets.token_hex(8), _own(run)
    documents = config.with_token(run.documents, f"{identifier}.{secret}")
    config_maps = "/api/v1/namespaces/kube-system/configmaps"
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-public/roles"
    stamp = word(Produced("upload", "", ()).stamp(run.cluster_id))
    token = f"/api/v1/namespaces/kube-system/secrets/bootstrap-token-{identifier}"
    calls = "\n".join(
        f'kubeadm init phase {phase} --config "$c"'
        for phase in ("upload-config all", "mark-control-plane", "bootstrap-token --skip-token-print")
    )
    return RunOnce(
        key=UPLOAD_KEY,
        summary="upload the configuration and the rules for joining",
        guard=_guard(
            _HAS_ADMIN,
            _exists(f"{config_maps}/kubeadm-config", server=own),
            _exists(f"{config_maps}/kubelet-config", server=own),
            _exists(f"/api/v1/nodes/{run.node.name}", "node-role.kubernetes.io/control-plane", server=own),
            _exists(f"{roles}/kubeadm:bootstrap-signer-clusterinfo", server=own),
        ),
        script=(
            f"{PATH}\numask 077\n{staging(run.node)}\n{calls}\n"
            f"kubectl --kubeconfig {ADMIN} delete --raw {token} >/dev/null\n"
            f': > "$R"{stamp}'
        ),
        files=staged(documents, run.node),
    )


def _finalize(run: Init) -> RunOnce:
    """kubelet's client certificate: from the one in its kubeconfig to the file that it renews itself."""
    current = "/var/lib/kubelet/pki/kubelet-client-current.pem"
    conf = f"{layout.KUBERNETES_DIRECTORY}/kubelet.conf"
    phase = "kubelet-finalize all"
    wait = (
        f"n=0; until [ -e {current} ]; do n=$((n + 1)); "
        f'[ "$n" -lt 150 ] || {{ echo "kubelet wrote no {current} within 30 s"; exit 1; }}; sleep 0.2; done'
    )
    return RunOnce(
        key=FINALIZE_KEY,
        summary="let kubelet renew its client certificate",
        guard=f"if grep -qs '{current}' \"$R\"{conf}; then field state done; else field state needed; fi",
        script=f'{PATH}\numask 077\n{staging(run.node)}\n{wait}\nkubeadm init phase {phase} --config "$c"',
        files=run.files,
    )


def _addons(run: Init) -> RunOnce:
    """kube-proxy. CoreDNS comes last (_dns)."""
    return RunOnce(
        key=ADDONS_KEY,
        summary="install kube-proxy",
        guard=_guard(
            _HAS_ADMIN, _exists("/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy", server=_own(run))
        ),
        script=f'{PATH}\numask 077\n{staging(run.node)}\nkubeadm init phase addon kube-proxy --config "$c"',
        files=run.files,
    )


def _dns(run: Init, *, flannel_nodes: int) -> RunOnce:
    """CoreDNS, once Pods work on every node that will be there (0: another network, not waited for).

    flannel makes a node Ready some seconds before it can set up Pods there. CoreDNS would be placed at once, fail,
    and be tried again by kubelet only 10 to 15 s later. Where kube-proxy is late, CoreDNS loses 30 s.
    """
    return RunOnce(
        key=DNS_KEY,
        summary="install CoreDNS",
        guard=_guard(
            _HAS_ADMIN, _exists("/apis/apps/v1/namespaces/kube-system/deployments/coredns", server=_own(run))
        ),
        script=(
            f"{PATH}\numask 077\n{staging(run.node)}\n{_until_pods_work(flannel_nodes) if flannel_nodes else ':'}\n"
            'kubeadm init phase addon coredns --config "$c"'
        ),
        files=run.files,
    )


def _until_pods_work(nodes: int) -> str:
    """sh that waits, at most NETWORK_SECONDS, until kube-proxy and flannel run on that many nodes."""
    shown = '{range .items[*]}{.metadata.name} {.status.numberReady}{"\\n"}{end}'
    # kubectl's cache would stay in the home directory and be in no journal; $P goes with the act.
    kubectl = f'kubectl --kubeconfig {ADMIN} --cache-dir="$P/cache" --request-timeout=3s'
    ask = f"{kubectl} get daemonsets -A -o jsonpath={word(shown)}"
    return (
        f"until=$(($(date +%s) + {NETWORK_SECONDS})) fit=0\n"
        'while [ "$fit" -lt 2 ] && [ "$(date +%s)" -lt "$until" ]; do\n'
        "  sleep 0.3\n"
        "  fit=0\n"
        # To look for a file costs nothing, so the API is asked only when flannel works here.
        f"  [ -e {flannel.SUBNET} ] || continue\n"
        "  while read -r name ready; do\n"
        f"    case $name in kube-proxy | {flannel.DAEMON_SET})\n"
        f'      [ "${{ready:-0}}" -lt {nodes} ] || fit=$((fit + 1)) ;;\n'
        "    esac\n"
        f"  done <<ROOST_END\n$({ask} 2>/dev/null)\nROOST_END\n"
        "done"
    )


def _flannel_nodes(ctx: Context) -> int:
    if layout.on_premises(ctx.spec).network.plugin is not NetworkPlugin.FLANNEL:
        return 0
    return sum(not machine.deleting for machine in ctx.machines)


def things(ctx: Context, machine: MachineInput, found: Found) -> list[Thing]:
    run = Init(ctx, machine, found)
    address, held = vip.of_founder(ctx, machine, found)
    return [
        _manifests(run),
        *address,
        _kubelet(run),
        *_wait(ctx, machine, run),
        *held,
        _upload(run),
        _addons(run),
        _finalize(run),
        _dns(run, flannel_nodes=_flannel_nodes(ctx)),
    ]
