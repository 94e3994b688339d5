"""Docker of Debian with the settings that roost writes: read back from the running daemon and from a container.

cri-dockerd can't be had here, so that no node runs with it; everything below it is real.
"""

from __future__ import annotations

import asyncio
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import CACHE, Machine, Story, run

from roost.api.masked import Masked
from roost.node import engine
from roost.node.act import Act, Sources
from roost.node.thing import BlobSource, Thing
from roost.providers.onprem.phases import docker
from roost.providers.onprem.preflight.look import Found
from roost.ssh.asyncssh_connector import connect
from roost.ssh.connection import Target
from tests.unit.onprem import made

pytestmark = [pytest.mark.lab, pytest.mark.story(5), pytest.mark.verify]
DATA = "/var/lib/data"
PACKAGES = ("docker.io", "containerd", "runc", "libdevmapper1.02.1")


class NoBlobs:
    """The programs are laid on the machine by the test itself."""

    def open(self, key: str) -> Any:
        raise AssertionError(f"nothing is fetched, and {key} was asked for")


def debian_docker() -> Path:
    """Debian's packages, unpacked; none is installed on this box, where Docker would change the firewall."""
    folder = CACHE / "docker"
    if not (folder / "root" / "usr" / "sbin" / "dockerd").exists():
        folder.mkdir(parents=True, exist_ok=True)
        fetch = f"apt-get download -qq {' '.join(PACKAGES)}"
        unpack = "for package in *.deb; do dpkg -x $package root; done"
        run("sh", "-c", f"cd {folder} && ({fetch} || (apt-get update -qq && {fetch})) && {unpack}")
    return folder / "root"


def lay(machine: Machine, root: Path, where: Path) -> None:
    """The programs to /usr/local/bin, as the bundle's archive would be, and one library that the machine lacks."""
    archive = where / "docker.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as out:
        for name in ("sbin/dockerd", "sbin/docker-proxy", "sbin/runc", "bin/docker", "bin/containerd",
                     "bin/containerd-shim-runc-v2", "bin/ctr"):  # fmt: skip
            out.add(root / "usr" / name, f"usr/local/bin/{Path(name).name}")
        for library in root.rglob("libdevmapper.so*"):
            out.add(library, f"usr/lib/x86_64-linux-gnu/{library.name}")
    run("sh", "-c", f"exec {' '.join(machine.ssh_argv())} tar -xzf - -C / < {archive}", timeout=300)


@pytest.mark.parameter(
    "spec.onPremises.dockerExtraArgs",
    "spec.onPremises.runtime.type",
    "spec.onPremises.runtime.dataDirectory",
    "spec.onPremises.runtime.logMaxSize",
    "spec.onPremises.runtime.logMaxFiles",
)
def test_debians_docker_runs_with_what_roost_writes(story: Story, tmp_path: Path) -> None:
    """Flags, keys of daemon.json, data-root on the data disk, logs; and all of it goes again."""
    machine = story.make_machines(1)[0]
    lay(machine, debian_docker(), tmp_path)
    asyncio.run(runs_and_goes(machine))


async def runs_and_goes(machine: Machine) -> None:
    before = machine.snapshot()
    spec = made.spec(
        runtime={"type": "Docker", "dataDirectory": f"{DATA}/docker-test", "logMaxSize": "7Mi", "logMaxFiles": 3},
        dockerExtraArgs={
            "bip": "172.31.0.1/24",
            "debug": "true",
            "max-concurrent-downloads": "4",
            "label": "a b=c d",
        },
    )
    ctx = replace(made.context(made.CP, spec_=spec), registry=None)
    target = Target(machine.name, machine.ipv4, private_key=Masked(machine.ssh_key_path.read_text()))
    connection = await connect(target)
    try:
        facts = (await engine.observe(connection, [], cluster_id=made.ID)).facts
        things: list[Thing] = [
            docker.residue(spec),
            *(
                thing
                for thing in docker.things(ctx, Found(node=facts), programs="")
                if thing.key != "unit:cri-docker.service"
            ),
        ]
        comparison = engine.compare(things, await engine.observe(connection, things, cluster_id=made.ID))
        assert comparison.blocked == ()
        blobs: BlobSource = NoBlobs()
        act = Act(
            cluster_id=made.ID, name="prepare", title="docker", things=things, changes=comparison.changes,
            sources=Sources(blobs), holder="test", timeout=300,
        )  # fmt: skip
        result = await engine.apply(connection, act, on_step=lambda _step: None)
        result.raise_if_failed(target)
        again = engine.compare(things, await engine.observe(connection, things, cluster_id=made.ID))
        assert again.changes == ()

        info = json.loads(machine.run("docker info --format '{{json .}}'").stdout)
        assert info["DockerRootDir"] == f"{DATA}/docker-test/docker"
        assert (info["LoggingDriver"], info["CgroupDriver"]) == ("json-file", facts.cgroup_driver)
        assert info["Labels"] == ["a b=c d"]
        assert info["Debug"] is True
        network = json.loads(machine.run("docker network inspect bridge").stdout)[0]
        assert network["IPAM"]["Config"][0]["Gateway"] == "172.31.0.1"
        machine.run(
            "mkdir -p /tmp/i && cp /bin/true /tmp/i/ && tar -C /tmp/i -c . | docker import - own:1 && rm -r /tmp/i"
        )
        made_container = machine.run("docker create --name one own:1 /true").stdout.strip()
        settings = json.loads(machine.run("docker inspect one").stdout)[0]["HostConfig"]["LogConfig"]
        assert settings == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "7m"}}
        assert machine.run(f"ls {DATA}/docker-test/docker/containers").stdout.strip() == made_container

        machine.run("docker rm one && docker rmi own:1")
        undone = await engine.undo(connection, made.ID, on_step=lambda _step: None)
        undone.raise_if_failed(target)
        left = machine.changes_since(before)
        assert left == [], "\n".join(left)
    finally:
        await connection.close()
