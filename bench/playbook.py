"""Creation of 1+2 by roost beside an Ansible playbook of the same steps, on machines that are made anew for each run.

Called by the command. ansible-core is the peer here, no dependency of roost: it stands in a virtual environment of
its own. Ansible needs Python on the machines; it is laid there before any clock runs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import creation, payload
from bench.figures import Figure, figure, order
from bench.platform import CACHE, VERSION, BenchError, Platform, bundles, call
from lab.machines.lab import Lab
from lab.machines.machine import Machine
from roost.bundle import vipimage
from roost.bundle.model import Bundle
from roost.bundle.store import Store
from roost.embedded.ports import Ports
from roost.providers.onprem import layout

TARGET: Final = 0.5
HERE: Final = Path(__file__).with_name("ansible")
REQUIREMENTS: Final = Path(__file__).resolve().parents[1] / "requirements" / "bench.txt"
PACKAGES: Final = (
    "python3-minimal",
    "python3.11-minimal",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libpython3-stdlib",
    "python3.11",
    "python3",
    "media-types",
    "libsqlite3-0",
    "libreadline8",
    "readline-common",
    "libexpat1",
    "libncursesw6",
)
"""What Debian's python3 needs beyond a machine of the lab."""
IMAGES: Final = {"worker": frozenset({"node"}), "control-plane": frozenset({"node", "control-plane", "addon"})}
"""By role, the purposes of what roost pulls there; CoreDNS elsewhere is pulled when it is placed."""
CREATES: Final = {"containerd": "bin/containerd", "cni-plugins": "bridge", "crictl": "crictl"}
AUTHORITY: Final = "pki/serving-ca.crt"


@dataclass(frozen=True)
class Registry:
    """roost's own, from which both pull images."""

    address: str
    authority: Path


@dataclass
class Run:
    seconds: float
    machines: float
    """Processor time on the machines."""
    again: float = 0.0
    """The second run, which should change nothing."""


def run(runs: int, *, work: Path, port_base: int) -> list[Figure]:
    ansible = _ansible()
    packages = _packages()
    lab = Lab()
    prepared = work / "payload"
    prepared.mkdir()
    bundle = Store(bundles()).get(VERSION)
    (prepared / "flannel.yaml").write_bytes(bundle.manifest("flannel"))
    platform = Platform(work / "platform", port_base, lab.settings.host_ipv4)
    registry = Registry(f"{lab.settings.host_ipv4}:{Ports(port_base).registry_tls}", platform.data_dir / AUTHORITY)
    (prepared / "variables.json").write_text(json.dumps(variables(bundle, registry)), "utf-8")
    own: list[creation.Run] = []
    peer: list[Run] = []
    try:
        creation.fresh(lab)
        platform.provide_bundle()
        platform.up()
        platform.wait_pushed()
        for number in range(runs):
            for who in order(number):
                machines = creation.fresh(lab)
                if who == "own":
                    own.append(creation.by_roost(platform, machines))
                    seconds = own[-1].seconds
                else:
                    _python(machines, packages)
                    peer.append(_by_playbook(ansible, prepared, machines, work))
                    seconds = peer[-1].seconds
                name = "roost" if who == "own" else "playbook"
                print(f"  playbook {number + 1}/{runs} by {name}: {seconds:.1f} s", flush=True)
    finally:
        platform.down()
        creation.gone(lab)
    return figures(own, peer)


def figures(own: list[creation.Run], peer: list[Run]) -> list[Figure]:
    """Pure."""
    return [
        figure("playbook.time", "s", [r.seconds for r in own], [r.seconds for r in peer], target=TARGET),
        figure("playbook.machines", "s", [r.machines for r in own], [r.machines for r in peer]),
        figure("playbook.again", "s", [r.look for r in own], [r.again for r in peer]),
    ]


