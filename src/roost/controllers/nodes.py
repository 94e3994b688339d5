"""Follows the Nodes of running clusters, every ten seconds each, through the provider's `look_after`.

Ready of each Machine and Available of the Cluster come from here between two reconciles. One answer that
fails to come is no news yet; the second says so, and after a minute the cluster is reconciled in full.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from roost.api import conditions as c
from roost.api.errors import RoostError
from roost.controllers.cluster_status import tell
from roost.controllers.contexts import context, machine_inputs
from roost.controllers.environment import Environment
from roost.controllers.kinds import MACHINE, spec
from roost.controllers.reporting import StatusReporter
from roost.controllers.runtime.api import Object, Ref, deleting, generation, part, ref_of
from roost.controllers.runtime.log import logger
from roost.controllers.runtime.status import ConditionStatus
from roost.kube import observe
from roost.kube.client import connect
from roost.kube.errors import explained

EVERY: Final = 10.0
MEASURE_EVERY: Final = 60.0
REPAIR_AFTER: Final = 6
"""Looks in vain before the cluster is reconciled in full."""


class PatientReporter(StatusReporter):
    """Keeps what is said against the Cluster's availability back until it was said twice in a row."""

    patient = True

    def cluster(self, condition: str, status: ConditionStatus, reason: str, message: str = "") -> None:
        if self.patient and condition == c.AVAILABLE and status != "True":
            return
        super().cluster(condition, status, reason, message)


class NodeFollower:
    def __init__(
        self, env: Environment, *, is_reconciling: Callable[[Ref], bool], repair: Callable[[Ref], None]
    ) -> None:
        self._env = env
        self._is_reconciling = is_reconciling
        self._repair = repair
        self._missed: dict[Ref, int] = {}
        self._measured: dict[Ref, float] = {}
        """When each cluster is measured next, by the loop's clock."""
        self._log = logger()

    async def reconcile(self, ref: Ref) -> float | None:
        env = self._env
        cluster = env.cache.get(ref)
        if cluster is None or deleting(cluster):
            self._missed.pop(ref, None)
            self._measured.pop(ref, None)
            return None
        if self._is_reconciling(ref):
            return EVERY
        members = [machine for machine in env.machines(ref) if self._joined(machine)]
        if not members:
            return EVERY
        missed = self._missed.get(ref, 0)
        env.adopt(cluster, members)
        report = PatientReporter(env.status, env.events, env.now, cluster=(ref, cluster), machines=members)
        report.patient = missed == 0
        inputs, problems = await machine_inputs(env, members, leaving=frozenset())
        if problems:
            return EVERY
        try:
            outcome = await env.provider.look_after(context(env, cluster, inputs, report))
        except RoostError as error:
            self._miss(ref, members, missed + 1, error)
            return EVERY
        if not outcome.available and missed == 0:
            self._miss(ref, members, 1, None)
            return EVERY
        if outcome.available:
            self._missed.pop(ref, None)
        else:
            self._miss(ref, members, missed + 1, None)
        if not self._is_reconciling(ref) and env.cache.get(ref) is not None:
            tell(env, ref, cluster, outcome)
            await self._measure(ref, cluster)
            total = sum(not deleting(machine) for machine in env.machines(ref))
            env.status.set(ref, nodes={"ready": outcome.nodes_ready, "total": max(total, outcome.nodes_total)})
        return EVERY

    async def _measure(self, ref: Ref, cluster: Object) -> None:
        """Capacity, usage and ends of certificates, every minute; what can't be read stays as it was."""
        now = asyncio.get_running_loop().time()
        if now < self._measured.get(ref, now):
            return
        self._measured[ref] = now + MEASURE_EVERY
        kubeconfig = await self._env.kubeconfig(cluster).load()
        if kubeconfig is None:
            return
        try:
            client = connect(kubeconfig)
        except RoostError:
            return
        try:
            with explained(client.server, doing="measure the cluster"):
                found = (await observe.facts(client)).status()
        except RoostError as error:
            self._log.warning("cluster not measured", cluster=str(ref), cause=error.message)
            return
        finally:
            await client.close()
        kept = {name: found[name] for name in ("uid", "capacity", "usage", "certificates") if found[name] is not None}
        self._env.status.set(ref, **kept)

    def _joined(self, machine: Object) -> bool:
        """A Machine that is still to join is the reconcile's, and no reason to call the cluster unavailable."""
        said = self._env.status.said(self._env.status.adopt(MACHINE, machine), c.JOINED)
        return said is not None and said.status == "True" and not deleting(machine)

    def _miss(self, ref: Ref, members: Iterable[Object], number: int, error: RoostError | None) -> None:
        self._missed[ref] = number
        if error is not None and number > 1:
            self._log.warning("cluster not followed", cluster=str(ref), number=number, cause=error.message)
            for machine in members:
                own = ref_of(MACHINE, machine)
                self._env.status.say(
                    own, c.READY, "Unknown", error.reason, error.message, generation=generation(machine)
                )
        if number % REPAIR_AFTER == 0 and number <= 4 * REPAIR_AFTER:
            self._repair(ref)


def is_followed(cluster: Object) -> bool:
    """After a restart: a cluster that was available once is followed even while its first reconcile fails."""
    return bool(part(cluster, "status").get("availableTime") and spec(cluster).get("onPremises"))
