"""What the stories are told with: a platform, machines, a cluster; each only through public commands."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from lab.build import mirror
from lab.build.imagespecs import specs_of
from lab.build.recipes import recipes_of
from lab.build.versions import release
from lab.machines.lab import Lab, Machine
from lab.machines.settings import Settings
from roost.bundle.probe import probe_path

ROOT = Path(__file__).resolve().parents[2]
ROOST = str(Path(sys.executable).parent / "roost")
BRIDGE_ADDRESS = Settings.from_environment().host_ipv4
PROBE_IMAGE = "registry.k8s.io/e2e-test-images/busybox:1.36"
"""What the stories run in Pods; the bundles of the stories hold it."""
PORT_BASE = 10000 + 200 * Settings.from_environment().number
"""Apart from the default, so that a platform of a person on the same machine is left alone."""
ELSEWHERE = PORT_BASE + 2000
"""Of another platform beside the story's own."""
REGISTRY_PORT = PORT_BASE + 501
CACHE = Path(os.environ.get("ROOST_LAB_CACHE", "/var/cache/roost-lab"))
T = TypeVar("T")


def run(
    *args: str, timeout: float = 300, check: bool = True, env: dict[str, str] | None = None, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program; a failure shows what it printed."""
    done = subprocess.run(
        args,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        input=stdin,
        env={**os.environ, **(env or {})},
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(args)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def eventually(
    ask: Callable[[], T], *, timeout: float, every: float = 1.0, explain: Callable[[], str] = lambda: ""
) -> T:
    """Ask until the answer is true; the last answer and `explain` stand in the failure."""
    deadline = time.monotonic() + timeout
    last: Any = None
    while time.monotonic() < deadline:
        try:
            last = ask()
        except (AssertionError, subprocess.SubprocessError, json.JSONDecodeError) as error:
            last = error
        else:
            if last:
                return last
        time.sleep(every)
    raise AssertionError(f"not within {timeout} s; last: {last}\n{explain()}")


def made_of(version: str) -> str:
    """What the lab's builds of a version are made of: a bundle of other builds is made anew."""
    row = release(version)
    keys = [recipe.key for recipe in recipes_of(row)] + [spec.key for spec in specs_of(row)]
    # The helper is in every bundle, and in the image of the self-built VIP.
    helper = hashlib.sha256(probe_path("amd64").read_bytes()).hexdigest()
    return hashlib.sha256("\n".join([*keys, PROBE_IMAGE, helper]).encode()).hexdigest()


class Bundles:
    """Bundles of the lab's mirror in one store, kept between runs beside the lab's cache."""

    def __init__(self) -> None:
        self.url = mirror.ensure_running()
        self.home = CACHE / "e2e-platform"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One at a time makes bundles, or takes a copy of them."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def ensure(self, *versions: str) -> Path:
        """The directory that holds the bundles of `versions`. Under `locked`."""
        for version in versions:
            where = ("--data-dir", str(self.home))
            note = self.home / f"{version}.made-of"
            have = version in run(ROOST, "bundle", "list", "-o", "name", *where, check=False).stdout
            if have and not (note.is_file() and note.read_text() == made_of(version)):
                run(ROOST, "bundle", "remove", version, *where)
                have = False
            if not have:
                run(
                    ROOST,
                    "bundle",
                    "create",
                    "--kubernetes",
                    version,
                    "--mirror",
                    self.url,
                    "--image",
                    PROBE_IMAGE,
                    "--data-dir",
                    str(self.home),
                    timeout=1200,
                )
                note.write_text(made_of(version))
        return self.home / "bundles"


class Platform:
    """`roost up` in a data directory of its own; bundles are linked in, not copied."""

    def __init__(self, data_dir: Path, bundles: Bundles, *, port_base: int = PORT_BASE) -> None:
        self.data_dir = data_dir
        self.bundles = bundles
        self.port_base = port_base

    def start(self, *versions: str, address: str | None = BRIDGE_ADDRESS, options: Sequence[str] = ()) -> None:
        target = self.data_dir / "bundles"
        with self.bundles.locked():
            store = self.bundles.ensure(*(versions or ("1.31.4",)))
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                shutil.copytree(store, target, copy_function=os.link)
        where = ["--address", address] if address else []
        run(
            ROOST,
            "up",
            "--detach",
            "--data-dir",
            str(self.data_dir),
            "--port-base",
            str(self.port_base),
            *where,
            *options,
            timeout=180,
        )

    def roost(self, *args: str, check: bool = True, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return run(ROOST, *args, check=check, timeout=timeout, env={"ROOST_DATA_DIR": str(self.data_dir)})

    def kubectl(
        self, *args: str, check: bool = True, timeout: float = 300, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        return run(
            ROOST,
            "kubectl",
            *args,
            check=check,
            timeout=timeout,
            stdin=stdin,
            env={"ROOST_DATA_DIR": str(self.data_dir)},
        )

    def get(self, *args: str, kubeconfig: Path | None = None) -> Any:
        """By the bundle's kubectl: stories ask often, and each start of Python counts on a small computer."""
        program = next(iter(sorted(self.data_dir.glob("programs/*/kubectl"), reverse=True)), None)
        if program is None:
            words = ("--kubeconfig", str(kubeconfig)) if kubeconfig else ()
            return json.loads(self.kubectl(*words, "get", *args, "-o", "json").stdout)
        where = str(kubeconfig or self.data_dir / "admin.kubeconfig")
        return json.loads(run(str(program), "--kubeconfig", where, "get", *args, "-o", "json", timeout=120).stdout)

    def processes(self) -> dict[str, int]:
        """Name to pid of the supervisor and its children, as `roost status` tells."""
        status = json.loads(self.roost("status", "-o", "json").stdout)
        return {p["name"]: p["pid"] for p in status["processes"] if p.get("pid")}

    def kill(self) -> None:
        """SIGKILL for the supervisor and every child at once, as a power cut would."""
        for pid in self.processes().values():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop(self) -> None:
        if (self.data_dir / "platform.json").exists():
            run(ROOST, "down", "--data-dir", str(self.data_dir), check=False, timeout=60)


@dataclass
class Story:
    """One platform and the machines of one story."""

    platform: Platform
    name: str
    lab: Lab = field(default_factory=Lab)
    machines: list[Machine] = field(default_factory=list)
    others: list[Platform] = field(default_factory=list)

    def elsewhere(self) -> Platform:
        """Another platform on this computer: its clusters are strangers to the story's own, which takes them in."""
        own = self.platform
        other = Platform(own.data_dir.parent / "elsewhere" / "platform", own.bundles, port_base=ELSEWHERE)
        self.others.append(other)
        return other

    def make_machines(self, count: int, prefix: str = "node") -> list[Machine]:
        names = [f"{prefix}{n}" for n in range(1, count + 1)]
        self.machines = self.lab.up(names=names)
        return self.machines

    def collect(self, where: Path) -> None:
        for platform, place in ((self.platform, where), *((other, where / "elsewhere") for other in self.others)):
            place.mkdir(parents=True, exist_ok=True)
            for what in (("clusters", "-A"), ("machines", "-A"), ("plans", "-A"), ("events", "-A")):
                done = platform.kubectl("get", *what, "-o", "yaml", check=False)
                (place / f"{what[0]}.yaml").write_text(done.stdout + done.stderr)
            logs = platform.data_dir / "logs"
            if logs.is_dir():
                shutil.copytree(logs, place / "platform-logs", dirs_exist_ok=True)
        names = [m.name for m in self.machines]
        if names:
            run(sys.executable, "-m", "lab", "collect", "--to", str(where / "machines"), *names, check=False)

    def end(self) -> None:
        for platform in (self.platform, *self.others):
            platform.stop()
        # A story may have taken one away itself.
        there = {machine.name for machine in self.lab.machines()} if self.machines else set[str]()
        if left := [machine.name for machine in self.machines if machine.name in there]:
            self.lab.down(left)


def ssh_secret(name: str, machine: Machine) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/ssh-auth",
        "metadata": {"name": name},
        "stringData": {"ssh-privatekey": Path(machine.ssh_key_path).read_text()},
    }


def machine_object(machine: Machine, cluster: str, role: str, secret: str, **ssh: Any) -> dict[str, Any]:
    return {
        "apiVersion": "cluster.alauda.io/v1alpha1",
        "kind": "Machine",
        "metadata": {"name": machine.name},
        "spec": {
            "clusterName": cluster,
            "role": role,
            "addresses": {"ipv4": machine.ipv4},
            "ssh": {"credential": {"name": secret}, **ssh},
        },
    }


def cluster_object(name: str, version: str, endpoint: str, **on_premises: Any) -> dict[str, Any]:
    return {
        "apiVersion": "cluster.alauda.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": name},
        "spec": {"version": version, "onPremises": {"controlPlaneEndpoint": {"host": endpoint}, **on_premises}},
    }


def cluster_file(
    machines: Sequence[Machine],
    *,
    name: str = "demo",
    version: str = "1.31.4",
    namespace: str = "default",
    **on_premises: Any,
) -> str:
    """One file as a person writes it: Secret, Machines, Cluster; the first machine is the control plane."""
    documents = [ssh_secret(f"{name}-ssh", machines[0])]
    documents += [
        machine_object(m, name, "Worker" if n else "ControlPlane", f"{name}-ssh") for n, m in enumerate(machines)
    ]
    documents.append(cluster_object(name, version, machines[0].ipv4, **on_premises))
    for document in documents:
        document["metadata"]["namespace"] = namespace
    return as_file(*documents)


def as_file(*documents: dict[str, Any]) -> str:
    """What a person would write: YAML documents in one file."""
    return yaml.safe_dump_all(documents, sort_keys=False)


class Managed:
    """A cluster that roost made, as its user sees it: kubectl with the kubeconfig that roost gives."""

    def __init__(self, platform: Platform, name: str, namespace: str = "default") -> None:
        self.platform = platform
        self.name = name
        self.namespace = namespace
        self.kubeconfig = platform.data_dir.parent / f"{name}.kubeconfig"

    def wait_available(self, timeout: float = 900) -> None:
        def explain() -> str:
            done = self.platform.roost("progress", self.name, "-n", self.namespace, "--once", check=False)
            return done.stdout + done.stderr

        eventually(lambda: self.condition("Available") == "True", timeout=timeout, explain=explain)

    def object(self) -> Any:
        return self.platform.get("cluster", self.name, "-n", self.namespace)

    def condition(self, kind: str) -> str | None:
        for condition in self.object().get("status", {}).get("conditions", []):
            if condition["type"] == kind:
                return str(condition["status"])
        return None

    def kubectl(
        self, *args: str, check: bool = True, timeout: float = 120, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        where = str(self._kubeconfig())
        return self.platform.kubectl("--kubeconfig", where, *args, check=check, timeout=timeout, stdin=stdin)

    def get(self, *args: str) -> Any:
        return self.platform.get(*args, kubeconfig=self._kubeconfig())

    def _kubeconfig(self) -> Path:
        if not self.kubeconfig.exists():
            text = self.platform.roost("kubeconfig", self.name, "--direct", "-n", self.namespace).stdout
            self.kubeconfig.write_text(text)
            self.kubeconfig.chmod(0o600)
        return self.kubeconfig
