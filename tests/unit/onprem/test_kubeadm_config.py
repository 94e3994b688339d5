"""kubeadm's configuration files: compared with golden files that kubeadm of that version has validated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from roost.providers.onprem.kubeadm import config
from tests.unit.onprem import made

GOLDEN = Path(__file__).parent / "golden"
SECRETS = config.JoinSecrets("abcdef.0123456789abcdef", "PEM\n")


def spec(version: str) -> Any:
    return made.spec(
        version,
        nodeName="Hostname",
        network={"ipsPerNode": 128},
        kubeletExtraArgs={"v": "3"},
        apiServerExtraArgs={"audit-log-maxage": "7"},
        publicAlternativeNames=["api.example.org"],
    )


@pytest.mark.parametrize("version", ["1.28.15", "1.31.4"])
def test_init_is_as_kubeadm_of_that_version_reads_it(version: str) -> None:
    node = config.NodeSettings("cp1", ("10.200.0.11",), "cgroupfs")
    documents = config.init_documents(spec(version), made.CP, "demo", node, patches="/run/p")
    rendered = config.render(config.with_token(documents, SECRETS.token))
    assert rendered.decode() == (GOLDEN / f"init-{version}.yaml").read_text()


@pytest.mark.parametrize("version", ["1.28.15", "1.31.4"])
def test_join_is_as_kubeadm_of_that_version_reads_it(version: str) -> None:
    node = config.NodeSettings("w1", ("10.200.0.12",), "systemd")
    rendered = config.render(
        config.join_documents(spec(version), made.W1, node, SECRETS, discovery="/run/d", patches=None)
    )
    assert rendered.decode() == (GOLDEN / f"join-{version}.yaml").read_text()


def test_what_the_person_gives_wins_over_a_default() -> None:
    wanted = made.spec(network={"ipsPerNode": 64}, kubeletExtraArgs={"max-pods": "40", "node-ip": "10.9.9.9"})
    arguments = config.kubelet_arguments(wanted, config.NodeSettings("w1", ("10.200.0.12",), "systemd"))
    assert arguments == {"max-pods": "40", "node-ip": "10.9.9.9"}


def test_max_pods_is_the_number_of_addresses_only_when_it_is_given() -> None:
    node = config.NodeSettings("w1", ("10.200.0.12",), "systemd")
    assert "max-pods" not in config.kubelet_arguments(made.spec(), node)
    assert config.kubelet_arguments(made.spec(network={"ipsPerNode": 64}), node)["max-pods"] == "64"


@pytest.mark.parametrize(("count", "mask"), [(None, "24"), (256, "24"), (16, "28"), (4096, "20")])
def test_the_node_network_fits_the_addresses_per_node(count: int | None, mask: str) -> None:
    wanted = made.spec(network={} if count is None else {"ipsPerNode": count})
    cluster = config.cluster_configuration(wanted, made.CP, "demo")
    assert cluster["controllerManager"]["extraArgs"] == [{"name": "node-cidr-mask-size", "value": mask}]


def test_only_a_node_that_differs_from_the_cluster_gets_a_patch() -> None:
    assert config.kubelet_patch(config.NodeSettings("a", ("10.0.0.1",), "systemd")) is None
    patch = config.kubelet_patch(config.NodeSettings("a", ("10.0.0.1",), "cgroupfs"))
    assert patch is not None
    assert yaml.safe_load(patch) == {"cgroupDriver": "cgroupfs"}


def test_kube_proxy_leaves_connection_tracking_alone() -> None:
    tracking = config.proxy_configuration(made.spec())["conntrack"]
    assert set(tracking.values()) == {0, "0s"}


def test_the_machines_ssh_address_is_a_name_of_the_api_server() -> None:
    head = made.machine("cp1", "10.200.0.11", "ControlPlane", ssh={"address": "203.0.113.7"})
    cluster = config.cluster_configuration(
        made.spec(controlPlaneEndpoint={"host": "api.example.org", "port": 7443}), head, "demo"
    )
    assert cluster["apiServer"]["certSANs"] == ["10.200.0.11", "203.0.113.7", "api.example.org"]
    assert cluster["controlPlaneEndpoint"] == "api.example.org:7443"


def test_a_control_plane_joins_with_its_own_address_and_keeps_kubeadms_taint() -> None:
    node = config.NodeSettings("cp2", ("10.0.0.2",), "systemd")
    plane = made.machine("cp2", "10.0.0.2", "ControlPlane")
    join = config.join_documents(made.spec(), plane, node, SECRETS, discovery="/run/d", patches=None)[0]
    assert join["controlPlane"] == {"localAPIEndpoint": {"advertiseAddress": "10.0.0.2", "bindPort": 6443}}
    assert "taints" not in join["nodeRegistration"]
    worker = config.join_documents(made.spec(), made.W1, node, SECRETS, discovery="/run/d", patches=None)[0]
    assert worker["nodeRegistration"]["taints"] == [] and "controlPlane" not in worker


def test_the_discovery_file_pins_the_ca_and_holds_no_credential() -> None:
    found = config.discovery_file(made.spec(), SECRETS)
    assert found["clusters"][0]["cluster"] == {
        "server": "https://10.200.0.11:6443",
        "certificate-authority-data": "UEVNCg==",
    }
    assert "users" not in found
    assert SECRETS.token not in str(found)


@pytest.mark.parametrize(
    ("version", "generation"),
    [("1.28.15", "v1beta3"), ("1.29.15", "v1beta3"), ("1.30.4", "v1beta3"), ("1.31.4", "v1beta4")],
)
def test_each_version_reads_its_own_generation_of_files(version: str, generation: str) -> None:
    assert config.api_version(version) == f"kubeadm.k8s.io/{generation}"
