"""The provider without the platform: makes a real cluster on lab machines from one file and tells what it took.

For working on the provider and on the engine:
`python -m tests.e2e.provider_script up|again|plan|check|remove|destroy|cycle --machines prov1,prov2`.
The machines must be up (`python -m lab up --names prov1,prov2`); the first is the control plane. State
(kubeconfig, registry) is kept in a directory between calls.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from lab.build import mirror
from lab.machines.lab import Lab
from roost.api.errors import RoostError
from roost.api.masked import Masked
from roost.api.v1alpha1.cluster import ClusterSpec
from roost.api.v1alpha1.machine import MachineFacts, MachineSpec
from roost.bundle import registry
from roost.bundle.model import Bundle
from roost.bundle.push import push
from roost.bundle.store import Store
from roost.kube import pki
from roost.providers.onprem import provider
from roost.providers.onprem.context import Context, MachineInput, RegistrySource
from roost.ssh.asyncssh_connector import connect
from roost.ssh.connection import Connection, Target
from roost.ssh.pool import Pool

CACHE = Path(os.environ.get("ROOST_LAB_CACHE", "/var/cache/roost-lab"))
BRIDGE_ADDRESS = "10.209.0.1"
TEST_IMAGE = "registry.k8s.io/e2e-test-images/busybox:1.36"


class FileStore:
    def __init__(self, path: Path) -> None:
        self.path = path

    async def load(self) -> Masked | None:
        return Masked(self.path.read_text()) if self.path.exists() else None

    async def save(self, kubeconfig: Masked) -> None:
        self.path.touch(mode=0o600)
        self.path.write_text(kubeconfig.reveal())


class Printer:
    """Prints each condition when it changes, with the time since the start."""

    def __init__(self, *, quiet: bool) -> None:
        self.start = time.monotonic()
        self.acts: list[str] = []
        self.last: dict[str, str] = {}
        self.quiet = quiet

    def say(self, where: str, text: str) -> None:
        if self.last.get(where) != text and not (self.quiet and "InProgress" in text):
            print(f"{time.monotonic() - self.start:7.2f} {where:28} {text}", flush=True)
        self.last[where] = text

    def cluster(self, condition: str, status: str, reason: str, message: str = "") -> None:
        if reason != "InProgress":
            self.say(condition, f"{status} {reason} {message}")

    def machine(self, name: str, condition: str, status: str, reason: str, message: str = "") -> None:
        self.say(f"  {name} {condition}", f"{status} {reason} {message}")

    def facts(self, name: str, facts: MachineFacts, *, host_key: str, node_name: str) -> None:
        pass

    def acted(self, name: str, title: str) -> None:
        self.acts.append(name)
        self.say(f"  {name} act", title)

    def looked(self, name: str, keys: object, differing: object) -> None:
        pass

    def kept(self, name: str, keys: object) -> None:
        pass

    def event(self, machine: str | None, reason: str, message: str, *, warning: bool = False) -> None:
        self.say(f"  event {machine or ''}", f"{reason} {message}")


@contextlib.asynccontextmanager
async def served(state: Path, bundle: Bundle) -> AsyncGenerator[RegistrySource]:
    """roost's registry as the platform runs it: one process that takes writes, one that machines reach."""
    program = state / "registry-program"
    if not program.exists():
        found = bundle.program("registry", "amd64")
        subprocess.run(["tar", "-xzf", str(bundle.blob(found.digest)), "-C", str(state), "registry"], check=True)
        (state / "registry").rename(program)
    pem, key = state / "registry.crt", state / "registry.key"
    ca = state / "registry-ca.crt"
    if not pem.exists():
        authority = pki.create_authority("roost registry", now=pki.utc_now())
        profile = pki.Profile("registry", "server", hosts=(BRIDGE_ADDRESS,))
        pair = pki.issue(authority, profile, now=pki.utc_now())
        ca.write_text(authority.certificate_pem)
        key.touch(mode=0o600)
        key.write_text(pair.key_pem.reveal())
        pem.write_text(pair.certificate_pem)
    storage, secret = state / "storage", Masked(secrets.token_hex(16))
    configs = {
        "rw": registry.writable(storage=storage, port=17500, secret=secret),
        "ro": registry.readonly(
            storage=storage, address=f"{BRIDGE_ADDRESS}:17501", certificate=pem, key=key, secret=secret
        ),
    }
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for name, text in configs.items():
            config = state / f"{name}.yaml"
            config.write_text(text)
            processes.append(
                subprocess.Popen(
                    [str(program), *registry.arguments(config)],
                    env={**os.environ, **registry.ENVIRONMENT},
                    stdout=(state / f"{name}.log").open("wb"),
                    stderr=subprocess.STDOUT,
                )
            )
        await asyncio.sleep(1.0)
        await push(bundle, "http://127.0.0.1:17500")
        yield RegistrySource(f"{BRIDGE_ADDRESS}:17501", ca.read_text())
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
            process.wait()


