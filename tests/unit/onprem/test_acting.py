"""What is told of two acts that a machine gets in one go, and how a new worker of a running cluster is taken in."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, cast

import pytest

from roost.api import conditions
from roost.api.errors import RetryLater, RoostError
from roost.api.masked import Masked
from roost.node import engine
from roost.node.act import Act, ActResult, Step, Unverified
from roost.node.engine import Comparison
from roost.node.thing import Action, Change
from roost.node.things.image import IMAGES
from roost.node.things.run import RunOnce
from roost.providers.onprem import acting, creation, steps, tokens
from roost.providers.onprem.context import Context
from roost.providers.onprem.creation import Creation
from roost.providers.onprem.observing import Seen
from roost.providers.onprem.phases import join
from roost.providers.onprem.progress import Progress
from roost.ssh.connection import Connection, Target
from tests.unit.onprem import made

pytestmark = pytest.mark.anyio


class Here:
    target = Target("w1", "10.200.0.12")


class Machine:
    """In place of the engine: says that every step began and ended, up to one that fails.

    Neighbours that say the same word begin together, and each is heard of to its end, as on a machine.
    """

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.fails = ""
        self.undone = ""
        self.seen: Callable[[str, str], None] = lambda _key, _state: None

    async def apply(self, _connection: Connection, act: Act, *, on_step: Callable[[Step], None]) -> ActResult:
        self.acts.append(act)
        total = len(act.changes)
        numbered = enumerate(act.changes, start=1)
        groups = [list(group) for _, group in itertools.groupby(numbered, lambda each: each[1].parallel or each[0])]
        for group in groups:
            for number, change in group:
                on_step(Step(number, total, change.key, change.summary, "started"))
                self.seen(change.key, "started")
            for number, change in group:
                if change.key != self.fails:
                    on_step(Step(number, total, change.key, change.summary, "done"))
                    self.seen(change.key, "done")
            if self.fails in {change.key for _, change in group}:
                return ActResult(act.name, act.title, 1, failed_key=self.fails, evidence="no")
        wrong = [Unverified(change.key, {}, change) for change in act.changes if change.key == self.undone]
        return ActResult(act.name, act.title, 0, unverified=tuple(wrong))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(engine, "apply", machine.apply)
    return machine


def new_worker(ctx: Context, *acts: steps.Act) -> Seen:
    """Of which everything that these acts do is still to be done."""
    found = made.found("w1", "10.200.0.12")
    changes = tuple(
        Change(thing.key, Action.RUN, thing.key, parallel=IMAGES if thing.key.startswith("image:") else "")
        for thing in steps.things(ctx, made.W1, found, *acts)
    )
    things = tuple(steps.things(ctx, made.W1, found))
    return Seen(made.W1, cast("Connection", Here()), found, {}, things, Comparison(changes, ()), "w1")


def told(ctx: Context) -> dict[str, tuple[str, str]]:
    report = cast("made.Reported", ctx.report)
    return {name: state[:2] for (_, name), state in report.machines.items()}


DONE = ("True", conditions.SUCCEEDED)
DOING = ("False", conditions.IN_PROGRESS)


async def test_two_acts_in_one_go_are_told_apart(machine: Machine) -> None:
    ctx = made.context()
    seen = new_worker(ctx)
    at: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    machine.seen = lambda key, state: at.update({(key, state): told(ctx)})
    given = RunOnce(join.JOIN_KEY, "with a token", "field state needed", "true")
    await acting.carry_out(Progress(ctx), seen, "prepare", "join", things=[given], secrets=(Masked("abc"),))
    (act,) = machine.acts
    assert act.name == "prepare" and act.secrets == (Masked("abc"),)
    assert act.things[-1] is given and len(act.things) == len(seen.things)
    before = [state for (key, _), state in at.items() if key != join.JOIN_KEY]
    assert before and all(conditions.JOINED not in state for state in before)
    assert at[join.JOIN_KEY, "started"] == {conditions.PREPARED: DONE, conditions.JOINED: DOING}
    assert told(ctx) == {conditions.PREPARED: DONE, conditions.JOINED: DONE}
    assert len(cast("made.Reported", ctx.report).acts) == 1


async def test_nothing_is_prepared_while_an_image_is_missing(machine: Machine) -> None:
    """Even where the join has begun beside it."""
    ctx = made.context()
    seen = new_worker(ctx).beside(join.JOIN_KEY, IMAGES)
    *_, last = [thing.key for thing in seen.things if thing.key.startswith("image:")]
    at: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    machine.seen = lambda key, state: at.update({(key, state): told(ctx)})
    await acting.carry_out(Progress(ctx), seen, "prepare", "join")
    assert at[join.JOIN_KEY, "started"] == {conditions.PREPARED: DOING, conditions.JOINED: DOING}
    assert at[last, "done"] == {conditions.PREPARED: DONE, conditions.JOINED: DOING}
    assert told(ctx) == {conditions.PREPARED: DONE, conditions.JOINED: DONE}


@pytest.mark.parametrize(
    ("fails", "beside", "prepared", "joined"),
    [
        ("image:", False, ("False", "ImageNotPulled"), None),
        ("image:", True, ("False", "ImageNotPulled"), DONE),
        (join.JOIN_KEY, False, DONE, ("False", "JoinFailed")),
        (join.JOIN_KEY, True, DONE, ("False", "JoinFailed")),
    ],
)
@pytest.mark.parametrize("how", ["fails", "undone"])
async def test_what_fails_is_told_of_the_act_that_it_belongs_to(
    machine: Machine,
    fails: str,
    beside: bool,
    prepared: tuple[str, str],
    joined: tuple[str, str] | None,
    how: str,
) -> None:
    ctx = made.context()
    seen = new_worker(ctx)
    if beside:
        seen = seen.beside(join.JOIN_KEY, IMAGES)
    key = next(thing.key for thing in seen.things if thing.key.startswith(fails))
    setattr(machine, how, key)
    progress = Progress(ctx)
    progress.expect("prepare", ["w1"])
    with pytest.raises(RetryLater, match="w1"):
        await acting.carry_out(progress, seen, "prepare", "join")
    if how == "undone":  # It went through without an error, and is not as wished.
        wrong = ("False", "ActFailed")
        prepared, joined = (wrong, DOING) if fails == "image:" else (DONE, wrong)
    assert told(ctx).get(conditions.PREPARED) == prepared
    assert told(ctx).get(conditions.JOINED) == joined
    report = cast("made.Reported", ctx.report)
    assert report.clusters[conditions.MACHINES_PREPARED][:2] == prepared


class Cluster:
    """Its API, as far as a join asks it."""

    server = "https://10.200.0.11:6443"

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.away = False

    async def create(self, _client: Any, name: str) -> tokens.Token:
        if self.away:
            raise RetryLater("Unreachable", "the API is away")
        self.tokens.append(name)
        return tokens.make()

    async def delete_for(self, _client: Any, name: str) -> None:
        self.tokens.remove(name)

    async def close(self) -> None: ...


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """It runs: what comes before and after the join of a worker is of no interest here."""
    cluster = Cluster()

    async def nothing(*_: object) -> None: ...

    def authority(_kubeconfig: Masked) -> str:
        return "PEM\n"

    async def access(self: Creation, _head: object) -> None:
        if cluster.away:
            raise RetryLater("Unreachable", "the API is away")
        self.client, self.kubeconfig = cast("Any", cluster), Masked("")

    monkeypatch.setattr(Creation, "_access", access)
    for name in ("_network", "_nodes", "_addons"):
        monkeypatch.setattr(Creation, name, nothing)
    monkeypatch.setattr(creation.access, "authority", authority)
    monkeypatch.setattr(creation.tokens, "create", cluster.create)
    monkeypatch.setattr(creation.tokens, "delete_for", cluster.delete_for)
    return cluster


async def taken_in(ctx: Context, seen: Seen) -> dict[str, RoostError]:
    work = Creation(ctx, [seen], established=("cp1",))
    await work.run()
    return work.graph.failures


async def test_a_new_worker_of_a_running_cluster_gets_one_act(machine: Machine, cluster: Cluster) -> None:
    ctx = made.context()
    assert await taken_in(ctx, new_worker(ctx)) == {}
    (act,) = machine.acts
    assert {change.key for change in act.changes if change.parallel == IMAGES} >= {join.JOIN_KEY}
    assert any("kubeadm join" in thing.script for thing in act.things if isinstance(thing, RunOnce))
    assert told(ctx) == {conditions.PREPARED: DONE, conditions.JOINED: DONE}
    assert cluster.tokens == []


async def test_a_token_does_not_wait_for_programs_that_travel_over_ssh(machine: Machine, cluster: Cluster) -> None:
    ctx = made.context(registry=False)
    assert await taken_in(ctx, new_worker(ctx)) == {}
    assert [act.name for act in machine.acts] == ["prepare", "join"]
    assert cluster.tokens == []


async def test_one_that_is_prepared_only_joins(machine: Machine, cluster: Cluster) -> None:
    ctx = made.context()
    assert await taken_in(ctx, new_worker(ctx, "join")) == {}
    assert [act.name for act in machine.acts] == ["join"]
    assert cluster.tokens == []


async def test_it_is_prepared_while_the_api_is_away(machine: Machine, cluster: Cluster) -> None:
    ctx = made.context()
    cluster.away = True
    assert list(await taken_in(ctx, new_worker(ctx))) == ["access"]
    (act,) = machine.acts
    assert not any(isinstance(thing, RunOnce) and thing.key == join.JOIN_KEY for thing in act.things)
    assert told(ctx) == {conditions.PREPARED: DONE, conditions.JOINED: ("False", conditions.WAITING)}


async def test_a_join_that_fails_keeps_its_token_for_what_goes_on(machine: Machine, cluster: Cluster) -> None:
    ctx = made.context()
    machine.fails = join.JOIN_KEY
    failures = await taken_in(ctx, new_worker(ctx))
    assert [error.reason for error in failures.values()] == ["JoinFailed"]
    assert cluster.tokens == ["w1"]
