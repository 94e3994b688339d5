"""The file that `roost new` writes is what the other commands take."""

from __future__ import annotations

import pytest
import yaml

from roost.api.v1alpha1.cluster import Cluster
from roost.api.v1alpha1.machine import Machine
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
