"""Builds what the provider is given: specs, resolved Secrets, bundle, a way to report.

Called by cluster, removal and nodes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from roost.api.errors import PermanentFailure, RoostError
from roost.api.v1alpha1.cluster import ClusterSpec
from roost.api.v1alpha1.machine import MachineSpec
from roost.api.v1alpha1.plan import PlanSpec
from roost.bundle.model import Bundle
from roost.controllers.environment import Environment
from roost.controllers.kinds import cluster_id, forced, secret_names, spec
from roost.controllers.reporting import StatusReporter
from roost.controllers.runtime.api import Object, Ref, metadata, part
from roost.controllers.secrets import target
from roost.controllers.settled import digest
from roost.providers.onprem.context import Context, MachineInput, RegistrySource, at_once

NO_BUNDLE = Bundle("", Path("/nonexistent"), "", (), {}, (), (), {})
"""For undoing, which needs none: the bundle may be long gone."""


async def machine_input(env: Environment, machine: Object, *, leaving: bool) -> MachineInput:
    """Raises SecretMissing, SecretInvalid, or PermanentFailure for a spec that this release can't read."""
    meta = metadata(machine)
    name, namespace = str(meta["name"]), str(meta["namespace"])
    try:
        wish = MachineSpec.model_validate(spec(machine))
    except ValidationError as error:
        raise PermanentFailure("MachineInvalid", f"Machine {name}: {_first(error)}") from error
    login = await env.secrets.read(name, namespace, wish.ssh.credential.name)
    proxy = None
    if wish.ssh.proxy is not None and wish.ssh.proxy.credential is not None:
        proxy = await env.secrets.read(name, namespace, wish.ssh.proxy.credential.name)
    pinned = part(machine, "status").get("hostKey")
    where = target(name, wish, pinned, login, proxy)
    return MachineInput(name, wish, where, deleting=leaving, forced=leaving and forced(machine))


async def machine_inputs(
    env: Environment, machines: Iterable[Object], *, leaving: frozenset[str]
) -> tuple[tuple[MachineInput, ...], dict[str, RoostError]]:
    """The inputs that can be made, and why the others can't, by the Machine's name."""
    made: list[MachineInput] = []
    problems: dict[str, RoostError] = {}
    for machine in machines:
        name = str(metadata(machine)["name"])
        try:
            made.append(await machine_input(env, machine, leaving=name in leaving))
        except RoostError as error:
            problems[name] = error
    return tuple(made), problems


def context(
    env: Environment,
    cluster: Object,
    inputs: tuple[MachineInput, ...],
    report: StatusReporter,
    *,
    bundle: Bundle = NO_BUNDLE,
    approve: Callable[[PlanSpec], bool] = lambda _plan: True,
    settle: Callable[[], Awaitable[None]] = at_once,
    settled: frozenset[str] = frozenset(),
    registry: RegistrySource | None = None,
) -> Context:
    """`registry`: what machines pull from; of no use for following and undoing."""
    return Context(
        cluster_id=cluster_id(cluster) or "",
        cluster_name=str(metadata(cluster)["name"]),
        spec=cluster_spec(cluster),
        machines=inputs,
        bundle=bundle,
        registry=registry,
        connect=env.connect,
        kubeconfig=env.kubeconfig(cluster),
        report=report,
        approve=approve,
        settle=settle,
        settled=settled,
    )


def cluster_spec(cluster: Object) -> ClusterSpec:
    try:
        return ClusterSpec.model_validate(spec(cluster))
    except ValidationError as error:
        raise PermanentFailure("ClusterInvalid", f"Cluster {metadata(cluster)['name']}: {_first(error)}") from error


def digests(
    env: Environment, cluster: Object, machines: Iterable[Object], bundle: Bundle, *, registry: str
) -> Mapping[str, str]:
    """Per Machine, of everything its wish is made from. `registry`: the mark of what they pull from."""
    return {
        metadata(machine)["name"]: digest(
            cluster,
            machine,
            bundle.digest,
            registry,
            *(env.secrets.mark(metadata(machine)["namespace"], name) for name in secret_names(machine)),
        )
        for machine in machines
    }


def reporter(env: Environment, ref: Ref, cluster: Object, machines: Iterable[Object]) -> StatusReporter:
    return StatusReporter(env.status, env.events, env.now, cluster=(ref, cluster), machines=machines)


def _first(error: ValidationError) -> str:
    """Where and why, without the value."""
    item = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"spec.{'.'.join(str(step) for step in item['loc'])}: {item['msg']}"