def context(
    args: argparse.Namespace, bundle: Bundle, source: RegistrySource | None, pool: Pool, printer: Printer
) -> Context:
    lab = Lab()
    machines: list[MachineInput] = []
    for index, name in enumerate(args.machines.split(",")):
        machine = lab.get(name)
        spec = MachineSpec.model_validate(
            {
                "clusterName": "demo",
                "role": "ControlPlane" if index == 0 else "Worker",
                "addresses": {"ipv4": machine.ipv4},
                "ssh": {"credential": {"name": "key"}},
            }
        )
        target = Target(name, machine.ipv4, private_key=Masked(machine.ssh_key_path.read_text()))
        machines.append(MachineInput(name, spec, target))
    network = {"podCIDR": args.pod_cidr, "serviceCIDR": args.service_cidr, "plugin": args.network}
    spec = ClusterSpec.model_validate(
        {
            "version": args.kubernetes,
            "onPremises": {
                "controlPlaneEndpoint": {"host": machines[0].spec.addresses.ipv4},
                "network": network,
                "nodeName": args.node_name,
                "apiServerExtraArgs": dict(word.split("=", 1) for word in args.api_server_arg),
            },
        }
    )
    settled = frozenset(name for name in args.settled.split(",") if name)

    async def unless_settled(target: Target) -> Connection:
        assert target.name not in settled, f"{target.name} is settled and was connected to"
        return await pool(target)

    return Context(
        cluster_id="c0ffee00-0000-4000-8000-000000000001",
        cluster_name="demo",
        spec=spec,
        machines=tuple(machines),
        bundle=bundle,
        registry=source,
        connect=unless_settled,
        kubeconfig=FileStore(args.state / "kubeconfig"),
        report=printer,
        settled=settled,
    )


async def with_retries(ctx: Context, attempts: int) -> None:
    for attempt in range(attempts):
        try:
            outcome = await provider.reconcile(ctx)
        except RoostError as error:
            print(f"--- {type(error).__name__} {error.reason}: {error.message}")
            if attempt + 1 == attempts:
                raise
            await asyncio.sleep(2)
        else:
            print(f"--- {outcome}")
            return


async def run(args: argparse.Namespace) -> None:
    bundle = Store(CACHE / "e2e-platform" / "bundles").create(
        args.kubernetes, ["amd64"], mirror=mirror.ensure_running(), extra_images=[TEST_IMAGE]
    )
    printer, pool = Printer(quiet=args.quiet), Pool(connect)
    async with contextlib.AsyncExitStack() as stack:
        source = None if args.no_registry else await stack.enter_async_context(served(args.state, bundle))
        stack.push_async_callback(pool.close)
        printer.start = time.monotonic()
        ctx = context(args, bundle, source, pool, printer)
        if args.verb in ("up", "again"):
            await with_retries(ctx, args.attempts)
            print(f"--- {time.monotonic() - printer.start:.1f} s, {len(printer.acts)} acts: {printer.acts}")
            if args.verb == "again" and printer.acts:
                sys.exit("the second run acted")
        elif args.verb == "plan":
            print(json.dumps((await provider.plan(ctx)).model_dump(mode="json"), indent=1))
        elif args.verb == "check":
            check(args, bundle, ctx)
        elif args.verb == "remove":
            await provider.remove(ctx, [args.machines.split(",")[-1]])
        elif args.verb == "destroy":
            await destroy(args, ctx)
        elif args.verb == "cycle":
            await cycle(args, bundle, ctx, printer)


