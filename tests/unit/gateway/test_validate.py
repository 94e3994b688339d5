"""What the gateway answers for documents that are judged: each finding at its field, in both languages."""

from __future__ import annotations

from typing import Any

from roost.api.names import API_VERSION
from roost.gateway.endpoints.clusters import judged

CLUSTER: dict[str, Any] = {
    "apiVersion": API_VERSION,
    "kind": "Cluster",
    "metadata": {"name": "Web", "namespace": "default"},
    "spec": {
        "version": "1.31.4",
        "onPremises": {"controlPlaneEndpoint": {"host": "10.0.0.1"}, "network": {"plugin": "Flannle"}},
    },
}


def test_each_finding_stands_at_its_field_in_both_languages() -> None:
    answer = judged([CLUSTER], [], whole=True)
    assert answer["valid"] is False
    (document,) = answer["documents"]
    assert (document["kind"], document["name"]) == ("Cluster", "Web")
    fields = {one["field"]: one for one in document["errors"]}
    assert {"metadata.name", "spec.onPremises.network.plugin"} <= set(fields)
    for one in fields.values():
        assert one["messages"]["en"] == one["message"]
        assert one["messages"]["zh"] != one["message"] and any("一" <= char <= "鿿" for char in one["messages"]["zh"])
