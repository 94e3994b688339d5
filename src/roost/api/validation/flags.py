"""Further flags of the Kubernetes components: how they are written, and which of them roost sets itself.

A flag is roost's where another value would break what roost writes beside it (certificates, tokens,
networks, the runtime) or where a field of the Cluster says the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from roost.api.validation.findings import FieldError, error
from roost.api.validation.shape import join
from roost.api.validation.texts import Term

_CERTIFICATES: Final = Term("its certificates and keys are made by kubeadm", "证书和密钥由 kubeadm 生成")
_KUBECONFIG: Final = Term("its access to the API is made by kubeadm", "对 API 的访问由 kubeadm 配置")
_NETWORK: Final = Term("write spec.onPremises.network instead", "请改写 spec.onPremises.network")
_ENDPOINT: Final = Term(
    "write spec.onPremises.controlPlaneEndpoint instead", "请改写 spec.onPremises.controlPlaneEndpoint"
)
_ETCD: Final = Term("etcd runs beside it and is set up by kubeadm", "etcd 与其一同运行，由 kubeadm 配置")
_JOINS: Final = Term("machines could not join with another value", "其他取值会使机器无法加入")
_RUNTIME: Final = Term(
    "it has to agree with the container runtime that roost installs", "必须与 roost 安装的容器运行时一致"
)
_NODE: Final = Term(
    "it follows from the Machine and spec.onPremises.nodeName", "由机器和 spec.onPremises.nodeName 决定"
)
_FILES: Final = Term("roost keeps its files there and undoes them there", "roost 在该位置保存并还原文件")

OWNED: Final[Mapping[str, Mapping[str, Term]]] = {
    "kubeletExtraArgs": {
        "config": _FILES,
        "config-dir": _FILES,
        "root-dir": _FILES,
        "pod-manifest-path": _FILES,
        "kubeconfig": _KUBECONFIG,
        "bootstrap-kubeconfig": _KUBECONFIG,
        "cert-dir": _CERTIFICATES,
        "client-ca-file": _CERTIFICATES,
        "tls-cert-file": _CERTIFICATES,
        "tls-private-key-file": _CERTIFICATES,
        "rotate-certificates": _CERTIFICATES,
        "rotate-server-certificates": _CERTIFICATES,
        "node-ip": _NODE,
        "hostname-override": _NODE,
        "register-node": _NODE,
        "container-runtime": _RUNTIME,
        "container-runtime-endpoint": _RUNTIME,
        "image-service-endpoint": _RUNTIME,
        "pod-infra-container-image": _RUNTIME,
        "cgroup-driver": _RUNTIME,
        "cluster-dns": _NETWORK,
        "cluster-domain": _NETWORK,
        "pod-cidr": _NETWORK,
    },
    "apiServerExtraArgs": {
        "advertise-address": _NODE,
        "secure-port": _ENDPOINT,
        "external-hostname": _ENDPOINT,
        "etcd-servers": _ETCD,
        "etcd-cafile": _ETCD,
        "etcd-certfile": _ETCD,
        "etcd-keyfile": _ETCD,
        "etcd-prefix": _ETCD,
        "client-ca-file": _CERTIFICATES,
        "tls-cert-file": _CERTIFICATES,
        "tls-private-key-file": _CERTIFICATES,
        "kubelet-client-certificate": _CERTIFICATES,
        "kubelet-client-key": _CERTIFICATES,
        "kubelet-certificate-authority": _CERTIFICATES,
        "proxy-client-cert-file": _CERTIFICATES,
        "proxy-client-key-file": _CERTIFICATES,
        "requestheader-client-ca-file": _CERTIFICATES,
        "requestheader-allowed-names": _CERTIFICATES,
        "requestheader-extra-headers-prefix": _CERTIFICATES,
        "requestheader-group-headers": _CERTIFICATES,
        "requestheader-username-headers": _CERTIFICATES,
        "service-account-key-file": _CERTIFICATES,
        "service-account-signing-key-file": _CERTIFICATES,
        "service-account-issuer": _NETWORK,
        "service-cluster-ip-range": _NETWORK,
        "enable-bootstrap-token-auth": _JOINS,
        "authorization-mode": _JOINS,
    },
    "controllerManagerExtraArgs": {
        "kubeconfig": _KUBECONFIG,
        "authentication-kubeconfig": _KUBECONFIG,
        "authorization-kubeconfig": _KUBECONFIG,
        "use-service-account-credentials": _KUBECONFIG,
        "client-ca-file": _CERTIFICATES,
        "root-ca-file": _CERTIFICATES,
        "cluster-signing-cert-file": _CERTIFICATES,
        "cluster-signing-key-file": _CERTIFICATES,
        "requestheader-client-ca-file": _CERTIFICATES,
        "service-account-private-key-file": _CERTIFICATES,
        "controllers": _JOINS,
        "cluster-cidr": _NETWORK,
        "allocate-node-cidrs": _NETWORK,
        "node-cidr-mask-size": _NETWORK,
        "node-cidr-mask-size-ipv4": _NETWORK,
        "service-cluster-ip-range": _NETWORK,
    },
    "schedulerExtraArgs": {
        "kubeconfig": _KUBECONFIG,
        "authentication-kubeconfig": _KUBECONFIG,
        "authorization-kubeconfig": _KUBECONFIG,
    },
}
_FLAG: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def check_flags(component: str, flags: Mapping[str, str], base: str) -> list[FieldError]:
    """`component` is the field's name, such as kubeletExtraArgs, which stands under `base`."""
    return [
        finding
        for name, value in flags.items()
        for finding in _check(component, name, value, join(base, component, name))
    ]


def _check(component: str, name: str, value: str, path: str) -> list[FieldError]:
    if name.startswith("-"):
        return [error("flag.dashes", path, given=name, right=name.lstrip("-").partition("=")[0])]
    if "=" in name:
        key, _, rest = name.partition("=")
        return [error("flag.equals", path, given=name, right=f"{key}: {rest}")]
    if not _FLAG.fullmatch(name):
        return [error("flag.form", path, given=name, right=_flag_like(name))]
    if name in OWNED[component]:
        because = OWNED[component][name]
        return [error("flag.owned", path, "FieldValueForbidden", given=name, because=because)]
    if _CONTROL.search(value):
        return [error("flag.value", path)]
    if component == "kubeletExtraArgs" and name == "max-pods" and not re.fullmatch(r"[1-9][0-9]{0,5}", value):
        return [error("flag.number", path, given=value or "nothing", low=1, right=110)]
    return []


def _flag_like(name: str) -> str:
    """max_pods, maxPods and MAX-PODS are all max-pods."""
    dashed = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", name).lower()
    return re.sub(r"[^a-z0-9]+", "-", dashed).strip("-") or "max-pods"
