"""A provider that does what a test tells it, through the same seam as the real one; and a world around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from roost.api import conditions as c
from roost.api.errors import PermanentFailure, RetryLater, RoostError
from roost.api.masked import Masked
from roost.api.v1alpha1.machine import MachineFacts
from roost.api.v1alpha1.plan import MachinePlan, PlannedChange, PlanSpec
from roost.bundle.model import Bundle
from roost.bundle.store import Store
from roost.controllers.runtime.api import Object, Ref
from roost.kube.resources import ROOST, SECRET
from roost.providers.onprem.context import Context, MachineInput, Outcome

CLUSTER, MACHINE = ROOST["Cluster"], ROOST["Machine"]
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH7"


class ScriptedProvider:
    """Keeps, beside the controllers, what happened to each machine: `on` holds those that roost changed."""

    def __init__(self, *, step: float = 10.0) -> None:
        self.step = step
        self.on: dict[str, str] = {}
        """Machine to the id of the cluster that is on it."""
        self.log: list[str] = []
        self.contexts: list[Context] = []
        self.commands: list[str] = []
        """Machines that got a command, in order."""
        self.unreachable: set[str] = set()
        self.hanging: set[str] = set()
        """Machines on which undoing never ends."""
        self.password = "right"
        self.fail: Callable[[Context], RoostError | None] = lambda _ctx: None
        self.available = True
        self.running = 0
        self.most_running = 0
        self.plan_hash = "h1"

    async def reconcile(self, ctx: Context) -> Outcome:
        self.log.append(f"reconcile {','.join(m.name for m in _staying(ctx))}")
        self.contexts.append(ctx)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            return await self._reconcile(ctx)
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise
        finally:
            self.running -= 1

    async def _reconcile(self, ctx: Context) -> Outcome:
        todo = [machine for machine in _staying(ctx) if machine.name not in ctx.settled]
        if todo:
            ctx.report.cluster(c.WORKERS_JOINED, "False", c.WAITING, "not begun")
        for machine in todo:
            self._sign_in(ctx, machine)
        ctx.report.cluster(c.PREFLIGHT_PASSED, "True", c.SUCCEEDED)
        problem = self.fail(ctx)
        if problem is not None:
            raise problem
        if not ctx.approve(self._plan(ctx)):
            raise PermanentFailure(c.AWAITING_APPROVAL, "waits")
        await ctx.settle()
        for machine in todo:
            if self.on.get(machine.name) == ctx.cluster_id:
                continue
            ctx.report.machine(machine.name, c.PREPARED, "False", c.IN_PROGRESS, "install")
            ctx.report.cluster(c.MACHINES_PREPARED, "False", c.IN_PROGRESS, f"{machine.name}: install")
            ctx.report.acted(machine.name, "install")
            self.on[machine.name] = ctx.cluster_id
            await asyncio.sleep(self.step)
        await ctx.kubeconfig.save(Masked("kubeconfig"))
        for machine in _staying(ctx):
            for kind in c.MACHINE_PHASES:
                ctx.report.machine(machine.name, kind, "True", c.SUCCEEDED)
        for kind in c.CLUSTER_PHASES:
            ctx.report.cluster(kind, "True", c.SUCCEEDED)
        return self._outcome(ctx)

    async def plan(self, ctx: Context) -> PlanSpec:
        self.log.append("plan")
        self.contexts.append(ctx)
        return self._plan(ctx)

    async def remove(self, ctx: Context, names: Sequence[str]) -> None:
        forced = {machine.name for machine in ctx.machines if machine.forced}
        self.log.append(f"remove {','.join(name + ('!' if name in forced else '') for name in names)}")
        await self._undo(ctx, [machine for machine in ctx.machines if machine.name in names])

    async def destroy(self, ctx: Context) -> None:
        self.log.append(f"destroy {','.join(machine.name for machine in ctx.machines)}")
        await self._undo(ctx, ctx.machines)

    async def look_after(self, ctx: Context) -> Outcome:
        if not self.available:
            raise RetryLater("ApiUnreachable", "the API does not answer")
        return self._outcome(ctx)

    async def _undo(self, ctx: Context, machines: Sequence[MachineInput]) -> None:
        failures: list[str] = []
        await asyncio.sleep(self.step)

        async def one(machine: MachineInput) -> None:
            try:
                self._sign_in(ctx, machine)
            except RoostError as error:
                failures.append(machine.name)
                ctx.report.machine(machine.name, c.DELETING, "True", error.reason, error.message)
                return
            if machine.name in self.hanging:
                await asyncio.sleep(1e9)
            assert self.on.get(machine.name) in {None, ctx.cluster_id}
            self.on.pop(machine.name, None)
            ctx.report.machine(machine.name, c.DELETING, "False", c.SUCCEEDED)

        async with asyncio.TaskGroup() as group:
            for machine in machines:
                group.create_task(one(machine))
        if failures:
            raise RetryLater("MachineUnreachable", f"{', '.join(failures)}: no route")

    def _sign_in(self, ctx: Context, machine: MachineInput) -> None:
        self.commands.append(machine.name)
        given = machine.target.password
        if machine.name in self.unreachable:
            ctx.report.machine(machine.name, c.REACHABLE, "False", "MachineUnreachable", "no route")
            raise RetryLater("MachineUnreachable", f"{machine.name}: no route to host; check the cable")
        if given is None or given.reveal() != self.password:
            text = f"{machine.name} ({machine.target.address}) refused the password; correct the Secret"
            ctx.report.machine(machine.name, c.REACHABLE, "False", "AuthenticationFailed", text)
            raise PermanentFailure("AuthenticationFailed", text)
        ctx.report.machine(machine.name, c.REACHABLE, "True", c.SUCCEEDED)
        ctx.report.facts(machine.name, MachineFacts(hostname=machine.name), host_key=HOST_KEY, node_name=machine.name)

    def _plan(self, ctx: Context) -> PlanSpec:
        machines = [
            MachinePlan(name=m.name, changes=[PlannedChange(thing="file:/etc/x", action="Create", summary="x")])
            for m in _staying(ctx)
            if self.on.get(m.name) != ctx.cluster_id
        ]
        return PlanSpec(cluster_name=ctx.cluster_name, hash=self.plan_hash, machines=machines)

    def _outcome(self, ctx: Context) -> Outcome:
        count = len(_staying(ctx))
        return Outcome(count, count, ctx.spec.version or "", "https://10.0.0.1:6443", True, c.SUCCEEDED, "all ready")


def _staying(ctx: Context) -> list[MachineInput]:
    return [machine for machine in ctx.machines if not machine.deleting]


class FakeStore(Store):
    """Bundles by name; `index.json` is what the controllers look at for changes."""

    def __init__(self, path: Path, *versions: str) -> None:
        super().__init__(path)
        path.mkdir(parents=True, exist_ok=True)
        for version in versions:
            self.add(version)

    def add(self, version: str) -> None:
        (self.path / version).mkdir()
        (self.path / version / "index.json").write_text("{}")

    def get(self, version: str) -> Bundle:
        return Bundle(version, self.path / version, f"sha256:{version}", ("amd64",), {"etcd": "3.5"}, (), (), {})


def cluster(name: str = "demo", namespace: str = "ns", **spec: Any) -> Object:
    return {
        "apiVersion": CLUSTER.api_version,
        "kind": "Cluster",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "version": "1.31.4",
            "onPremises": {"controlPlaneEndpoint": {"host": "192.168.77.11"}},
            **spec,
        },
    }


def machine(name: str, number: int, *, role: str = "Worker", namespace: str = "ns", owner: str = "demo") -> Object:
    return {
        "apiVersion": MACHINE.api_version,
        "kind": "Machine",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "clusterName": owner,
            "role": role,
            "addresses": {"ipv4": f"192.168.77.{number}"},
            "ssh": {"credential": {"name": "login"}},
        },
    }


def secret(value: str = "right", name: str = "login", namespace: str = "ns") -> Object:
    import base64

    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"name": name, "namespace": namespace},
        "data": {
            "username": base64.b64encode(b"root").decode(),
            "password": base64.b64encode(value.encode()).decode(),
        },
    }


def ref(kind: str, name: str, namespace: str = "ns") -> Ref:
    return Ref(SECRET if kind == "Secret" else ROOST[kind], namespace, name)


@asynccontextmanager
async def background(work: Any) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
