"""One pass of making (or completing, or repairing) a cluster, as a graph of tasks without barriers.

Called by provider.reconcile once the plan is approved. A machine that already is as wished gets no command;
each other one is prepared, initialized or joined as soon as what it needs is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from roost.api import conditions
from roost.api.errors import RoostError
from roost.api.masked import Masked
from roost.api.v1alpha1.cluster import NetworkPlugin
from roost.kube.client import Client
from roost.kube.errors import explained
from roost.node.act import Step
from roost.node.things.image import IMAGES
from roost.node.things.run import RunOnce
from roost.providers.onprem import access, cluster_annotations, entering, following, layout, steps, tokens
from roost.providers.onprem.acting import carry_out
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.following import View
from roost.providers.onprem.graph import Graph
from roost.providers.onprem.kubeadm.config import JoinSecrets
from roost.providers.onprem.layout import Seat
from roost.providers.onprem.network.install import install
from roost.providers.onprem.observing import Seen
from roost.providers.onprem.phases import initialize, join, plane
from roost.providers.onprem.progress import Progress

_API, _JOINABLE = "the API answers", "machines can join"


@dataclass(frozen=True)
class _Ticket:
    """What lets one machine join."""

    token: tokens.Token
    thing: RunOnce


@dataclass
class Creation:
    """`seen`: the machines that were looked at in this pass; the others are settled and get no command.

    `established`: the control planes that are part of the cluster already.
    """

    ctx: Context
    seen: Sequence[Seen]
    established: tuple[str, ...] = ()
    graph: Graph = field(default_factory=Graph)
    client: Client | None = None
    kubeconfig: Masked | None = None
    view: View | None = None

    async def run(self) -> None:
        """Failures are in `graph.failures`."""
        progress = Progress(self.ctx)
        head = next(iter(self._seated(Seat.FOUNDER)), None)
        planes = self._seated(Seat.PLANE)
        workers = self._seated(Seat.WORKER)
        joining = [*planes, *workers]
        progress.expect("prepare", [seen.machine.name for seen in self.seen])
        progress.expect("init", [head.machine.name] if head else [])
        progress.expect("join", [seen.machine.name for seen in joining])
        graph = self.graph
        at_once = [seen for seen in workers if head is None and self._at_once(seen)]
        for seen in self.seen:
            if seen not in at_once:
                self._prepare(progress, seen)
        if head is not None:
            self._initialize(progress, head)
        after_api = [_API] if head is not None else []
        joinable = [_JOINABLE] if head is not None else []
        graph.add("access", lambda: self._access(head), after=after_api)
        graph.add("network", self._network, after=["access"])
        self._join_planes(progress, planes, after=joinable)
        for seen in workers:
            if seen in at_once:
                self._prepare_and_join(progress, seen)
            else:
                self._join(progress, seen, after=joinable)
        # A machine that fails does not keep the others from being followed.
        graph.add("nodes", self._nodes, after=["access"], after_end=[f"join {seen.machine.name}" for seen in joining])
        initialized = [f"init {head.machine.name}"] if head is not None else []
        graph.add("addons", self._addons, after=["nodes", "network", *initialized])
        try:
            await graph.run()
        finally:
            if self.client is not None:
                await self.client.close()

    def _seated(self, seat: Seat) -> list[Seen]:
        """Those in this seat; control planes in the order in which they join."""
        order = [machine.name for machine in layout.control_planes(self.ctx)]
        found = [seen for seen in self.seen if layout.seat(self.ctx, seen.machine) is seat]
        if seat is Seat.WORKER:
            return found
        return sorted(found, key=lambda seen: order.index(seen.machine.name))

    def _prepare(self, progress: Progress, seen: Seen) -> None:
        async def work() -> None:
            await carry_out(progress, seen, "prepare")

        self.graph.add(f"prepare {seen.machine.name}", work)

    def _initialize(self, progress: Progress, head: Seen) -> None:
        name = head.machine.name

        def on_step(step: Step) -> None:
            if step.state == "done" and step.key == initialize.api_key(self.ctx, head.machine):
                self.graph.announce(_API)
            if step.state == "done" and step.key == initialize.UPLOAD_KEY:
                self.graph.announce(_JOINABLE)

        async def work() -> None:
            # Steps that are not among the changes were done before: what waits for them need not wait.
            pending = {change.key for change in head.changes("init", ctx=self.ctx).changes}
            if not pending - initialize.AFTER_JOINABLE:
                self.graph.announce(_API)
                self.graph.announce(_JOINABLE)
            await carry_out(progress, head, "init", on_step=on_step)

        self.graph.add(f"init {name}", work, after=[f"prepare {name}"], announces=[_API, _JOINABLE])

    async def _access(self, head: Seen | None) -> None:
        if head is not None and head.machine.name not in self.established:
            self.established = (head.machine.name, *self.established)
        self.kubeconfig = await access.current(self.ctx, lambda: access.reach(self.ctx, self._members()))
        self.client = access.client(self.kubeconfig)
        endpoint = layout.endpoint(self.ctx.spec)
        self.ctx.report.event(None, "ApiAnswers", f"the cluster's API answers at https://{endpoint}")

    def _members(self) -> list[MachineInput]:
        """The control planes that are part of the cluster by now."""
        return [machine for machine in layout.control_planes(self.ctx) if machine.name in self.established]

    def _api(self) -> Client:
        if self.client is None:
            raise AssertionError("no task that needs the API runs before `access`")
        return self.client

    async def _network(self) -> None:
        report = self.ctx.report
        await cluster_annotations.publish(self.ctx, self._api())
        if layout.on_premises(self.ctx.spec).network.plugin is NetworkPlugin.CUSTOM:
            return
        try:
            await install(self.ctx, self._api())
        except RoostError as error:
            report.cluster(conditions.NETWORK_INSTALLED, "False", error.reason, error.message)
            raise
        report.cluster(conditions.NETWORK_INSTALLED, "True", conditions.SUCCEEDED)

    def _at_once(self, seen: Seen) -> bool:
        """Whether one act can prepare and join the worker: its token, made before, has to outlive what comes first.

        Over SSH that may take long. Where it takes too long all the same, the next pass joins with another token.
        """
        acts: tuple[steps.Act, ...] = ("prepare", "join")
        return self.ctx.registry is not None and all(seen.changes(act, ctx=self.ctx).changes for act in acts)

    def _prepare_and_join(self, progress: Progress, seen: Seen) -> None:
        """A new worker of a cluster that runs: nothing on the way has to be waited for.

        kubelet begins while images are still coming in. It would pull what it misses by itself, from the same place.
        """
        name = seen.machine.name
        seen = seen.beside(join.JOIN_KEY, IMAGES)
        progress.waits("join", name, "waiting for the machine to be prepared")
        tickets = self._tickets(seen)

        async def work() -> None:
            if not tickets:  # What is known already: it fails the join. The machine can be prepared all the same.
                await carry_out(progress, seen, "prepare")
                return
            await carry_out(
                progress, seen, "prepare", "join", things=[tickets[0].thing], secrets=tickets[0].token.secrets
            )

        self.graph.add(f"prepare {name}", work, after_end=[f"token {name}"])
        self.graph.add(f"join {name}", lambda: self._forget_tokens(name), after=[f"token {name}", f"prepare {name}"])

    def _join(self, progress: Progress, seen: Seen, *, after: Sequence[str]) -> None:
        name = seen.machine.name
        if not seen.changes("join", ctx=self.ctx).changes:
            self.graph.add(f"join {name}", lambda: self._rejoin(progress, seen), after=[f"prepare {name}", "access"])
            return
        progress.waits("join", name, "waiting for the control plane")
        tickets = self._tickets(seen, after=after)

        async def work() -> None:
            await carry_out(progress, seen, "join", things=[tickets[0].thing], secrets=tickets[0].token.secrets)
            # Not after a failure: where the connection broke, the act goes on and needs it. It ends by itself, or
            # with the machine's next token.
            await self._forget_tokens(name)

        self.graph.add(f"join {name}", work, after=[f"token {name}", f"prepare {name}"])

    def _tickets(self, seen: Seen, *, after: Sequence[str] = ()) -> list[_Ticket]:
        """Adds the task that makes the worker's token; the list holds the one ticket once the task has ended well."""
        name, tickets = seen.machine.name, list[_Ticket]()

        async def work() -> None:
            with explained(self._api().server, doing=f"make the bootstrap token of {name}"):
                token = await tokens.create(self._api(), name)
            secrets = JoinSecrets(token.value, access.authority(self._required()))
            tickets.append(_Ticket(token, join.thing(self.ctx, seen.machine, seen.found, secrets)))

        self.graph.add(f"token {name}", work, after=["access", *after])
        return tickets

    def _join_planes(self, progress: Progress, planes: Sequence[Seen], *, after: Sequence[str]) -> None:
        """One etcd member at a time: each waits for the one before it, well or not; the gate judges."""
        before: list[str] = []
        for seen in planes:
            name = seen.machine.name
            changed = {change.key for change in seen.changes("join", ctx=self.ctx).changes}
            needs = [f"prepare {name}", "access", *after]
            if not changed:
                self.graph.add(f"join {name}", lambda seen=seen: self._rejoin(progress, seen), after=needs[:2])
            elif plane.PLANE_KEY in changed and name not in self.established:
                progress.waits("join", name, "waiting for the control plane")
                self.graph.add(
                    f"join {name}", lambda seen=seen: self._enter(progress, seen), after=needs, after_end=before
                )
                before = [f"join {name}"]
            else:
                self.graph.add(f"join {name}", lambda seen=seen: self._touch_up(progress, seen), after=needs)

    async def _touch_up(self, progress: Progress, seen: Seen) -> None:
        """A control plane that joined before and of which a file or kubelet is not as wished."""
        await carry_out(progress, seen, "join")

    async def _enter(self, progress: Progress, seen: Seen) -> None:
        """The join of one control plane."""
        ctx, name = self.ctx, seen.machine.name
        try:
            keys = await entering.make_way(
                ctx,
                self._api(),
                self._members(),
                seen.machine,
                tell=lambda text: progress.waits("join", name, text),
            )
            with explained(self._api().server, doing=f"make the bootstrap token of {name}"):
                token = await tokens.create(self._api(), name)
        except RoostError as error:
            progress.failed("join", name, error)
            raise
        secrets = JoinSecrets(token.value, access.authority(self._required()))
        things = plane.things(ctx, seen.machine, seen.found, secrets, keys)
        await carry_out(progress, seen, "join", things=things, secrets=token.secrets)
        self.established = (*self.established, name)
        await self._forget_tokens(name)

    def _has_failed(self, machine: MachineInput) -> bool:
        return any(self.graph.failed(f"{act} {machine.name}") for act in ("prepare", "init", "join"))

    def _required(self) -> Masked:
        if self.kubeconfig is None:
            raise AssertionError("`access` has run before every join")
        return self.kubeconfig

    async def _rejoin(self, progress: Progress, seen: Seen) -> None:
        """A machine that joined before. Its Node may have been deleted: kubelet registers again when it starts."""
        if not await following.registered(self.ctx, self._api(), seen.machine):
            again = join.register_again(self.ctx)
            await carry_out(progress, seen.with_change(again.key, again.summary), "join", things=[again])
            return
        await self._forget_tokens(seen.machine.name)
        progress.done("join", seen.machine.name)

    async def _forget_tokens(self, machine: str) -> None:
        with explained(self._api().server, doing=f"delete the bootstrap token of {machine}"):
            await tokens.delete_for(self._api(), machine)

    async def _nodes(self) -> None:
        machines = [
            machine for machine in self.ctx.machines if not machine.deleting and not self._has_failed(machine)
        ]
        self.view = await following.nodes_ready(self.ctx, self._api(), machines)

    async def _addons(self) -> None:
        if self.view is not None and self.view.network_missing:
            return  # Nothing but host-network Pods runs before a network plugin appears.
        try:
            await following.addons_running(self.ctx, self._api())
        except RoostError as error:
            self.ctx.report.cluster(conditions.ADDONS_INSTALLED, "False", error.reason, error.message)
            raise
        self.ctx.report.cluster(conditions.ADDONS_INSTALLED, "True", conditions.SUCCEEDED)
