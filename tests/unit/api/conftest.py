"""Objects that are right as they are; tests change one field of a copy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

Json = dict[str, Any]
API = "cluster.alauda.io/v1alpha1"


def edited(document: Json, **changes: object) -> Json:
    """A copy with fields set; `spec__onPremises__network` is a path, None drops the field."""
    copied = copy.deepcopy(document)
    for path, value in changes.items():
        *steps, last = path.split("__")
        at = copied
        for step in steps:
            at = at.setdefault(step, {})
        if value is None:
            at.pop(last, None)
        else:
            at[last] = value
    return copied


@pytest.fixture
def cluster() -> Json:
    return {
        "apiVersion": API,
        "kind": "Cluster",
        "metadata": {"name": "demo", "namespace": "default"},
        "spec": {"version": "1.31.4", "onPremises": {"controlPlaneEndpoint": {"host": "192.168.10.11"}}},
    }


@pytest.fixture
def machine() -> Callable[..., Json]:
    def make(name: str, address: str, role: str = "Worker", **changes: object) -> Json:
        body = {
            "apiVersion": API,
            "kind": "Machine",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "clusterName": "demo",
                "role": role,
                "addresses": {"ipv4": address},
                "ssh": {"credential": {"name": "ssh"}},
            },
        }
        return edited(body, **changes)

    return make


@pytest.fixture
def secret() -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "ssh", "namespace": "default"},
        "type": "kubernetes.io/ssh-auth",
        "data": {"ssh-privatekey": "eA=="},
    }
