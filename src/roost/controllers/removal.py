"""Takes machines and clusters away: undo on the machines first, then the objects.

Independent of the order in which objects are deleted. A Cluster that goes deletes its Machines itself; each
Machine's finalizer goes when its machine is as it was before roost, or is let go (`released`): by the
annotation, or because roost never signed in to it. Called by the cluster and machine controllers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Final

from roost.api import conditions as c
from roost.api.errors import RetryLater, RoostError
from roost.api.names import FINALIZER, FORCE_REMOVAL_ANNOTATION
from roost.api.v1alpha1.machine import Role
from roost.controllers import claims
from roost.controllers.contexts import context, machine_inputs, reporter
from roost.controllers.environment import Environment
from roost.controllers.kinds import CLUSTER, MACHINE, cluster_id, forced, items, spec
from roost.controllers.reporting import StatusReporter
from roost.controllers.runtime.api import (
    ApiProblem,
    Object,
    Ref,
    deleting,
    finalizers,
    generation,
    metadata,
    part,
    ref_of,
)
from roost.controllers.runtime.clock import parse
from roost.controllers.runtime.log import logger

GRACE: Final = 2.0
"""Seconds for which a deleted Machine waits: with `kubectl delete -f` its Cluster goes a moment later."""


class Removal:
    def __init__(self, env: Environment) -> None:
        self._env = env
        self._log = logger()

    async def cluster(self, ref: Ref, cluster: Object) -> None:
        """Undo on all machines, then let the objects go. Raises what holds it up."""
        if FINALIZER not in finalizers(cluster):
            return
        members = [machine for machine in self._env.machines(ref) if FINALIZER in finalizers(machine)]
        self._env.adopt(cluster, members)
        names = ", ".join(metadata(machine)["name"] for machine in members)
        self._say(ref, cluster, c.IN_PROGRESS, f"restoring {names}" if members else "taking the last objects away")
        for machine in members:
            if not deleting(machine):
                await claims.delete(self._env.api, ref_of(MACHINE, machine))
        report = reporter(self._env, ref, cluster, members)
        error = await self._undo(ref, cluster, members, report, everything=True)
        if error is not None:
            self._say(ref, cluster, error.reason, error.message)
            raise error
        await self._env.kubeconfig(cluster).delete()
        await claims.release_now(self._env.api, ref, FINALIZER)

    async def machines(self, ref: Ref, cluster: Object, leaving: list[Object]) -> RoostError | None:
        """Machines of a Cluster that stays. Gives what holds them up; the others go on without them."""
        if not leaving:
            return None
        report = reporter(self._env, ref, cluster, self._env.machines(ref))
        return await self._undo(ref, cluster, leaving, report, everything=False)

    async def orphan(self, machine: Object) -> None:
        """A Machine whose Cluster is no more: undone by the id that it carries itself."""
        ref = ref_of(MACHINE, machine)
        if cluster_id(machine) is None:
            await claims.release_now(self._env.api, ref, FINALIZER)
            return
        stand_in: Object = {
            "metadata": {
                "name": spec(machine).get("clusterName"),
                "namespace": ref.namespace,
                "uid": f"gone-{cluster_id(machine)}",
                "annotations": metadata(machine)["annotations"],
            },
            "spec": {},
        }
        self._env.status.adopt(MACHINE, machine)
        where = Ref(CLUSTER, ref.namespace, str(spec(machine).get("clusterName")))
        report = reporter(self._env, where, stand_in, [machine])
        error = await self._undo(where, stand_in, [machine], report, everything=True)
        if error is not None:
            raise error

    def refusal(self, machine: Object) -> str | None:
        """Why a deleted Machine stays as long as its Cluster does: it is the last control plane that holds it."""
        if spec(machine).get("role") != Role.CONTROL_PLANE or not acted_on(machine):
            return None
        name, owner = metadata(machine)["name"], spec(machine).get("clusterName")
        mates = self._env.machines(Ref(CLUSTER, str(metadata(machine)["namespace"]), str(owner)))
        if any(_is_plane(mate) and not deleting(mate) and metadata(mate)["name"] != name for mate in mates):
            return None
        return (
            f"Machine {name} is a control plane of Cluster {owner} and none would be left that holds the cluster; "
            "it goes with the Cluster: delete that, or leave this as it is"
        )

    async def _undo(
        self, ref: Ref, cluster: Object, members: list[Object], report: StatusReporter, *, everything: bool
    ) -> RoostError | None:
        env = self._env
        leaving = frozenset(str(metadata(machine)["name"]) for machine in members)
        concerned = members if everything else env.machines(ref)
        inputs, problems = await machine_inputs(env, concerned, leaving=leaving)
        problems = {name: error for name, error in problems.items() if name in leaving}
        for name, problem in problems.items():
            report.machine(name, c.DELETING, "True", problem.reason, problem.message)
        error: RoostError | None = next(iter(problems.values()), None)
        todo = sorted(leaving - set(problems))
        by_name = {str(metadata(machine)["name"]): machine for machine in members}
        released: set[str] = set()
        for name in todo:
            if self._forced(cluster, by_name[name]):
                # A kept connection may hang on a machine that is gone; a new one fails in ten seconds.
                await env.disconnect(name)
        if todo:
            ctx = context(env, _bare(cluster) if everything else cluster, inputs, report)
            work = env.provider.destroy(ctx) if everything else env.provider.remove(ctx, todo)
            error = await self._released_meanwhile(work, by_name, report, released) or error
        gone = {name for name in leaving if name in report.restored or self._excused(cluster, by_name[name], report)}
        late = gone - released
        await asyncio.gather(*(self._release(by_name[name], restored=name in report.restored) for name in late))
        if gone >= leaving:
            return None
        return error or RetryLater("NotRestored", f"not restored yet: {', '.join(sorted(leaving - gone))}")

    async def _released_meanwhile(
        self,
        work: Coroutine[None, None, None],
        members: Mapping[str, Object],
        report: StatusReporter,
        released: set[str],
    ) -> RoostError | None:
        """Runs the provider's work; a Machine goes as soon as it is restored, whatever the others are at."""

        async def release(name: str) -> None:
            try:
                await self._release(members[name], restored=True)
            except ApiProblem as problem:
                # Tried again when the work is done.
                self._log.warning("machine not released", machine=name, cause=problem.message)
            else:
                released.add(name)

        async with asyncio.TaskGroup() as group:

            def restored(name: str) -> None:
                if name in members:
                    group.create_task(release(name))

            report.on_restored = restored
            try:
                await work
            except RoostError as error:
                return error
        return None

    async def _release(self, machine: Object, *, restored: bool) -> None:
        ref = ref_of(MACHINE, machine)
        self._log.info("machine let go", machine=ref.name, restored=restored)
        await claims.release_now(self._env.api, ref, FINALIZER)
        self._env.status.forget(ref)

    def _excused(self, cluster: Object, machine: Object, report: StatusReporter) -> bool:
        name = str(metadata(machine)["name"])
        if self._forced(cluster, machine):
            report.event(
                name, "RemovalForced", f"{name} was let go as it is: {FORCE_REMOVAL_ANNOTATION} is true", warning=True
            )
            return True
        current = self._env.cache.get(ref_of(MACHINE, machine)) or machine
        if not self._ever_signed_in(current):
            report.event(name, "NothingToUndo", f"{name} was let go: roost never signed in to it")
            return True
        return False

    def _forced(self, cluster: Object, machine: Object) -> bool:
        """Whether the Machine or its Cluster says so now."""
        now = [self._env.cache.get(ref_of(MACHINE, machine)), self._env.cache.get(ref_of(CLUSTER, cluster))]
        return any(obj is not None and forced(obj) for obj in now)

    def _ever_signed_in(self, machine: Object) -> bool:
        """By what is stored, and by what was said and may not be stored yet."""
        ref = ref_of(MACHINE, machine)
        status = part(machine, "status")
        return any(status.get(name) or self._env.status.value(ref, name) for name in ("hostKey", "acts"))

    def _say(self, ref: Ref, cluster: Object, reason: str, message: str) -> None:
        self._env.status.say(ref, c.DELETING, "True", reason, message, generation=generation(cluster))


def acted_on(machine: Object) -> bool:
    """Whether a changing act ever ran on the machine, by the engine's own record."""
    return int(part(part(machine, "status"), "acts").get("count") or 0) > 0


def _is_plane(machine: Object) -> bool:
    """Whether it is a control plane that has joined, so that the cluster lives on in it."""
    if spec(machine).get("role") != Role.CONTROL_PLANE:
        return False
    conditions = items(part(machine, "status").get("conditions"))
    return any(each.get("type") == c.JOINED and each.get("status") == "True" for each in conditions)


def grace_left(env: Environment, machine: Object) -> float:
    """Seconds until a deleted Machine of a Cluster that stays is taken out."""
    at = parse(metadata(machine)["deletionTimestamp"])
    return max(0.0, (at + timedelta(seconds=GRACE) - env.now()).total_seconds())


def _bare(cluster: Object) -> Object:
    """The Cluster with a spec that always parses: undoing needs the id alone."""
    kept: Mapping[str, object] = {"metadata": cluster["metadata"], "spec": {}}
    return dict(kept)
