"""Reconciles imported Clusters: checks, adopts, follows, renews roost's own access, and lets go.

A credential that was given stands in the user's Secret until roost has one of its own; then it is erased there.
Given again, it is checked and adopted again. Called by the cluster controller.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from roost import __version__
from roost.api import conditions as c
from roost.api.errors import PermanentFailure, RoostError
from roost.api.masked import Masked
from roost.api.names import FINALIZER, FORCE_REMOVAL_ANNOTATION, GROUP
from roost.api.v1alpha1.cluster import Imported
from roost.controllers import claims
from roost.controllers.contexts import cluster_spec
from roost.controllers.environment import Environment
from roost.controllers.kinds import CLUSTER, cluster_id, forced
from roost.controllers.runtime.api import (
    Object,
    Ref,
    deleting,
    finalizers,
    generation,
    metadata,
    part,
    ref_of,
    uid,
)
from roost.controllers.runtime.clock import rfc3339
from roost.controllers.runtime.log import logger
from roost.controllers.secrets import SecretMissing
from roost.kube.guarded import Policy
from roost.kube.kubeconfig import parse
from roost.kube.resources import NAMESPACE, SECRET
from roost.providers.imported import adopting, checks
from roost.providers.imported.adopting import Owner
from roost.providers.imported.checks import Check, Platform, Report, Wish
from roost.providers.imported.following import Followed, follow, moved
from roost.providers.imported.given import Given
from roost.providers.imported.given import claims as token_claims

EVERY: Final = 30.0
TOKEN, KUBECONFIG = "token", "kubeconfig"
ERASED_ANNOTATION: Final = f"{GROUP}/erased"
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


class ImportedController:
    def __init__(self, env: Environment, policy: Policy, *, chance: Callable[[], float] = random.random) -> None:
        self._env = env
        self._policy = policy
        self._chance = chance
        self._platform_uid = ""
        self._spread: dict[str, float] = {}
        """By the Cluster's uid: when in its span a token is renewed, drawn once for each token."""
        self._log = logger()

    async def reconcile(self, ref: Ref, cluster: Object) -> float | None:
        env = self._env
        if deleting(cluster):
            await self._let_go(ref, cluster)
            return None
        cluster = await claims.claim_cluster(env.api, cluster)
        env.status.adopt(CLUSTER, cluster)
        env.status.set(ref, observedGeneration=generation(cluster))
        try:
            await self._bring_about(ref, cluster)
        except RoostError as error:
            self._say(ref, cluster, Check(c.AVAILABLE, "False", error.reason, error.message))
            raise
        env.status.note(ref, trouble="", cause="")
        env.status.set(ref, retry=None)
        return EVERY

    async def _bring_about(self, ref: Ref, cluster: Object) -> None:
        wish = cluster_spec(cluster).imported
        if wish is None:
            raise PermanentFailure("SpecIncomplete", "spec.imported is needed to import a cluster")
        store = self._env.kubeconfig(cluster)
        given = await self._given(cluster, wish)
        stored = await store.load()
        if given.token is not None or given.kubeconfig is not None:
            stored = await self._take(ref, cluster, wish, given)
            await store.save(stored)
            await self._erase(ref, wish)
            self._say(ref, cluster, Check(c.ADOPTED, "True", message=_until(stored)))
        elif stored is None:
            where = f"{ref.namespace}/{wish.credential.name}"
            message = f"Secret {where} has neither {TOKEN} nor {KUBECONFIG}; add one of them"
            self._say(ref, cluster, Check(c.PARSED, "False", "CredentialMissing", message))
            raise PermanentFailure("CredentialMissing", message)
        else:
            stored = await self._renewed(ref, cluster, await self._moved(ref, cluster, wish, stored))
        self._tell(ref, cluster, await self._followed(ref, wish, stored))

    async def _take(self, ref: Ref, cluster: Object, wish: Imported, given: Given) -> Masked:
        """From a given credential to roost's own. Every check becomes a condition, whatever comes of it."""
        env = self._env
        asked = Wish(given, wish.profile, wish.allow_unsupported_version, wish.takeover)
        platform = Platform(await self._own_uid(), self._known(ref))
        report = await checks.look(asked, platform, self._policy, now=env.now)
        self._say_checks(ref, cluster, report)
        report.raise_problem()
        if report.access is None:
            raise AssertionError("a look without problems has an access")
        env.status.set(ref, uid=report.uid, version=report.version or None, endpoint=report.access.server)
        owner = Owner(platform.uid, cluster_id(cluster) or "", report.uid, wish.profile, __version__)
        try:
            return await adopting.adopt(report.access, self._policy, owner, takeover=wish.takeover)
        except RoostError as error:
            self._say(ref, cluster, Check(c.ADOPTED, "False", error.reason, error.message))
            raise

    def _say_checks(self, ref: Ref, cluster: Object, report: Report) -> None:
        made = {check.type for check in report.checks}
        for check in report.checks:
            self._say(ref, cluster, check)
        for kind in c.IMPORT_CHECKS:
            if kind not in made and kind != c.ADOPTED:
                self._say(ref, cluster, Check(kind, "Unknown", c.WAITING))
        self._env.status.set(ref, warnings=report.warnings or None)

    async def _moved(self, ref: Ref, cluster: Object, wish: Imported, stored: Masked) -> Masked:
        """The kept access, at another address where the Cluster gives one, once the same cluster answers there."""
        elsewhere = moved(stored, wish)
        if elsewhere is None:
            return stored
        found = await self._followed(ref, wish, elsewhere)
        known = self._env.status.value(ref, "uid")
        if known and found.facts.uid != known:
            raise PermanentFailure(
                "ClusterReplaced",
                f"{found.server} is the API of another cluster (uid {found.facts.uid}) than the one that was "
                f"imported (uid {known}); correct spec.imported.server, or import that one as a Cluster of its own",
            )
        await self._env.kubeconfig(cluster).save(elsewhere)
        return elsewhere

    async def _renewed(self, ref: Ref, cluster: Object, stored: Masked) -> Masked:
        """Fresh where it is due; what fails is said once half of the token's life is over."""
        token = parse(stored).token
        if token is None:
            return stored
        chance = self._spread.setdefault(uid(cluster), self._chance())
        due = adopting.renewal(token, chance=chance)
        if due is None or self._env.now() < due:
            return stored
        try:
            fresh = await adopting.renew(stored, self._policy)
        except RoostError as error:
            known = token_claims(token)
            half = (float(known["iat"]) + float(known["exp"])) / 2
            if self._env.now().timestamp() >= half:
                text = f"roost's own token can't be renewed: {error.message}; {_until(stored)}"
                self._say(ref, cluster, Check(c.ADOPTED, "False", "CredentialNotRenewed", text))
            self._log.warning("token not renewed", cluster=str(ref), cause=error.message)
            return stored
        await self._env.kubeconfig(cluster).save(fresh)
        self._spread.pop(uid(cluster), None)
        self._say(ref, cluster, Check(c.ADOPTED, "True", message=_until(fresh)))
        return fresh

    async def _followed(self, ref: Ref, wish: Imported, stored: Masked) -> Followed:
        try:
            return await follow(stored, self._policy, allow_unsupported_version=wish.allow_unsupported_version)
        except PermanentFailure as error:
            if error.reason != "NotSignedIn":
                raise
            raise PermanentFailure(
                "CredentialNotAccepted",
                "the cluster no longer accepts roost's own token: its account was deleted, or the cluster restored; "
                f"put a fresh credential into Secret {ref.namespace}/{wish.credential.name}",
            ) from error

    def _tell(self, ref: Ref, cluster: Object, found: Followed) -> None:
        env, facts = self._env, found.facts
        self._say(ref, cluster, found.version)
        env.status.set(ref, **facts.status(), endpoint=found.server)
        if facts.failing:
            message = f"checks of the API server that fail: {', '.join(facts.failing)}"
            self._say(ref, cluster, Check(c.AVAILABLE, "False", "ApiNotReady", message))
            return
        text = f"{facts.nodes_ready} of {facts.nodes_total} nodes are ready"
        self._say(ref, cluster, Check(c.AVAILABLE, "True", message=text))
        if env.status.value(ref, "availableTime") is None:
            env.status.set(ref, availableTime=rfc3339(env.now()))

    async def _given(self, cluster: Object, wish: Imported) -> Given:
        namespace = str(metadata(cluster)["namespace"])
        try:
            data = await self._env.secrets.read("import", namespace, wish.credential.name)
        except SecretMissing:
            return Given()
        token, kubeconfig = data.optional(TOKEN), data.optional(KUBECONFIG)
        return Given(
            wish.server or "",
            wish.ca or "",
            wish.tls_server_name or "",
            token if token and token.reveal().strip() else None,
            kubeconfig if kubeconfig and kubeconfig.reveal().strip() else None,
        )

    async def _erase(self, ref: Ref, wish: Imported) -> None:
        """The given credential, also where `kubectl apply` keeps a copy of it."""
        annotations = {_LAST_APPLIED: None, ERASED_ANNOTATION: rfc3339(self._env.now())}
        patch: Object = {"data": {TOKEN: None, KUBECONFIG: None}, "metadata": {"annotations": annotations}}
        secret = Ref(SECRET, ref.namespace, wish.credential.name)
        await self._env.api.merge(secret, patch)
        self._env.secrets.forget(secret)

    async def _let_go(self, ref: Ref, cluster: Object) -> None:
        env = self._env
        if FINALIZER not in finalizers(cluster):
            return
        env.status.adopt(CLUSTER, cluster)
        stored = await env.kubeconfig(cluster).load()
        if stored is not None and not forced(env.cache.get(ref) or cluster):
            text = "taking roost's access out of the cluster"
            self._say(ref, cluster, Check(c.DELETING, "True", c.IN_PROGRESS, text))
            try:
                left = await adopting.detach(stored, self._policy, await self._own_uid())
            except RoostError as error:
                text = (
                    f"{error.message}. roost's access stays in the cluster until it can be taken away; to leave it "
                    f"there, annotate the Cluster with {FORCE_REMOVAL_ANNOTATION}=true"
                )
                self._say(ref, cluster, Check(c.DELETING, "True", error.reason, text))
                raise
            if left:
                text = f"could not be taken out of the cluster any more: {', '.join(left)}; delete it there"
                env.events.record(ref, cluster, "AccessLeft", text, warning=True)
        elif stored is not None:
            text = (
                f"let go as it is: {FORCE_REMOVAL_ANNOTATION} is true. In the cluster, delete the namespace "
                "roost-system and the ClusterRoleBinding roost:manager"
            )
            env.events.record(ref, cluster, "RemovalForced", text, warning=True)
        await env.kubeconfig(cluster).delete()
        self._spread.pop(uid(cluster), None)
        await claims.release_now(env.api, ref, FINALIZER)

    def _known(self, ref: Ref) -> dict[str, str]:
        """Uid of every other cluster that was seen, to its Cluster's name."""
        found: dict[str, str] = {}
        for other in self._env.cache.all(CLUSTER):
            own = ref_of(CLUSTER, other)
            known = part(other, "status").get("uid") or self._env.status.value(own, "uid")
            if known and own != ref:
                found[str(known)] = f"{own.namespace}/{own.name}"
        return found

    async def _own_uid(self) -> str:
        if not self._platform_uid:
            namespace = await self._env.api.get(Ref(NAMESPACE, "", "kube-system"))
            self._platform_uid = uid(namespace)
        return self._platform_uid

    def _say(self, ref: Ref, cluster: Object, check: Check) -> None:
        self._env.status.say(
            ref, check.type, check.status, check.reason, check.message, generation=generation(cluster)
        )


def _until(kubeconfig: Masked) -> str:
    token = parse(kubeconfig).token
    ends = token_claims(token).get("exp") if token else None
    if not isinstance(ends, int | float):
        return "roost signs in with a token of its own"
    moment = datetime.fromtimestamp(ends, UTC)
    return f"roost signs in with a token of its own, valid until {moment:%Y-%m-%d %H:%M} UTC"
