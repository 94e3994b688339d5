"""How each program of the platform is started: literal arguments, nothing decided at run time but paths and ports.

Called by start. Pure.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from roost.embedded.layout import Layout
from roost.embedded.ports import LOOPBACK
from roost.embedded.record import Record
from roost.embedded.supervise import Program

ETCD: Final = "etcd"
API: Final = "kube-apiserver"
CONTROLLER_MANAGER: Final = "kube-controller-manager"
REGISTRY: Final = "registry"
REGISTRY_TLS: Final = "registry-tls"
ADMISSION: Final = "admission"
CONTROLLERS: Final = "controllers"
REGISTRY_FRONT: Final = "registry-front"
GATEWAY: Final = "gateway"
GATEWAYS_MOST: Final = 4


def gateways(count: int) -> tuple[str, ...]:
    """Names of the gateway's processes: gateway, gateway-2, …"""
    return (GATEWAY, *(f"{GATEWAY}-{number}" for number in range(2, count + 1)))


STOP_ORDER: Final = (
    # The API server waits for open watches when it ends, so who watches ends first.
    (*gateways(GATEWAYS_MOST), REGISTRY_FRONT, CONTROLLERS, CONTROLLER_MANAGER, ADMISSION),
    (API, REGISTRY, REGISTRY_TLS),
    (ETCD,),
)

# What an API without nodes needs. Without them: owners that don't take their dependents along, namespaces that
# never end, no tokens, no CA in namespaces, aggregated roles that stay empty, requests nobody signs.
KUBE_CONTROLLERS: Final = (
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "legacy-serviceaccount-token-cleaner-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-signing-controller",
    "certificatesigningrequest-cleaner-controller",
    "validatingadmissionpolicy-status-controller",
)

SERVICE_CIDR: Final = "10.0.0.0/24"
"""Of no use here, but the API server insists on one."""


def etcd(layout: Layout, record: Record, executable: Path) -> Program:
    ports = record.ports
    client, peer = f"https://{LOOPBACK}:{ports.etcd}", f"https://{LOOPBACK}:{ports.etcd_peer}"
    certificate, key, ca = layout.certificate("etcd"), layout.key("etcd"), layout.certificate("etcd-ca")
    return Program(
        ETCD,
        executable,
        (
            "--name=roost",
            f"--data-dir={layout.etcd}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=roost={peer}",
            "--client-cert-auth",
            f"--trusted-ca-file={ca}",
            f"--cert-file={certificate}",
            f"--key-file={key}",
            "--peer-client-cert-auth",
            f"--peer-trusted-ca-file={ca}",
            f"--peer-cert-file={certificate}",
            f"--peer-key-file={key}",
            # One member: nobody to wait for at a start, and its own disk is all that can be slow.
            "--heartbeat-interval=50",
            "--election-timeout=500",
            "--quota-backend-bytes=8589934592",
            "--log-level=warn",
        ),
        layout.log(ETCD),
        stop_seconds=30,
    )


def api(layout: Layout, record: Record, executable: Path) -> Program:
    ports = record.ports
    return Program(
        API,
        executable,
        (
            f"--etcd-servers=https://{LOOPBACK}:{ports.etcd}",
            f"--etcd-cafile={layout.certificate('etcd-ca')}",
            f"--etcd-certfile={layout.certificate('etcd-client')}",
            f"--etcd-keyfile={layout.key('etcd-client')}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={ports.api}",
            f"--advertise-address={ADVERTISED}",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={layout.certificate('api')}",
            f"--tls-private-key-file={layout.key('api')}",
            "--tls-min-version=VersionTLS12",
            f"--client-ca-file={layout.certificate('platform-ca')}",
            "--anonymous-auth=false",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={layout.certificate('service-accounts')}",
            f"--service-account-signing-key-file={layout.key('service-accounts')}",
            f"--service-cluster-ip-range={SERVICE_CIDR}",
            f"--encryption-provider-config={layout.encryption}",
            f"--audit-policy-file={layout.audit_policy}",
            f"--audit-log-path={layout.log('audit')}",
            "--audit-log-maxsize=50",
            "--audit-log-maxbackup=5",
            "--audit-log-maxage=30",
            # What happened to a cluster is asked for on the next day, too.
            "--event-ttl=48h",
            "--profiling=false",
        ),
        layout.log(API),
        # People's watches hold it up. Nothing is lost by a kill: what it has answered for, etcd has.
        stop_seconds=8,
    )


ADVERTISED: Final = "192.0.2.1"
"""An address for documentation (RFC 5737). The API server refuses loopback, and nobody is told it: the endpoint
reconciler, which would publish it, is off."""


def controller_manager(layout: Layout, record: Record, executable: Path) -> Program:
    kubeconfig = layout.kubeconfig("controller-manager")
    del record
    return Program(
        CONTROLLER_MANAGER,
        executable,
        (
            f"--kubeconfig={kubeconfig}",
            f"--controllers={','.join(KUBE_CONTROLLERS)}",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={layout.key('service-accounts')}",
            f"--root-ca-file={layout.certificate('platform-ca')}",
            f"--cluster-signing-cert-file={layout.certificate('platform-ca')}",
            f"--cluster-signing-key-file={layout.key('platform-ca')}",
            # Nothing asks it; roost sees that it runs.
            "--secure-port=0",
            "--profiling=false",
        ),
        layout.log(CONTROLLER_MANAGER),
        stop_seconds=10,
    )


def registry(layout: Layout, executable: Path, *, name: str, config: Path) -> Program:
    """One of the two registry processes: `registry` takes writes on loopback, `registry-tls` serves machines."""
    from roost.bundle import registry as distribution

    return Program(
        name,
        executable,
        distribution.arguments(config),
        layout.log(name),
        environment=distribution.ENVIRONMENT,
        stop_seconds=5,
    )


def own(layout: Layout, name: str) -> Program:
    """`controllers`, `admission`, `gateway`, `gateway-2`…: roost itself, as a process of its own."""
    return Program(
        name,
        Path(sys.executable),
        ("-m", "roost.main", name, "--data-dir", str(layout.root)),
        layout.log(name),
        environment={"PYTHONUNBUFFERED": "1"},
        stop_seconds=10,
    )


def restart_after(renewed: tuple[str, ...]) -> tuple[str, ...]:
    """Which children hold one of these certificates in memory. etcd and the API server read theirs anew."""
    holders = {
        "user-controllers": (CONTROLLERS,),
        "user-registry-front": (REGISTRY_FRONT,),
        "user-admission": (ADMISSION,),
        "user-gateway": gateways(GATEWAYS_MOST),
        "webhook": (ADMISSION,),
        "user-controller-manager": (CONTROLLER_MANAGER,),
        "registry": (REGISTRY_TLS,),
    }
    return tuple(dict.fromkeys(child for name in renewed for child in holders.get(name, ())))
