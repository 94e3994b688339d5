"""Docker as the runtime: which settings stand where, and what a machine gets for it."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from roost.api.masked import Masked
from roost.bundle.model import Member, Program
from roost.node.thing import Thing
from roost.node.things.archive import Archive
from roost.node.things.file import File
from roost.node.things.unit import Unit
from roost.providers.onprem import steps
from roost.providers.onprem.context import Context, RegistrySource
from roost.providers.onprem.phases import docker
from roost.providers.onprem.preflight import runtimes
from roost.providers.onprem.preflight.machine import Subject
from tests.unit.onprem import made

SOURCE = RegistrySource("10.200.0.1:7501", "PEM\n", "puller", Masked("a-pull-password"))


def spec(**choices: Any) -> Any:
    runtime = {"type": "Docker", **choices.pop("runtime", {})}
    return made.spec(runtime=runtime, **choices)


def context(*, given: bool = True, registry: RegistrySource | None = SOURCE, **choices: Any) -> Context:
    wanted = spec(**choices)
    bundle = made.bundle(wanted.version)
    if given:
        member = (Member("dockerd", made.digest("d")[7:], 0o755, 1),)
        own = [Program(name, "given", "amd64", made.digest(name), 1, "tar.gz", 1, member) for name in docker.PROGRAMS]
        bundle = replace(bundle, programs=(*bundle.programs, *own))
    return replace(made.context(made.CP, made.W1, spec_=wanted, bundle=bundle), registry=registry)


def things(ctx: Context, **found: Any) -> dict[str, Thing]:
    every = steps.things(ctx, made.W1, made.found("w1", "10.200.0.12", **found))
    return {thing.key: thing for thing in every}


def text(ctx: Context, path: str) -> str:
    file = things(ctx)[f"file:{path}"]
    assert isinstance(file, File)
    return file.data.decode()


@pytest.mark.parameter("spec.onPremises.runtime.type")
def test_a_machine_gets_docker_in_place_of_containerd() -> None:
    found = things(context())
    assert isinstance(found["archive:docker"], Archive)
    assert {"archive:cri-dockerd", "unit:docker.service", "unit:cri-docker.service"} <= set(found)
    assert not {"archive:containerd", "program:/usr/local/sbin/runc", "unit:containerd.service"} & set(found)
    assert not [key for key in found if "/etc/containerd" in key]
    assert "unix:///run/cri-dockerd.sock" in text(context(), "/etc/crictl.yaml")
    shim = found["unit:cri-docker.service"]
    assert isinstance(shim, Unit)
    assert "--cni-conf-dir=/etc/cni/net.d --cni-bin-dir=/opt/cni/bin" in (shim.content or "")
    assert "--pod-infra-container-image=registry.k8s.io/pause:3.10" in (shim.content or "")


@pytest.mark.parameter("spec.onPremises.runtime.logMaxSize", "spec.onPremises.runtime.logMaxFiles")
def test_logs_and_control_groups_are_settings_of_the_daemon() -> None:
    config = json.loads(text(context(), docker.DAEMON))
    assert config == {
        "data-root": "/var/lib/docker",
        "exec-opts": ["native.cgroupdriver=systemd"],
        "iptables": False,
        "log-driver": "json-file",
        "log-opts": {"max-file": "5", "max-size": "100m"},
    }
    other = docker.daemon(spec(runtime={"logMaxSize": "2Gi", "logMaxFiles": 9}), cgroup_driver="cgroupfs")
    assert other["log-opts"] == {"max-size": "2g", "max-file": "9"}
    assert other["exec-opts"] == ["native.cgroupdriver=cgroupfs"]


@pytest.mark.parameter("spec.onPremises.runtime.dataDirectory")
def test_dockers_data_root_moves_to_the_data_disk() -> None:
    ctx = context(runtime={"dataDirectory": "/data"})
    assert json.loads(text(ctx, docker.DAEMON))["data-root"] == "/data/docker"
    assert "/data/docker" in things(ctx)["residue:runtime"].directories  # type: ignore[attr-defined]
    assert "symlink:/var/log/pods" not in things(ctx), "the logs lie in data-root"


@pytest.mark.parameter("spec.onPremises.dockerExtraArgs")
def test_flags_go_to_sysconfig_and_keys_to_the_file_and_none_to_both() -> None:
    given = {
        "bip": "172.30.0.1/16",
        "debug": "true",
        "label": "a b",
        "log-opts": '{"max-size": "7m"}',
        "insecure-registries": '["r.example:5000"]',
        "log-driver": "journald",
    }
    ctx = context(dockerExtraArgs=given)
    line = text(ctx, docker.FLAGS).splitlines()[1]
    options = shlex.split(line.removeprefix("OPTIONS="))[0]
    assert shlex.split(options) == ["--bip=172.30.0.1/16", "--debug=true", "--label=a b", "--log-driver=journald"]
    config = json.loads(text(ctx, docker.DAEMON))
    assert config["log-opts"] == {"max-size": "7m"}, "what somebody gives takes the place of roost's"
    assert config["insecure-registries"] == ["r.example:5000"]
    assert "log-driver" not in config, "dockerd does not start when a setting stands in both"


def test_images_come_by_the_name_that_the_registry_has_for_them() -> None:
    image = things(context())["image:registry.k8s.io/kube-proxy:v1.31.4"]
    assert isinstance(image, docker.DockerImage)
    assert image.source == "10.200.0.1:7501/registry.k8s.io/kube-proxy:v1.31.4"
    change = image.diff({"digest": ""})
    assert change is not None
    assert "docker tag" in image.apply(change)  # type: ignore[arg-type]
    assert image.diff({"digest": image.identity}) is None


def test_the_password_of_the_registry_stands_in_one_secret_file() -> None:
    found = things(context())
    secret = found["file:/etc/docker/roost/config.json"]
    assert isinstance(secret, File)
    assert (secret.secret, secret.mode) == (True, 0o600)
    assert "a-pull-password" not in repr(found)
    assert "file:/etc/docker/certs.d/10.200.0.1:7501/ca.crt" in found


def findings(ctx: Context) -> list[str]:
    subject = Subject(ctx.spec, made.W1, made.found("w1", "10.200.0.12"), made.ID, ("amd64",))
    return [finding.check for finding in runtimes.check(ctx, subject)]


def test_what_lacks_is_said_before_a_machine_is_touched() -> None:
    assert findings(context()) == []
    assert findings(context(given=False)) == ["RuntimeNotInBundle"]
    assert findings(context(registry=None)) == ["RuntimeNeedsRegistry"]
    assert findings(made.context(registry=False)) == []
    assert things(context(given=False)), "a plan can still be made"