def variables(bundle: Bundle, registry: Registry) -> dict[str, object]:
    """What the playbook knows of programs, images and files: the same bytes that roost brings to machines."""

    def brought(name: str, place: str) -> dict[str, str]:
        digest = bundle.program(name, payload.ARCHITECTURE).digest
        file, found = str(bundle.blob(digest)), digest.removeprefix("sha256:")
        return {"name": name, "file": file, "destination": f"/{place}", "sum": found}

    archives = [
        {**brought(name, place), "creates": f"/{place}/{CREATES[name]}"} for name, place in payload.ARCHIVES.items()
    ]
    programs = [brought(name, place) for name, place in payload.PLACES.items()]
    images = {
        role: [
            image.name
            for image in bundle.images_for(payload.ARCHITECTURE)
            if image.purpose in purposes and not image.name.startswith(vipimage.REPOSITORY)
        ]
        for role, purposes in IMAGES.items()
    }
    pause = next(image for image in images["worker"] if "/pause:" in image)
    return {
        "registry": {"address": registry.address, "authority": str(registry.authority)},
        "upstreams": list(layout.registry_hosts(images["control-plane"])),
        "archives": archives,
        "programs": {
            "control-plane": programs,
            "worker": [each for each in programs if each["name"] not in payload.NOT_ON_WORKERS],
        },
        "images": images,
        "containerd": payload.CONTAINERD.format(pause=pause),
        "containerd_unit": payload.CONTAINERD_UNIT,
        "kubeadm": payload.KUBEADM.format(version=bundle.version),
    }


def inventory(machines: list[Machine], prepared: Path) -> str:
    """Pure: the playbook's groups and where its files are."""
    lines = ["[control_plane]", _host(machines[0], "control-plane"), "", "[workers]"]
    lines += [_host(machine, "worker") for machine in machines[1:]]
    lines += ["", "[all:vars]", "ansible_user=root", f"payload={prepared}"]
    lines.append(f"ansible_ssh_private_key_file={machines[0].ssh_key_path}")
    return "\n".join(lines) + "\n"


def _host(machine: Machine, kind: str) -> str:
    return f"{machine.name} ansible_host={machine.ipv4} kind={kind}"


def _by_playbook(ansible: Path, prepared: Path, machines: list[Machine], work: Path) -> Run:
    hosts = work / "inventory.ini"
    hosts.write_text(inventory(machines, prepared), "utf-8")
    worked = creation.worked(machines)
    known = prepared / "variables.json"
    seconds = _play(ansible, hosts, known)
    call(*machines[0].ssh_argv(), creation.END)
    one = Run(seconds, creation.worked(machines) - worked)
    one.again = _play(ansible, hosts, known)
    return one


def _play(ansible: Path, hosts: Path, variables_file: Path) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [str(ansible), "-i", str(hosts), "-e", f"@{variables_file}", str(HERE / "playbook.yml")],
        env={**os.environ, "ANSIBLE_CONFIG": str(HERE / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if done.returncode != 0:
        raise BenchError(f"ansible-playbook ended with {done.returncode}: {done.stdout[-3000:]}")
    return time.monotonic() - began


def _ansible() -> Path:
    """ansible-playbook of the locked version, in a virtual environment of its own."""
    place = CACHE / "bench-ansible"
    program = place / "bin" / "ansible-playbook"
    if not program.exists():
        call(sys.executable, "-m", "venv", str(place))
        call(str(place / "bin" / "pip"), "install", "-q", "--require-hashes", "-r", str(REQUIREMENTS))
    return program


def _packages() -> Path:
    """Debian's packages of Python as one tar of their files, fetched once."""
    place = CACHE / "bench-python"
    whole = place / "python.tar"
    if not whole.exists():
        files = place / "files"
        files.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["apt-get", "download", "-q", *PACKAGES], cwd=place, check=True, capture_output=True, timeout=300
        )
        for package in sorted(place.glob("*.deb")):
            call("dpkg-deb", "-x", str(package), str(files))
        call("tar", "-C", str(files), "-cf", str(whole), ".")
        shutil.rmtree(files)
    return whole


def _python(machines: list[Machine], packages: Path) -> None:
    """Outside the clock: a machine of the lab is bare. Files are enough; nothing has to be configured for Ansible."""
    for machine in machines:
        with packages.open("rb") as tar:
            words = [
                *machine.ssh_argv(),
                "tar -xf - -C / --keep-directory-symlink && python3 -c 'import json, tarfile'",
            ]
            subprocess.run(words, stdin=tar, check=True, timeout=120)
