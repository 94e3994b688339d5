"""Reconciles Clusters: claims what belongs to one, waits for the whole of it, and lets the provider work.

`reconcile` is level-triggered and knows neither queue nor watch; it may be cancelled at any await. It
returns after how many seconds to look again, and raises what went wrong (delays decides when then).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from roost.api import conditions as c
from roost.api.errors import PermanentFailure, RetryLater, RoostError
from roost.api.names import RETRY_NOW_ANNOTATION
from roost.api.v1alpha1.cluster import Approval
from roost.api.v1alpha1.plan import PlanSpec
from roost.controllers import claims, plans, readiness
from roost.controllers.contexts import context, digests, machine_inputs, reporter
from roost.controllers.delays import SignInFailed, is_sign_in
from roost.controllers.environment import Environment
from roost.controllers.kinds import MACHINE, is_global, spec
from roost.controllers.removal import Removal, grace_left
from roost.controllers.reporting import StatusReporter
from roost.controllers.runtime.api import (
    ApiProblem,
    Object,
    Ref,
    annotation,
    deleting,
    generation,
    ref_of,
    uid,
)
from roost.controllers.runtime.clock import rfc3339
from roost.controllers.runtime.log import logger
from roost.controllers.runtime.schedule import Attempt
from roost.controllers.settled import Settled
from roost.controllers.summary import CAUSE, HOLD, TROUBLE
from roost.providers.onprem.context import Context, Outcome

UNAVAILABLE_AGAIN = 15.0
HELD_AGAIN = 120.0


class ClusterController:
    def __init__(self, env: Environment, *, follow: Callable[[Ref], None]) -> None:
        """`follow` starts looking after the Nodes of a Cluster whose creation has ended well."""
        self._env = env
        self._follow = follow
        self._removal = Removal(env)
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
        if deleting(cluster):
            await self._removal.cluster(ref, cluster)
            self._forget(cluster)
            return None
        cluster = await claims.claim_cluster(env.api, cluster)
        machines = await self._claimed(cluster, env.machines(ref))
        self._begin(ref, cluster, machines)
        staying, leaving, wait = self._divide(machines)
        if wait > 0:
            return wait
        held_up = await self._removal.machines(ref, cluster, leaving)
        try:
            again = await self._bring_about(ref, cluster, staying)
        except readiness.NotReady as error:
            self._validated(ref, cluster, error)
            raise
        if held_up is not None:
            raise held_up
        return again

    def failed(self, ref: Ref, error: BaseException, attempt: Attempt) -> None:
        """Says on the Cluster and its Machines how a failed run goes on. Called by the queue."""
        env = self._env
        cluster = env.cache.get(ref)
        if not isinstance(error, RoostError | ApiProblem):
            self._log.error("reconcile failed", cluster=str(ref), exc_info=error)
        if cluster is None:
            return
        message = str(error) or type(error).__name__
        seconds = attempt.at - asyncio.get_running_loop().time()
        retry = {"attempt": attempt.number, "nextTime": rfc3339(_later(env, seconds))}
        kind = "permanent" if isinstance(error, PermanentFailure) else "transient"
        env.status.note(ref, **{TROUBLE: kind, CAUSE: message})
        env.status.set(ref, retry=retry, observedGeneration=generation(cluster))
        for machine in env.machines(ref):
            own = ref_of(MACHINE, machine)
            broken = any(
                (said := env.status.said(own, kind)) is not None
                and said.status == "False"
                and said.reason not in {c.WAITING, c.IN_PROGRESS}
                for kind in c.MACHINE_PHASES
            )
            env.status.set(own, retry=retry if broken else None)
        if not isinstance(error, readiness.NotReady):
            reason = error.reason if isinstance(error, RoostError) else "UnexpectedError"
            self._blame(ref, cluster, reason, message)
            env.events.record(ref, cluster, reason, message, warning=True)
        self._log.warning(
            "failed", cluster=str(ref), attempt=attempt.number, seconds=round(seconds, 1), cause=message
        )

    async def _claimed(self, cluster: Object, machines: list[Object]) -> list[Object]:
        return list(
            await asyncio.gather(*(claims.claim_machine(self._env.api, cluster, machine) for machine in machines))
        )

    def _begin(self, ref: Ref, cluster: Object, machines: list[Object]) -> None:
        """Makes the status known, with every phase in its place, and hears «retry now»."""
        env = self._env
        env.adopt(cluster, machines)
        for kind in c.CLUSTER_PHASES:
            if env.status.said(ref, kind) is None:
                env.status.say(ref, kind, "Unknown", c.WAITING, "", generation=generation(cluster))
        for machine in machines:
            own = ref_of(MACHINE, machine)
            for kind in c.MACHINE_PHASES:
                if env.status.said(own, kind) is None:
                    env.status.say(own, kind, "Unknown", c.WAITING, "", generation=generation(machine))
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

    async def _bring_about(self, ref: Ref, cluster: Object, staying: list[Object]) -> float | None:
        env = self._env
        quiet = readiness.quiet_left(env, staying)
        if quiet > 0:
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
        marks = dict(digests(env, cluster, staying, bundle))
        now = asyncio.get_running_loop().time()
        passed_over = self._settled.names(uid(cluster), marks, now)
        ctx = context(env, cluster, inputs, report, bundle=bundle, approve=_approval(cluster), settled=passed_over)
        try:
            outcome = await self._run(ref, cluster, ctx)
        except RoostError as error:
            raise self._with_sign_in(error, staying) from error
        if outcome is None:
            return HELD_AGAIN
        self._settled.record(uid(cluster), marks, passed_over, now)
        self._succeeded(ref, cluster, staying, outcome)
        if not outcome.available:
            return UNAVAILABLE_AGAIN
        return self._settled.next_look(uid(cluster), asyncio.get_running_loop().time())

    async def _run(self, ref: Ref, cluster: Object, ctx: Context) -> Outcome | None:
        """The provider's reconcile; None when a plan is shown instead."""
        env, wish = self._env, spec(cluster)
        manual = wish.get("approval") == Approval.MANUAL
        if not (wish.get("paused") or manual):
            await self._hold(ref, cluster, "", "")
            self._started(ref)
            return await env.provider.reconcile(ctx)
        plan = await env.provider.plan(ctx)
        name = await plans.write(env.api, cluster, plan, former=env.status.value(ref, "planName"))
        env.status.set(ref, planName=name, planHash=plan.hash)
        if wish.get("paused"):
            what = "nothing would be changed" if plans.is_empty(plan) else f"Plan {name} says what would be done"
            await self._hold(ref, cluster, c.PAUSED, f"paused: {what}; set spec.paused to false to go on")
            return None
        if not plans.is_empty(plan) and not ctx.approve(plan):
            text = f"Plan {name} waits for approval: set spec.approvedPlan to {plan.hash} to carry it out"
            await self._hold(ref, cluster, c.AWAITING_APPROVAL, text)
            return None
        await self._hold(ref, cluster, "", "")
        self._started(ref)
        return await env.provider.reconcile(ctx)

    async def _hold(self, ref: Ref, cluster: Object, reason: str, message: str) -> None:
        """Shows that a plan stands and is not carried out, on the first phase that is not done; or ends that."""
        status = self._env.status
        status.note(ref, **{HOLD: reason, TROUBLE: "", CAUSE: message})
        status.set(ref, retry=None)
        if not reason:
            return
        for kind in c.CLUSTER_PHASES[c.CLUSTER_PHASES.index(c.MACHINES_PREPARED) :]:
            said = status.said(ref, kind)
            if said is None or said.status != "True":
                status.say(ref, kind, "False", reason, message, generation=generation(cluster))
                return

    def _started(self, ref: Ref) -> None:
        if self._env.status.value(ref, "startedTime") is None:
            self._env.status.set(ref, startedTime=rfc3339(self._env.now()))

    def _succeeded(self, ref: Ref, cluster: Object, machines: list[Object], outcome: Outcome) -> None:
        env = self._env
        tell(env, ref, cluster, outcome)
        env.status.note(ref, **{TROUBLE: "", CAUSE: "", HOLD: ""})
        env.status.set(ref, retry=None, observedGeneration=generation(cluster))
        for machine in machines:
            env.status.set(ref_of(MACHINE, machine), retry=None)
        self._follow(ref)

    def _validated(self, ref: Ref, cluster: Object, error: readiness.NotReady) -> None:
        waits = error.reason in {c.WAITING, "ReferenceMissing", "BundleMissing"}
        status = "Unknown" if waits else "False"
        self._env.status.say(ref, c.VALIDATED, status, error.reason, error.message, generation=generation(cluster))

    def _blame(self, ref: Ref, cluster: Object, reason: str, message: str) -> None:
        """An error that no phase carries yet goes on the first that is not done."""
        status = self._env.status
        if deleting(cluster):
            return
        said = [(kind, status.said(ref, kind)) for kind in c.CLUSTER_PHASES]
        if any(item is not None and item.status == "False" and item.reason == reason for _, item in said):
            return
        for kind, item in said:
            if item is None or item.status != "True":
                status.say(ref, kind, "False", reason, message, generation=generation(cluster))
                return

    def _with_sign_in(self, error: RoostError, machines: list[Object]) -> RoostError:
        """The longer wait of a refused sign-in holds for the whole run that met one."""
        for machine in machines:
            said = self._env.status.said(ref_of(MACHINE, machine), c.REACHABLE)
            if said is not None and said.status == "False" and is_sign_in(said.reason):
                if isinstance(error, RetryLater):
                    return SignInFailed(error.reason, error.message)
                return PermanentFailure(said.reason, error.message)
        return error

    def _forget(self, cluster: Object) -> None:
        self._settled.forget(uid(cluster))
        self._retried.pop(uid(cluster), None)
        self._env.kubeconfigs.pop(uid(cluster), None)


def tell(env: Environment, ref: Ref, cluster: Object, outcome: Outcome) -> None:
    """An Outcome as status. Also called by whoever follows the Nodes."""
    status = "True" if outcome.available else "False"
    report = StatusReporter(env.status, env.events, env.now, cluster=(ref, cluster), machines=())
    report.cluster(c.AVAILABLE, status, outcome.reason, outcome.message)
    env.status.set(
        ref,
        nodes={"ready": outcome.nodes_ready, "total": outcome.nodes_total},
        version=outcome.version or None,
        endpoint=outcome.endpoint or None,
    )
    if outcome.available and env.status.value(ref, "availableTime") is None:
        env.status.set(ref, availableTime=rfc3339(env.now()))


def _approval(cluster: Object) -> Callable[[PlanSpec], bool]:
    wish = spec(cluster)
    if wish.get("approval") != Approval.MANUAL:
        return lambda _plan: True
    approved = wish.get("approvedPlan")
    return lambda plan: plan.hash == approved


def _later(env: Environment, seconds: float) -> datetime:
    return env.now() + timedelta(seconds=seconds)
