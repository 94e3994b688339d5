"""`roost plan`: what would be done, for a file that is not applied yet or for a cluster by name. Changes nothing.

It asks the provider directly, with the objects as they are: machines are looked at over SSH from here.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import click

from roost.api.errors import RoostError
from roost.api.masked import Masked
from roost.api.names import API_VERSION, GLOBAL_CLUSTER, ID_ANNOTATION
from roost.cli import data_directory, kubeconfig, platform_api, printing
from roost.cli.i18n import said, t

Object = dict[str, Any]
UNBORN = "00000000-0000-0000-0000-000000000000"
"""The id of a cluster that was never applied: no machine knows it."""


def _part(obj: Object, name: str) -> Object:
    """A map inside an object; empty where it is missing or null."""
    return cast("Object", obj.get(name) or {})


@dataclass(frozen=True)
class Wish:
    """A Cluster with everything that belongs to it, wherever it was read."""

    cluster: Object
    machines: list[Object]
    secrets: dict[str, Object] = field(default_factory=dict[str, Object])
    kubeconfig: Masked | None = None


def from_text(text: str) -> Wish:
    """The Cluster of a file. Raises RoostError when there is not exactly one."""
    from roost.api import documents

    try:
        objects = documents.load(text)
    except documents.Unreadable as error:
        raise RoostError("Unreadable", f"the file is not YAML: {error}") from error
    clusters = [o for o in objects if o.get("kind") == "Cluster" and o.get("apiVersion") == API_VERSION]
    if len(clusters) != 1:
        raise RoostError(
            "OneClusterExpected",
            f"the file holds {len(clusters)} Clusters; a plan is made for one: split the file, or name a cluster",
        )
    cluster = clusters[0]
    name = cluster["metadata"]["name"]
    machines = [o for o in objects if o.get("kind") == "Machine" and o["spec"].get("clusterName") == name]
    secrets = {o["metadata"]["name"]: o for o in objects if o.get("kind") == "Secret"}
    return Wish(cluster, machines, secrets)


def from_platform(api: platform_api.PlatformApi, namespace: str, name: str) -> Wish:
    cluster = api.get(platform_api.path("clusters", namespace=namespace, name=name))
    listed = cast("list[Object]", api.get(platform_api.path("machines", namespace=namespace))["items"])
    machines = [o for o in listed if o["spec"]["clusterName"] == name and not o["metadata"].get("deletionTimestamp")]
    names = {str(reference["name"]) for o in machines for reference in _references(o)}
    pull = _part(_part(_part(_part(cluster, "spec"), "onPremises"), "registry"), "credential").get("name")
    names |= {str(pull)} if pull else set()
    secrets = {name: api.get(platform_api.secret_path(namespace, name)) for name in sorted(names)}
    kept: Masked | None = None
    try:
        kept = Masked(kubeconfig.fetch(api, namespace, name))
    except RoostError as error:
        if error.reason != "KubeconfigMissing":
            raise
    return Wish(cluster, machines, secrets, kept)


def _references(machine: Object) -> list[Object]:
    ssh = _part(machine["spec"], "ssh")
    return [found for found in (_part(ssh, "credential"), _part(_part(ssh, "proxy"), "credential")) if found]


class _Silent:
    """A reporter for a question: nothing is kept."""

    def cluster(self, condition: str, status: str, reason: str, message: str = "") -> None: ...

    def machine(self, name: str, condition: str, status: str, reason: str, message: str = "") -> None: ...

    def facts(self, name: str, facts: object, *, host_key: str, node_name: str) -> None: ...

    def acted(self, name: str, title: str) -> None: ...

    def looked(self, name: str, keys: object, differing: object) -> None: ...

    def kept(self, name: str, keys: object) -> None: ...

    def event(self, machine: str | None, reason: str, message: str, *, warning: bool = False) -> None: ...


class _Kept:
    """The kubeconfig as it was read; a plan never saves one."""

    def __init__(self, value: Masked | None) -> None:
        self._value = value

    async def load(self) -> Masked | None:
        return self._value

    async def save(self, kubeconfig: Masked) -> None:
        self._value = kubeconfig


def _secret(obj: Object, namespace: str) -> Any:
    from roost.controllers.secrets import SecretData

    values = {key: Masked(base64.b64decode(text).decode()) for key, text in _part(obj, "data").items()}
    values |= {key: Masked(str(text)) for key, text in _part(obj, "stringData").items()}
    return SecretData(namespace, obj["metadata"]["name"], str(obj.get("type") or "Opaque"), values)


@dataclass(frozen=True)
class Sources:
    """What decides where images come from, as controllers/registries asks for it: Secrets of the wish, and the
    platform's own where there is a platform."""

    wish: Wish
    registry: Any
    pull_key: Masked | None
    platform: platform_api.PlatformApi | None

    @property
    def secrets(self) -> Sources:
        return self

    @property
    def api(self) -> Sources:
        return self

    async def read(self, machine: str, namespace: str, name: str) -> Any:
        from roost.controllers.secrets import SecretMissing

        own = str(_part(self.wish.cluster, "metadata").get("namespace") or "default")
        if namespace == own and name in self.wish.secrets:
            return _secret(self.wish.secrets[name], namespace)
        absent = SecretMissing(f"{machine}: Secret {namespace}/{name} is neither in the file nor on the platform")
        return _secret(self._asked(platform_api.secret_path(namespace, name), absent), namespace)

    async def get(self, ref: Any) -> Object:
        from roost.controllers.runtime.api import ApiProblem

        absent = ApiProblem(404, f"{ref.resource.kind} {ref.namespace}/{ref.name} does not exist")
        return self._asked(ref.resource.path(namespace=ref.namespace, name=ref.name), absent)

    def _asked(self, path: str, absent: Exception) -> Object:
        if self.platform is None:
            raise absent
        try:
            return self.platform.get(path)
        except RoostError as error:
            if error.reason != "NotFound":
                raise
            raise absent from error


