"""What the cluster controller says on a Cluster and its Machines: phases in their places, failures, success.

Only words: nothing here decides what is done.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from roost.api import conditions as c
from roost.api.errors import PermanentFailure, RoostError
from roost.controllers.environment import Environment
from roost.controllers.kinds import MACHINE
from roost.controllers.readiness import NotReady
from roost.controllers.reporting import StatusReporter
from roost.controllers.runtime.api import ApiProblem, Object, Ref, deleting, generation, ref_of
from roost.controllers.runtime.clock import rfc3339
from roost.controllers.runtime.log import logger
from roost.controllers.runtime.schedule import Attempt
from roost.controllers.summary import CAUSE, HOLD, TROUBLE
from roost.providers.onprem.context import Outcome


class ClusterStatus:
    def __init__(self, env: Environment) -> None:
        self._env = env
        self._log = logger()

    def begin(self, ref: Ref, cluster: Object, machines: list[Object]) -> None:
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
        if env.status.value(ref, "availableTime") is None:
            ready = [env.status.said(ref_of(MACHINE, machine), c.READY) for machine in machines]
            count = sum(said is not None and said.status == "True" for said in ready)
            env.status.set(ref, nodes={"ready": count, "total": len(machines)})

    def validated(self, ref: Ref, cluster: Object, error: NotReady) -> None:
        status = "Unknown" if error.waits else "False"
        self._env.status.say(ref, c.VALIDATED, status, error.reason, error.message, generation=generation(cluster))

    def started(self, ref: Ref) -> None:
        if self._env.status.value(ref, "startedTime") is None:
            self._env.status.set(ref, startedTime=rfc3339(self._env.now()))

    def hold(self, ref: Ref, cluster: Object, reason: str, message: str) -> None:
        """Shows that a plan stands and is not carried out, on the first phase that is not done; or ends that."""
        status = self._env.status
        status.note(ref, **{HOLD: reason, TROUBLE: "", CAUSE: message})
        if not reason:
            return
        status.set(ref, retry=None)
        for kind in c.CLUSTER_PHASES[c.CLUSTER_PHASES.index(c.MACHINES_PREPARED) :]:
            said = status.said(ref, kind)
            if said is None or said.status != "True":
                status.say(ref, kind, "False", reason, message, generation=generation(cluster))
                return

    def succeeded(self, ref: Ref, cluster: Object, machines: list[Object], outcome: Outcome) -> None:
        env = self._env
        tell(env, ref, cluster, outcome)
        env.status.note(ref, **{TROUBLE: "", CAUSE: "", HOLD: ""})
        env.status.set(ref, retry=None, observedGeneration=generation(cluster))
        for machine in machines:
            env.status.set(ref_of(MACHINE, machine), retry=None)

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
        if isinstance(error, NotReady) and error.waits:
            kind, retry = "", None
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
        if not isinstance(error, NotReady):
            reason = error.reason if isinstance(error, RoostError) else "UnexpectedError"
            self._blame(ref, cluster, reason, message)
            env.events.record(ref, cluster, reason, message, warning=True)
        self._log.warning(
            "failed", cluster=str(ref), attempt=attempt.number, seconds=round(seconds, 1), cause=message
        )

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


def _later(env: Environment, seconds: float) -> datetime:
    return env.now() + timedelta(seconds=seconds)
