"""The kinds that controllers follow, how they are kept in the cache, and the small questions asked of them.

Called by every controller; pure.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from roost.api.names import CLUSTER_LABEL, FORCE_REMOVAL_ANNOTATION, GLOBAL_CLUSTER, ID_ANNOTATION, SYSTEM_NAMESPACE
from roost.controllers.runtime.api import Object, Ref, annotation, metadata, part, ref_of
from roost.kube.resources import ROOST

CLUSTER: Final = ROOST["Cluster"]
MACHINE: Final = ROOST["Machine"]
PLAN: Final = ROOST["Plan"]
RELEASE: Final = ROOST["KubernetesRelease"]
MACHINE_CHECK: Final = ROOST["MachineCheck"]
MACHINE_DRAFT: Final = ROOST["MachineDraft"]
CLOUD_CREDENTIAL: Final = ROOST["CloudCredential"]
PROJECT: Final = ROOST["Project"]
FEATURE_GATE: Final = ROOST["FeatureGate"]

# Indexes.
BY_CLUSTER: Final = "cluster"
"""Machines by `namespace/cluster`."""
BY_SECRET: Final = "credential"  # noqa: S105
"""Machines by `namespace/secret`."""
BY_VERSION: Final = "version"
"""Clusters by Kubernetes version."""
BY_ADDRESS: Final = "address"
"""Machines by each address they are reached at."""
BY_REGISTRY: Final = "registry"
"""Clusters by the type of their registry, and by the Secret that signs in to it."""
BY_PROJECT: Final = "project"
"""Clusters by the Project that they want to join."""
BY_OWNER: Final = "owner"
"""MachineDrafts by `namespace/user`."""
BY_ID: Final = "id"
"""Clusters by their immutable id."""

Job = Literal["cluster", "nodes", "machine", "secret", "check", "draft", "credential", "project", "annotations"]


@dataclass(frozen=True)
class Key:
    """What the queue runs: a job on an object. `nodes` follows the Nodes of a running Cluster."""

    job: Job
    ref: Ref

    def __str__(self) -> str:
        return f"{self.job} {self.ref.namespace}/{self.ref.name}"


_SALT: Final = os.urandom(16)
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


def slim(obj: Object) -> Object:
    """An object without what nothing here reads and what is more than half of it."""
    meta = {key: value for key, value in metadata(obj).items() if key != "managedFields"}
    if _LAST_APPLIED in part(meta, "annotations"):
        meta["annotations"] = {key: value for key, value in meta["annotations"].items() if key != _LAST_APPLIED}
    return {**obj, "metadata": meta}


def slim_secret(obj: Object) -> Object:
    """A Secret without its data: type, names of its keys, and a digest that tells whether the data changed."""
    data = part(obj, "data")
    mark = hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), key=_SALT, digest_size=16).hexdigest()
    return {
        "metadata": {key: value for key, value in slim(obj)["metadata"].items() if key != "annotations"},
        "type": obj.get("type") or "Opaque",
        "keys": sorted(key for key, value in data.items() if value),
        "digest": mark,
    }


def spec(obj: Object) -> Object:
    return part(obj, "spec")


def is_global(cluster: Object) -> bool:
    meta = metadata(cluster)
    return meta.get("namespace") == SYSTEM_NAMESPACE and meta["name"] == GLOBAL_CLUSTER


def cluster_id(obj: Object) -> str | None:
    return annotation(obj, ID_ANNOTATION)


def cluster_of(machine: Object) -> Ref:
    """The Cluster that a Machine names; it may not exist."""
    return Ref(CLUSTER, metadata(machine).get("namespace") or "", str(spec(machine).get("clusterName") or ""))


def machine_ref(machine: Object) -> Ref:
    return ref_of(MACHINE, machine)


def secret_names(machine: Object) -> list[str]:
    """Names of the Secrets that a Machine names, each once."""
    ssh = part(spec(machine), "ssh")
    named = [part(ssh, "credential").get("name"), part(part(ssh, "proxy"), "credential").get("name")]
    return list(dict.fromkeys(str(name) for name in named if name))


def registry_type(cluster: Object) -> str:
    """BuiltIn, Private or Public; of an on-premises Cluster."""
    return str(part(part(spec(cluster), "onPremises"), "registry").get("type") or "BuiltIn")


def registry_secret(cluster: Object) -> str | None:
    """Name of the Secret that signs in to a Cluster's private registry."""
    wish = part(part(spec(cluster), "onPremises"), "registry")
    return str(name) if (name := part(wish, "credential").get("name")) else None


def at(namespace: str, name: str) -> str:
    """The value of an index that tells namespaces apart."""
    return f"{namespace}/{name}"


def index_by_cluster(machine: Object) -> Iterable[str]:
    ref = cluster_of(machine)
    return [at(ref.namespace, ref.name)]


def index_by_secret(machine: Object) -> Iterable[str]:
    namespace = metadata(machine).get("namespace") or ""
    return [at(namespace, name) for name in secret_names(machine)]


def index_by_registry(cluster: Object) -> Iterable[str]:
    """`Public`, and the Secret of a private registry or of an import."""
    named = registry_secret(cluster) or part(part(spec(cluster), "imported"), "credential").get("name")
    found = [at(str(metadata(cluster).get("namespace") or ""), str(named))] if named else []
    return [*found, registry_type(cluster)] if part(spec(cluster), "onPremises") else found


def index_by_address(machine: Object) -> Iterable[str]:
    wish = spec(machine)
    own = part(wish, "addresses")
    return [str(a) for a in (own.get("ipv4"), own.get("ipv6"), part(wish, "ssh").get("address")) if a]


def index_by_version(cluster: Object) -> Iterable[str]:
    version = spec(cluster).get("version")
    return [str(version)] if version else []


def index_by_project(cluster: Object) -> Iterable[str]:
    project = spec(cluster).get("project")
    return [str(project)] if project else []


def index_by_owner(draft: Object) -> Iterable[str]:
    return [at(str(metadata(draft).get("namespace") or ""), str(spec(draft).get("owner") or ""))]


def index_by_id(cluster: Object) -> Iterable[str]:
    own = cluster_id(cluster)
    return [own] if own else []


def owner_reference(cluster: Object) -> Object:
    return {
        "apiVersion": CLUSTER.api_version,
        "kind": CLUSTER.kind,
        "name": metadata(cluster)["name"],
        "uid": metadata(cluster)["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def labels_for(cluster_name: str) -> dict[str, str]:
    return {CLUSTER_LABEL: cluster_name}


def forced(obj: Object) -> bool:
    """Whether somebody allowed that a Machine, or every machine of a Cluster, is let go as it is."""
    return annotation(obj, FORCE_REMOVAL_ANNOTATION) == "true"


def items(value: Any) -> list[Object]:
    """A list of objects at the JSON edge."""
    return cast("list[Object]", value or [])
