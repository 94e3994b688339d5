"""Keeps the kubeconfig of a managed cluster in its Secret `NAME-kubeconfig`. One store per Cluster object.

Handed to the provider in its Context. The namespace may be going while the provider still works: a write
that is refused is then kept in memory for as long as this process looks after the cluster.
"""

from __future__ import annotations

import base64

from roost.api.errors import PermanentFailure
from roost.api.masked import Masked
from roost.api.names import FIELD_MANAGER, KUBECONFIG_KEY, kubeconfig_secret
from roost.controllers.kinds import items, labels_for, owner_reference
from roost.controllers.runtime.api import Api, ApiProblem, Object, Ref, metadata, part, uid
from roost.controllers.runtime.cache import Cache
from roost.kube.resources import SECRET


class SecretKubeconfig:
    def __init__(self, api: Api, cache: Cache, cluster: Object) -> None:
        meta = metadata(cluster)
        self._api = api
        self._cache = cache
        self._cluster = cluster
        self._ref = Ref(SECRET, str(meta.get("namespace")), kubeconfig_secret(meta["name"]))
        self._kept: tuple[str, Masked] | None = None
        self._unwritten: Masked | None = None

    async def load(self) -> Masked | None:
        if self._unwritten is not None:
            return self._unwritten
        known = self._cache.get(self._ref)
        mark = str(known["digest"]) if known else ""
        if self._kept is not None and mark and self._kept[0] == mark:
            return self._kept[1]
        try:
            obj = await self._api.get(self._ref)
        except ApiProblem as problem:
            if problem.not_found:
                return None
            raise
        text = part(obj, "data").get(KUBECONFIG_KEY)
        if not text or not self._is_own(obj):
            return None
        kubeconfig = Masked(base64.b64decode(text).decode())
        self._kept = (mark, kubeconfig)
        return kubeconfig

    async def save(self, kubeconfig: Masked) -> None:
        await self._refuse_foreign()
        meta = metadata(self._cluster)
        body: Object = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": self._ref.name,
                "namespace": self._ref.namespace,
                "labels": labels_for(meta["name"]),
                "ownerReferences": [owner_reference(self._cluster)],
            },
            "type": "Opaque",
            "data": {KUBECONFIG_KEY: base64.b64encode(kubeconfig.reveal().encode()).decode()},
        }
        try:
            await self._api.apply(self._ref, body, manager=FIELD_MANAGER)
        except ApiProblem as problem:
            if not (problem.refused or problem.not_found):
                raise
            self._unwritten = kubeconfig
        else:
            self._unwritten = None
        self._kept = None

    async def delete(self) -> None:
        """Takes the Secret away with its Cluster; one that somebody else made stays."""
        known = self._cache.get(self._ref)
        if known is None or not self._is_own(known):
            return
        try:
            await self._api.delete(self._ref)
        except ApiProblem as problem:
            if not problem.not_found:
                raise

    def _is_own(self, obj: Object) -> bool:
        owners = items(metadata(obj).get("ownerReferences"))
        return any(owner.get("uid") == uid(self._cluster) for owner in owners)

    async def _refuse_foreign(self) -> None:
        try:
            obj = await self._api.get(self._ref)
        except ApiProblem as problem:
            if problem.not_found:
                return
            raise
        if not self._is_own(obj) and part(obj, "data"):
            raise PermanentFailure(
                "KubeconfigSecretTaken",
                f"Secret {self._ref.namespace}/{self._ref.name}, where the cluster's kubeconfig is kept, exists and "
                "is not this Cluster's; rename or delete it",
            )
