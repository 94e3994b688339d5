"""What the playbook of the benchmark brings to machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml

from bench import playbook
from roost.bundle.model import Bundle
from tests.unit.onprem import made

REGISTRY = playbook.Registry("10.200.0.1:7501", Path("/serving-ca.crt"))


def bundle() -> Bundle:
    whole = made.bundle()
    pause = made.image("registry.k8s.io/pause:3.10", "amd64", "node")
    virtual = made.image(f"{playbook.vipimage.REPOSITORY}:1", "amd64", "node")
    return Bundle(**{**vars(whole), "images": (*whole.images, pause, virtual)})


def known() -> dict[str, Any]:
    return cast("dict[str, Any]", playbook.variables(bundle(), REGISTRY))


def test_each_role_gets_its_programs_with_their_sums() -> None:
    programs = known()["programs"]
    assert [each["name"] for each in programs["worker"]] == ["kubeadm", "kubelet", "runc"]
    assert [each["name"] for each in programs["control-plane"]] == ["kubeadm", "kubelet", "kubectl", "runc"]
    for each in programs["control-plane"]:
        assert f"sha256:{each['sum']}" == bundle().program(each["name"], "amd64").digest
        assert each["destination"] == f"/usr/local/bin/{each['name']}"


def test_images_are_those_that_roost_pulls_there() -> None:
    images = known()["images"]
    assert images["worker"] == [
        "registry.k8s.io/kube-proxy:v1.31.4",
        "docker.io/flannel/flannel:v0.25.7",
        "registry.k8s.io/pause:3.10",
    ]
    assert set(images["control-plane"]) - set(images["worker"]) == {
        "registry.k8s.io/kube-apiserver:v1.31.4",
        "registry.k8s.io/coredns/coredns:v1.11.3",
    }
    assert known()["upstreams"] == ["docker.io", "registry.k8s.io"]
    assert 'sandbox = "registry.k8s.io/pause:3.10"' in known()["containerd"]


def test_nothing_is_given_that_the_playbook_does_not_use() -> None:
    text = (playbook.HERE / "playbook.yml").read_text() + "".join(
        path.read_text() for path in sorted((playbook.HERE / "templates").iterdir())
    )
    assert yaml.safe_load((playbook.HERE / "playbook.yml").read_text())
    for name in known():
        assert name in text, f"{name} is given and not used"
