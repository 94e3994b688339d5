"""The network plugins that roost installs: what each is called in the bundle and in the cluster.

Read by install, following (which waits for the DaemonSet) and the plan. Custom has no entry: people bring it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from roost.api.errors import PermanentFailure
from roost.api.v1alpha1.cluster import NetworkPlugin
from roost.providers.onprem import families, layout
from roost.providers.onprem.context import Context
from roost.providers.onprem.network import calico, flannel, kubeovn

Document = dict[str, Any]


@dataclass(frozen=True)
class Plugin:
    name: str
    """As the bundle's manifest and component are called."""
    namespace: str
    daemon_set: str
    """Of this namespace; on each node; the digest of what was applied stands on it."""
    config: tuple[str, str] | None
    """Namespace and name of a ConfigMap without which the plugin is not installed."""
    images: tuple[str, ...]
    """What the names of its images begin with: machines fetch them ahead."""
    objects: Callable[[Context], list[Document]]


def _api(ctx: Context) -> tuple[str, int]:
    endpoint = layout.on_premises(ctx.spec).control_plane_endpoint
    return endpoint.host, endpoint.port


def _manifest(ctx: Context, name: str) -> bytes:
    if name not in ctx.bundle.manifests:
        raise PermanentFailure(
            "ManifestMissing",
            f"the release bundle of {ctx.bundle.version} has no manifest of {name}; create it with the plugin: "
            f"roost bundle create --kubernetes {ctx.bundle.version} --with {name}",
        )
    return ctx.bundle.manifest(name)


def _flannel(ctx: Context) -> list[Document]:
    nic = layout.on_premises(ctx.spec).network.nic
    manifest = _manifest(ctx, "flannel")
    return flannel.objects(manifest, pod_cidrs=families.pods(ctx.spec), api=_api(ctx), nic=nic)


def _calico(ctx: Context) -> list[Document]:
    nic = layout.on_premises(ctx.spec).network.nic
    return calico.objects(_manifest(ctx, "calico"), pod_cidrs=families.pods(ctx.spec), api=_api(ctx), nic=nic)


def _kube_ovn(ctx: Context) -> list[Document]:
    planes = [families.addresses(ctx.spec, machine) for machine in layout.control_planes(ctx)]
    return kubeovn.objects(
        _manifest(ctx, "kube-ovn"), layout.on_premises(ctx.spec).network, masters=[own[0] for own in planes]
    )


PLUGINS: Final[dict[NetworkPlugin, Plugin]] = {
    NetworkPlugin.FLANNEL: Plugin(
        name="flannel",
        namespace=flannel.NAMESPACE,
        daemon_set=flannel.DAEMON_SET,
        config=(flannel.NAMESPACE, flannel.CONFIG_MAP),
        images=("docker.io/flannel/",),
        objects=_flannel,
    ),
    NetworkPlugin.CALICO: Plugin(
        name="calico",
        namespace=calico.NAMESPACE,
        daemon_set=calico.DAEMON_SET,
        config=(calico.NAMESPACE, calico.CONFIG_MAP),
        images=("docker.io/calico/", "quay.io/calico/"),
        objects=_calico,
    ),
    NetworkPlugin.KUBE_OVN: Plugin(
        name="kube-ovn",
        namespace=kubeovn.NAMESPACE,
        daemon_set=kubeovn.DAEMON_SET,
        config=None,
        images=("docker.io/kubeovn/",),
        objects=_kube_ovn,
    ),
}


def of(ctx: Context) -> Plugin | None:
    """The plugin of a cluster; None where people install one themselves."""
    return PLUGINS.get(layout.on_premises(ctx.spec).network.plugin)
