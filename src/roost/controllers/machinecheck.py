"""Answers MachineChecks: signs in, looks once, says what stands in the way; deletes the question after a while.

Whether the author may use the Secrets was asked by the webhook. A MachineCheck holds no place in a Secret's
finalizer: it asks once and is gone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from pydantic import ValidationError

from roost.api import conditions as c
from roost.api.errors import PermanentFailure, RoostError
from roost.api.v1alpha1.cluster import ClusterSpec
from roost.api.v1alpha1.machine import MachineSpec, Role
from roost.api.v1alpha1.machinecheck import MachineCheckSpec
from roost.controllers import claims
from roost.controllers.environment import Environment
from roost.controllers.kinds import CLUSTER, MACHINE_CHECK, spec
from roost.controllers.runtime.api import Object, Ref, deleting, generation, metadata, part
from roost.controllers.runtime.clock import parse, rfc3339
from roost.controllers.secrets import SecretMissing, target
from roost.providers.onprem.checking import Checked, check
from roost.providers.onprem.context import MachineInput
from roost.providers.onprem.preflight import report

NOBODY: Final = "none"
PATIENCE: Final = 10.0
"""Seconds in which a Secret that is not there may still come."""


class MachineCheckController:
    def __init__(self, env: Environment) -> None:
        self._env = env

    async def reconcile(self, ref: Ref) -> float | None:
        """Seconds until the answer has been kept long enough."""
        env = self._env
        asked = env.cache.get(ref)
        if asked is None or deleting(asked):
            env.status.forget(ref)
            return None
        env.status.adopt(MACHINE_CHECK, asked)
        if env.status.value(ref, "ok") is None or env.status.value(ref, "observedGeneration") != generation(asked):
            try:
                await self._answer(ref, asked)
            except SecretMissing as missing:
                # One file holds both, and objects come one by one.
                age = (env.now() - parse(metadata(asked)["creationTimestamp"])).total_seconds()
                if age < PATIENCE:
                    return 1.0
                self._say(ref, generation(asked), c.REACHABLE, missing.reason, missing.message)
                env.status.unsay(ref, c.CHECKED)
        left = self._left(ref, asked)
        if left > 0:
            return left
        await claims.delete(env.api, ref)
        return None

    def _left(self, ref: Ref, asked: Object) -> float:
        answered = self._env.status.value(ref, "checkedTime")
        kept = timedelta(seconds=int(spec(asked).get("keepSeconds") or 600))
        return (parse(answered) + kept - self._env.now()).total_seconds()

    async def _answer(self, ref: Ref, asked: Object) -> None:
        env, seen = self._env, generation(asked)
        for kind in (c.REACHABLE, c.CHECKED):
            env.status.say(ref, kind, "Unknown", c.IN_PROGRESS, "looking at the machine", generation=seen)
        try:
            found = await self._look(ref, asked)
        except SecretMissing:
            raise
        except RoostError as error:
            self._say(ref, seen, c.REACHABLE, error.reason, error.message)
            env.status.unsay(ref, c.CHECKED)
            return
        env.status.say(ref, c.REACHABLE, "True", c.SUCCEEDED, "roost signed in", generation=seen)
        facts = found.facts.model_dump(mode="json", by_alias=True, exclude_none=True)
        env.status.set(ref, facts=facts, hostKey=found.host_key)
        wrong = report.errors(found.findings)
        told = report.message(found.findings)
        if wrong:
            self._say(ref, seen, c.CHECKED, wrong[0].check, told)
        else:
            self._say(ref, seen, c.CHECKED, c.SUCCEEDED, told or "the machine can be used", ok=True)

    def _say(self, ref: Ref, seen: int, kind: str, reason: str, message: str, *, ok: bool = False) -> None:
        status = self._env.status
        status.say(ref, kind, "True" if ok else "False", reason, message, generation=seen)
        fields: dict[str, Any] = {"ok": ok, "reason": reason, "message": message}
        status.set(ref, **fields, observedGeneration=seen, checkedTime=rfc3339(self._env.now()))

    async def _look(self, ref: Ref, asked: Object) -> Checked:
        env = self._env
        try:
            wish = MachineCheckSpec.model_validate(spec(asked))
        except ValidationError as error:
            raise PermanentFailure(
                "MachineInvalid", f"MachineCheck {ref.name} is not one that this release reads; write it anew"
            ) from error
        as_machine = MachineSpec(
            cluster_name=wish.cluster_name or NOBODY, role=Role.WORKER, addresses=wish.addresses, ssh=wish.ssh
        )
        login = await env.secrets.read(ref.name, ref.namespace, wish.ssh.credential.name)
        proxy = None
        if wish.ssh.proxy is not None and wish.ssh.proxy.credential is not None:
            proxy = await env.secrets.read(ref.name, ref.namespace, wish.ssh.proxy.credential.name)
        name = f"check {ref.name}"
        machine = MachineInput(ref.name, as_machine, target(name, as_machine, None, login, proxy))
        try:
            return await check(
                env.connect, machine, spec=self._cluster(ref, wish), architectures=self._architectures()
            )
        finally:
            await env.disconnect(name)

    def _cluster(self, ref: Ref, wish: MachineCheckSpec) -> ClusterSpec | None:
        """The Cluster that the machine is meant for, where it exists already."""
        known = self._env.cache.get(Ref(CLUSTER, ref.namespace, wish.cluster_name or NOBODY))
        if known is None or not part(spec(known), "onPremises"):
            return None
        try:
            return ClusterSpec.model_validate(spec(known))
        except ValidationError:
            return None

    def _architectures(self) -> list[str]:
        bundles = (self._env.bundles.find(version) for version in self._env.bundles.versions())
        return sorted({name for bundle in bundles if bundle is not None for name in bundle.architectures})
