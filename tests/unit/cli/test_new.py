"""The file that `roost new` writes is what the other commands take."""

from __future__ import annotations

import pytest
import yaml

from roost.api.v1alpha1.cluster import Cluster
from roost.api.v1alpha1.machine import Machine
from roost.api.validation.documents import validate_documents
from roost.cli import new


def documents(**given: object) -> list[dict[str, object]]:
    text = new.cluster_file(
        **{
            "name": "demo",
            "namespace": "team",
            "version": "1.31.4",
            "control_plane": "192.0.2.11",
            "workers": ("192.0.2.12", "node-3=192.0.2.13"),
            "user": "root",
            "key": None,
            "file": "demo.yaml",
            **given,
        }  # type: ignore[arg-type]
    )
    return list(yaml.safe_load_all(text))


def test_every_document_is_valid_and_the_cluster_comes_last() -> None:
    found = documents()
    assert [d["kind"] for d in found] == ["Secret", "Machine", "Machine", "Machine", "Cluster"]
    machines = [Machine.model_validate(d) for d in found[1:4]]
    assert [m.metadata.name for m in machines] == [
        "demo-control-plane-1",
        "demo-worker-1",
        "node-3",
    ]
    assert {m.spec.cluster_name for m in machines} == {"demo"}
    cluster = Cluster.model_validate(found[-1])
    assert cluster.spec.on_premises is not None
    assert cluster.spec.on_premises.control_plane_endpoint.host == "192.0.2.11"


def test_a_key_keeps_its_lines() -> None:
    key = "first line\nsecond line\n"
    assert documents(key=key)[0]["stringData"] == {"ssh-privatekey": key}


def test_a_name_is_no_address() -> None:
    with pytest.raises(ValueError, match="node-3"):
        documents(workers=("node-3.example.org",))


def judged(found: list[dict[str, object]]) -> list[str]:
    return [str(error) for one in validate_documents(found, releases=["1.31.4"]) for error in one.verdict.errors]


def test_several_control_planes_behind_a_virtual_address() -> None:
    planes = ("192.0.2.11", "192.0.2.12", "192.0.2.13")
    found = documents(control_plane=planes, workers=(), endpoint="192.0.2.100", vip=51)
    cluster = Cluster.model_validate(found[-1])
    assert cluster.spec.on_premises is not None
    endpoint = cluster.spec.on_premises.control_plane_endpoint
    assert endpoint.host == "192.0.2.100"
    assert endpoint.self_built_vip is not None and endpoint.self_built_vip.virtual_router_id == 51
    assert judged(found) == []
    with pytest.raises(ValueError, match="--endpoint"):
        documents(control_plane=planes)


@pytest.mark.parametrize(
    ("plane", "worker", "family"),
    [
        ("fd00:10::11", "w=fd00:10::12", "IPv6"),
        ("192.0.2.11,fd00:10::11", "w=fd00:10::12,192.0.2.12", "DualStack"),
        ("192.0.2.11", "w=192.0.2.12", "IPv4"),
    ],
)
def test_the_family_follows_the_addresses(plane: str, worker: str, family: str) -> None:
    found = documents(control_plane=plane, workers=(worker,))
    cluster = Cluster.model_validate(found[-1])
    assert cluster.spec.on_premises is not None
    assert cluster.spec.on_premises.network.ip_family == family
    assert judged(found) == []


def test_machines_of_different_families_make_no_cluster() -> None:
    with pytest.raises(ValueError, match=r"IPv4 and .* is DualStack"):
        documents(workers=("192.0.2.12,fd00:10::12",))
    with pytest.raises(ValueError, match="two addresses of one family"):
        documents(control_plane="192.0.2.11,192.0.2.12")


def test_what_is_commented_out_is_right_too() -> None:
    """Whoever takes the mark away gets a file that passes."""
    text = new.cluster_file(
        name="demo",
        namespace="team",
        version="1.31.4",
        control_plane="192.0.2.11",
        workers=("192.0.2.12",),
        user="root",
        key=None,
        file="demo.yaml",
    )
    for line in ("project: shop", "allowApps: true", "roles: [infra]", "ipsPerNode: 256", "nic: eth1"):
        assert f"# {line}" in text
        text = text.replace(f"# {line}", line)
    assert judged(list(yaml.safe_load_all(text))) == []