async def make(wish: Wish, data_dir: Path | None) -> Object:
    """The plan's spec as the API writes it. Raises RoostError with what preflight found."""
    from roost.api.v1alpha1.cluster import ClusterSpec
    from roost.api.v1alpha1.machine import MachineSpec
    from roost.bundle import pulling
    from roost.bundle.store import Store
    from roost.controllers import registries
    from roost.controllers.secrets import SecretMissing, target
    from roost.embedded import record, registry
    from roost.providers.onprem import provider
    from roost.providers.onprem.context import Context, MachineInput
    from roost.ssh.asyncssh_connector import connect
    from roost.ssh.pool import Pool

    layout = data_directory.layout(data_dir)
    namespace = str(wish.cluster["metadata"].get("namespace") or "default")

    def secret(machine: str, reference: Object | None) -> Any:
        if not reference:
            return None
        found = wish.secrets.get(str(reference["name"]))
        if found is None:
            raise SecretMissing(f"Machine {machine}: Secret {reference['name']} is not in the file; add it")
        return _secret(found, namespace)

    inputs: list[MachineInput] = []
    for obj in wish.machines:
        spec = MachineSpec.model_validate(obj["spec"])
        name = str(obj["metadata"]["name"])
        pinned = _part(obj, "status").get("hostKey")
        login = secret(name, {"name": spec.ssh.credential.name})
        proxy = spec.ssh.proxy.credential if spec.ssh.proxy else None
        through = secret(name, {"name": proxy.name} if proxy else None)
        inputs.append(MachineInput(name, spec, target(name, spec, pinned, login, through)))
    chosen = record.load(layout.record)
    spec = ClusterSpec.model_validate(wish.cluster["spec"])
    given = Sources(
        wish,
        registry.source(layout, chosen) if chosen else None,
        pulling.load(layout.root),
        platform_api.PlatformApi(layout.admin_kubeconfig) if layout.admin_kubeconfig.exists() else None,
    )
    named = {**wish.cluster, "metadata": {**wish.cluster["metadata"], "namespace": namespace}}
    images = await registries.source(given, named, spec.on_premises.registry if spec.on_premises else None)
    pool = Pool(connect)
    try:
        plan = await provider.plan(
            Context(
                cluster_id=str(_part(named["metadata"], "annotations").get(ID_ANNOTATION) or UNBORN),
                cluster_name=str(wish.cluster["metadata"]["name"]),
                spec=spec,
                machines=tuple(inputs),
                bundle=Store(layout.bundles).get(spec.version or ""),
                registry=images,
                connect=pool,
                kubeconfig=_Kept(wish.kubeconfig),
                report=_Silent(),
            )
        )
    finally:
        await pool.close()
    return plan.model_dump(by_alias=True, exclude_none=True, mode="json")


def show(plan: Object) -> None:
    """For people: a block per machine, a line per change."""
    total = 0
    for machine in plan["machines"]:
        total += len(machine["changes"])
        if not machine["changes"]:
            continue
        click.echo(t("plan.machine", name=machine["name"], count=len(machine["changes"])))
        _show_changes(machine["changes"])
    objects = plan.get("objects", [])
    if objects:
        click.echo(t("plan.objects", count=len(objects)))
        _show_changes(objects)
    click.echo(t("plan.hash", hash=plan["hash"]) if total or objects else t("plan.nothing"))


def _show_changes(changes: list[Object]) -> None:
    rows = [[f"  {each['action']}", each["thing"], said(each.get("summary", ""))] for each in changes]
    click.echo("\n".join(printing.columns(rows)))


@click.command("plan", help=t("plan.help"))
@click.argument("name", required=False)
@click.option("--file", "-f", "file", type=click.File(), help=t("plan.file"))
@click.option("--namespace", "-n", default="default", show_default=True, help=t("option.namespace"))
@click.option("--output", "-o", type=click.Choice(["json", "yaml"]), help=t("option.output"))
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))
def command(name: str | None, file: Any, namespace: str, output: str | None, data_dir: Path | None) -> None:
    if (name is None) == (file is None):
        raise click.UsageError(t("plan.one-of"))
    if file is not None:
        text = file.read()
        _refuse_invalid(text)
        wish = from_text(text)
    else:
        if name == GLOBAL_CLUSTER:
            raise click.UsageError(t("plan.one-of"))
        api = platform_api.PlatformApi(data_directory.admin_kubeconfig(data_dir))
        wish = from_platform(api, namespace, str(name))
    plan = asyncio.run(make(wish, data_dir))
    if output:
        printing.structured(plan, output)
    else:
        show(plan)


def _refuse_invalid(text: str) -> None:
    """The same rules as `roost validate -f`, before a machine is asked anything."""
    from roost.api.validation.documents import validate_texts

    errors = [error for one in validate_texts({"-": text}) for error in one.judged.verdict.errors]
    for error in errors:
        click.echo(f"error: {error.path}: {error.message}", err=True)
    if errors:
        sys.exit(1)
