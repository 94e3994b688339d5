"""Reconciles Clusters: claims what belongs to one, waits for the whole of it, and lets the provider work.

`reconcile` is level-triggered and knows neither queue nor watch; it may be cancelled at any await. It
returns after how many seconds to look again, and raises what went wrong (delays decides when then).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from roost.api import conditions as c
from roost.api.errors import PermanentFailure, RoostError
from roost.api.names import RETRY_NOW_ANNOTATION
from roost.api.v1alpha1.cluster import Approval
from roost.api.v1alpha1.plan import PlanSpec
from roost.controllers import claims, plans, readiness, registries
from roost.controllers.cluster_status import ClusterStatus
from roost.controllers.contexts import cluster_spec, context, digests, machine_inputs, reporter
from roost.controllers.delays import is_sign_in
from roost.controllers.environment import Environment
from roost.controllers.imported import ImportedController
from roost.controllers.kinds import MACHINE, PLAN, is_global, spec
from roost.controllers.registered import Attached, RegisteredController
from roost.controllers.removal import Removal, grace_left
from roost.controllers.reporting import StatusReporter
from roost.controllers.runtime.api import (
    Object,
    Ref,
    annotation,
    deleting,
    generation,
    ref_of,
    uid,
)
from roost.controllers.runtime.log import logger
from roost.controllers.settled import Settled
from roost.kube.guarded import Policy
from roost.providers.onprem.context import Context, Outcome, RegistrySource

UNAVAILABLE_AGAIN = 15.0
HELD_AGAIN = 120.0


class ClusterController:
    def __init__(
        self,
        env: Environment,
        *,
        follow: Callable[[Ref], None],
        attached: Attached | None = None,
        policy: Policy,
    ) -> None:
        """`follow` starts looking after the Nodes of a Cluster whose creation has ended well.

        `policy`: which addresses an imported cluster may have.
        """
        self._env = env
        self._registered = RegisteredController(env, attached)
        self._imported = ImportedController(env, policy)
        self._follow = follow
        self._removal = Removal(env)
        self.status = ClusterStatus(env)
        """Hears of failed runs from the queue, too."""
        self._settled = Settled()
        self._retried: dict[str, str | None] = {}
        """The last value of the annotation «retry now», by the Cluster's uid."""
        self._log = logger()

    async def reconcile(self, ref: Ref) -> float | None:
        env = self._env
        cluster = env.cache.get(ref)
        if cluster is None:
            env.status.forget(ref)
            return None
        if is_global(cluster):
            return None
        if spec(cluster).get("registered") is not None:
            return await self._registered.reconcile(ref, cluster)
        if spec(cluster).get("imported") is not None:
            return await self._imported.reconcile(ref, cluster)
        if deleting(cluster):
            await self._removal.cluster(ref, cluster)
            self._forget(cluster)
            return None
        cluster = await claims.claim_cluster(env.api, cluster)
        machines = await self._claimed(cluster, env.machines(ref))
        self.status.begin(ref, cluster, machines)
        self._hear_retry_now(cluster)
        staying, leaving, wait = self._divide(machines)
        if wait > 0:
            return wait
        held_up = await self._take_out(ref, cluster, leaving)
        try:
            again = await self._bring_about(ref, cluster, staying)
        except readiness.NotReady as error:
            self.status.validated(ref, cluster, error)
            raise
        except readiness.MoreMachines:
            return 0.0
        if held_up is not None:
            raise held_up
        return again

    async def _claimed(self, cluster: Object, machines: list[Object]) -> list[Object]:
        return list(
            await asyncio.gather(*(claims.claim_machine(self._env.api, cluster, machine) for machine in machines))
        )

    def _hear_retry_now(self, cluster: Object) -> None:
        """A new value of the annotation has everything observed again."""
        wish = annotation(cluster, RETRY_NOW_ANNOTATION)
        if self._retried.setdefault(uid(cluster), wish) != wish:
            self._retried[uid(cluster)] = wish
            self._settled.forget(uid(cluster))

    def _divide(self, machines: list[Object]) -> tuple[list[Object], list[Object], float]:
        """Machines that stay, those that leave, and how long to wait before anything is done."""
        env = self._env
        staying: list[Object] = []
        leaving: list[Object] = []
        wait = 0.0
        for machine in machines:
            refusal = self._removal.refusal(machine) if deleting(machine) else None
            if deleting(machine) and refusal is None:
                leaving.append(machine)
                wait = max(wait, grace_left(env, machine))
                continue
            if refusal is not None:
                own = ref_of(MACHINE, machine)
                env.status.say(own, c.DELETING, "False", "ControlPlane", refusal, generation=generation(machine))
            staying.append(machine)
        return staying, leaving, wait

    async def _take_out(self, ref: Ref, cluster: Object, leaving: list[Object]) -> RoostError | None:
        """Deleted Machines of a Cluster that stays; a paused one keeps them until it goes on."""
        if not spec(cluster).get("paused"):
            return await self._removal.machines(ref, cluster, leaving)
        for machine in leaving:
            text = f"Cluster {ref.name} is paused: nothing is changed on machines until spec.paused is false"
            own = ref_of(MACHINE, machine)
            self._env.status.say(own, c.DELETING, "True", c.PAUSED, text, generation=generation(machine))
        return None

    async def _bring_about(self, ref: Ref, cluster: Object, staying: list[Object]) -> float | None:
        env = self._env
        quiet = readiness.quiet_left(env, ref, staying)
        if quiet > 0 and not readiness.begun(env, ref):
            return quiet
        bundle = await readiness.check(env, cluster, staying)
        env.status.say(ref, c.VALIDATED, "True", c.SUCCEEDED, "", generation=generation(cluster))
        inputs, problems = await machine_inputs(env, staying, leaving=frozenset())
        report = reporter(env, ref, cluster, staying)
        for name, problem in problems.items():
            report.machine(name, c.REACHABLE, "False", problem.reason, problem.message)
        if problems:
            error = next(iter(problems.values()))
            report.cluster(c.PREFLIGHT_PASSED, "False", error.reason, "\n".join(p.message for p in problems.values()))
            raise error
        registry = await self._registry(cluster, report)
        marks = dict(digests(env, cluster, staying, bundle, registry=registries.mark(env, cluster, registry)))
        report.wishes = marks
        now = asyncio.get_running_loop().time()
        passed_over = self._settled.names(uid(cluster), marks, now)
        ctx = context(
            env,
            cluster,
            inputs,
            report,
            bundle=bundle,
            approve=_approval(cluster),
            # In a cluster that runs, a new machine is looked at meanwhile.
            settle=partial(readiness.settle, env, ref, staying),
            settled=passed_over,
            registry=registry,
        )
        try:
            outcome = await self._run(ref, cluster, ctx)
        except RoostError as error:
            raise self._beside_sign_in(error, staying) from error
        if outcome is None:
            return HELD_AGAIN
        self._settled.record(uid(cluster), marks, passed_over, now)
        self.status.succeeded(ref, cluster, staying, outcome)
        env.status.set(ref, warnings=readiness.warnings(readiness.judge(env, cluster, staying)) or None)
        self._follow(ref)
        if not outcome.available:
            return UNAVAILABLE_AGAIN
        return self._settled.next_look(uid(cluster), asyncio.get_running_loop().time())

    async def _registry(self, cluster: Object, report: StatusReporter) -> RegistrySource | None:
        try:
            wish = cluster_spec(cluster).on_premises
            return await registries.source(self._env, cluster, wish.registry if wish else None)
        except RoostError as error:
            report.cluster(c.PREFLIGHT_PASSED, "False", error.reason, error.message)
            raise

    async def _run(self, ref: Ref, cluster: Object, ctx: Context) -> Outcome | None:
        """The provider's reconcile; None when a plan is shown instead."""
        env, wish = self._env, spec(cluster)
        manual = wish.get("approval") == Approval.MANUAL
        if not (wish.get("paused") or manual):
            self.status.hold(ref, cluster, "", "")
            self.status.started(ref)
            await self._drop_plan(ref)
            return await env.provider.reconcile(ctx)
        plan = await env.provider.plan(ctx)
        name = await plans.write(env.api, cluster, plan, former=env.status.value(ref, "planName"))
        env.status.set(ref, planName=name, planHash=plan.hash)
        if wish.get("paused"):
            what = "nothing would be changed" if plans.is_empty(plan) else f"Plan {name} says what would be done"
            self.status.hold(ref, cluster, c.PAUSED, f"paused: {what}; set spec.paused to false to go on")
            return None
        if not plans.is_empty(plan) and not ctx.approve(plan):
            text = f"Plan {name} waits for approval: set spec.approvedPlan to {plan.hash} to carry it out"
            self.status.hold(ref, cluster, c.AWAITING_APPROVAL, text)
            return None
        self.status.hold(ref, cluster, "", "")
        self.status.started(ref)
        return await env.provider.reconcile(ctx)

    async def _drop_plan(self, ref: Ref) -> None:
        """A plan that nobody is asked about any more is taken away."""
        name = self._env.status.value(ref, "planName")
        if name:
            await claims.delete(self._env.api, Ref(PLAN, ref.namespace, name))
            self._env.status.set(ref, planName=None, planHash=None)

    def _beside_sign_in(self, error: RoostError, machines: list[Object]) -> RoostError:
        """A refused sign-in is not the reason of a run that met other causes too: they are looked at sooner."""
        if not is_sign_in(error.reason):
            return error
        for machine in machines:
            for kind in (c.REACHABLE, c.CHECKED):
                said = self._env.status.said(ref_of(MACHINE, machine), kind)
                if said is not None and said.status == "False" and not is_sign_in(said.reason):
                    return PermanentFailure(said.reason, error.message)
        return error

    def _forget(self, cluster: Object) -> None:
        self._settled.forget(uid(cluster))
        self._retried.pop(uid(cluster), None)
        self._env.kubeconfigs.pop(uid(cluster), None)


def _approval(cluster: Object) -> Callable[[PlanSpec], bool]:
    wish = spec(cluster)
    if wish.get("approval") != Approval.MANUAL:
        return lambda _plan: True
    approved = wish.get("approvedPlan")
    return lambda plan: plan.hash == approved
