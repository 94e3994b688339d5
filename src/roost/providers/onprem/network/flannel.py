"""flannel: the upstream manifest with the cluster's Pod network, its API and the node's own address as typed patches.

Images and everything else stay as upstream wrote them. Called by the provider once the API answers. Pure.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, Final, cast

import yaml

from roost.api.errors import PermanentFailure

Document = dict[str, Any]

NAMESPACE: Final = "kube-flannel"
DAEMON_SET: Final = "kube-flannel-ds"
CONFIG_MAP: Final = "kube-flannel-cfg"
SUBNET: Final = "/run/flannel/subnet.env"
"""On each machine: flannel writes it when it has its part of the network; its CNI plugin fails without."""
_ADDRESS: Final = "ROOST_NODE_IP"


def objects(manifest: bytes, *, pod_cidr: str, api: tuple[str, int]) -> list[Document]:
    """The objects to apply; `api`: host and port. Raises PermanentFailure for a manifest of an unknown shape."""
    loaded = [cast("Document", item) for item in yaml.safe_load_all(manifest) if isinstance(item, dict)]
    patched = copy.deepcopy(loaded)
    _patch(patched, "ConfigMap", CONFIG_MAP, lambda item: _set_network(item, pod_cidr))
    _patch(patched, "DaemonSet", DAEMON_SET, lambda item: _set_environment(item, *api))
    return patched


def _patch(documents: list[Document], kind: str, name: str, change: Callable[[Document], None]) -> None:
    for document in documents:
        if document.get("kind") == kind and document["metadata"]["name"] == name:
            try:
                change(document)
            except (KeyError, IndexError, ValueError, TypeError, StopIteration) as error:
                raise _unknown(f"{kind} {name} is not as expected ({error!r})") from error
            return
    raise _unknown(f"there is no {kind} {name}")


def _set_network(config: Document, pod_cidr: str) -> None:
    settings = json.loads(config["data"]["net-conf.json"])
    settings["Network"] = pod_cidr
    config["data"]["net-conf.json"] = json.dumps(settings, indent=2)


def _set_environment(daemon: Document, host: str, port: int) -> None:
    """The device with the node's declared address; flannel alone takes that of the default route.

    And the API's own address: through the Service, flannel waits 30 s where it is faster than kube-proxy.
    """
    containers = daemon["spec"]["template"]["spec"]["containers"]
    container = next(item for item in containers if item["name"] == "kube-flannel")
    container["args"] = [*container["args"], f"--iface=$({_ADDRESS})"]
    container["env"] = [
        *container.get("env", []),
        {"name": "KUBERNETES_SERVICE_HOST", "value": host},
        {"name": "KUBERNETES_SERVICE_PORT", "value": str(port)},
        {"name": _ADDRESS, "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
    ]


def _unknown(cause: str) -> PermanentFailure:
    return PermanentFailure(
        "ManifestUnknown",
        f"flannel's manifest in the release bundle can't be used: {cause}; create the bundle again",
    )