async def destroy(args: argparse.Namespace, ctx: Context) -> None:
    started = time.monotonic()
    await provider.destroy(ctx)
    (args.state / "kubeconfig").unlink(missing_ok=True)
    print(f"--- destroyed in {time.monotonic() - started:.1f} s")


async def cycle(args: argparse.Namespace, bundle: Bundle, ctx: Context, printer: Printer) -> None:
    """Everything once: make, use, look again without an act, destroy, compare the machines with before."""
    machines = [Lab().get(machine.name) for machine in ctx.machines]
    before = {machine.name: machine.snapshot() for machine in machines}
    printer.start = time.monotonic()
    await with_retries(ctx, args.attempts)
    print(f"--- made in {time.monotonic() - printer.start:.1f} s with {len(printer.acts)} acts")
    check(args, bundle, ctx)
    printer.acts.clear()
    await with_retries(ctx, 1)
    assert not printer.acts, printer.acts
    await destroy(args, ctx)
    for machine in machines:
        left = machine.changes_since(before[machine.name])
        print(f"--- {machine.name}: {left or 'as before'}")


def check(args: argparse.Namespace, bundle: Bundle, ctx: Context) -> None:
    """Pods on each node reach each other by address, Service and name; exec and logs work."""
    kubectl = bundle.blob(bundle.program("kubectl", "amd64").digest)
    executable = args.state / "kubectl"
    executable.write_bytes(kubectl.read_bytes())
    executable.chmod(0o755)

    def call(*words: str, stdin: str | None = None) -> str:
        done = subprocess.run(
            [str(executable), "--kubeconfig", str(args.state / "kubeconfig"), *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"kubectl {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    names = [machine.name for machine in ctx.machines]
    pods: list[dict[str, Any]] = [pod(name) for name in names]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    call("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [*pods, service]}))
    call("wait", "pod", "--selector", "app=web", "--for=condition=Ready", "--timeout=60s")
    addresses = {
        name: call("get", "pod", f"web-{name}", "--output", "jsonpath={.status.podIP}").strip() for name in names
    }
    for source in names:
        for target, address in addresses.items():
            said = call("exec", f"web-{source}", "--", "wget", "-qO-", f"http://{address}:8080/")
            assert said.strip() == target, (source, target, said)
        said = call("exec", f"web-{source}", "--", "wget", "-qO-", "http://web.default.svc.cluster.local/")
        assert said.strip() in names, said
        assert f"hello from {source}" in call("logs", f"web-{source}")
    print(call("get", "nodes", "--output", "wide"), call("get", "pods", "--all-namespaces", "--output", "wide"))
    call("delete", "pod,service", "--selector", "app=web", "--wait=false")
    call("delete", "service", "web", "--ignore-not-found")


def pod(node: str) -> dict[str, Any]:
    script = f"echo hello from {node}; mkdir /tmp/w; echo {node} > /tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"web-{node}", "labels": {"app": "web"}},
        "spec": {
            "nodeName": node,
            "terminationGracePeriodSeconds": 1,
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "web", "image": TEST_IMAGE, "command": ["sh", "-c", script]}],
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=("up", "again", "plan", "check", "remove", "destroy", "cycle"))
    parser.add_argument("--machines", default="prov1,prov2")
    parser.add_argument("--kubernetes", default="1.31.4")
    parser.add_argument("--network", default="Flannel")
    parser.add_argument("--pod-cidr", default="10.16.0.0/16")
    parser.add_argument("--service-cidr", default="10.112.0.0/16")
    parser.add_argument("--api-server-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--node-name", default="Hostname")
    parser.add_argument("--settled", default="", help="machines that must not be connected to")
    parser.add_argument("--attempts", type=int, default=1)
    parser.add_argument("--no-registry", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--state", type=Path, default=Path("/tmp/roost-provider-script"))
    args = parser.parse_args()
    args.state.mkdir(mode=0o700, exist_ok=True)
    asyncio.run(run(args))


if __name__ == "__main__":
    main()
