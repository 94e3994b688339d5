"""Server-side apply of dicts: order, paths, unknown kinds, and errors that name the object."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from roost.api.errors import PermanentFailure, RetryLater
from roost.kube.apply import apply_one, apply_status, in_order, remove, server_side_apply, without_lists
from roost.kube.client import Client, connect
from roost.kube.discovery import find
from roost.kube.errors import explain
from roost.kube.resources import ROOST, SECRET, ResourceType, typed
from tests.unit.kube.test_watch import KUBECONFIG

pytestmark = pytest.mark.anyio


class Api:
    """Records requests; answers PATCH with the body, GET of CRDs as Established, discovery from `groups`."""

    def __init__(self, **groups: list[dict[str, Any]]) -> None:
        self.groups = groups
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[Any] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append((request.method, request.url.path, dict(request.url.params)))
        if request.method == "PATCH":
            self.bodies.append(json.loads(request.content))
            return httpx2.Response(200, content=request.content)
        if "customresourcedefinitions" in request.url.path:
            return httpx2.Response(200, json={"status": {"conditions": [{"type": "Established", "status": "True"}]}})
        group = request.url.path.removeprefix("/apis/").replace("/", "_").replace(".", "_")
        if group in self.groups:
            return httpx2.Response(200, json={"resources": self.groups[group]})
        status = {"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"}
        return httpx2.Response(404, json=status)

    def client(self) -> Client:
        return connect(KUBECONFIG, transport=httpx2.MockTransport(self))


def named(kind: str, name: str = "x", api_version: str = "v1", **metadata: str) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}}


def test_order_puts_what_others_need_first() -> None:
    kinds = ["DaemonSet", "ClusterRoleBinding", "CustomResourceDefinition", "ServiceAccount", "Widget", "Namespace"]
    assert [str(o["kind"]) for o in in_order([named(k) for k in kinds])] == [
        "Namespace",
        "CustomResourceDefinition",
        "ServiceAccount",
        "ClusterRoleBinding",
        "DaemonSet",
        "Widget",
    ]


def test_lists_are_flattened() -> None:
    nested = {
        "kind": "List",
        "items": [named("Secret", "a"), {"kind": "SecretList", "items": [named("Secret", "b")]}],
    }
    assert [o["metadata"]["name"] for o in without_lists([nested])] == ["a", "b"]


async def test_unknown_kinds_are_discovered_once_and_crds_awaited() -> None:
    api = Api(example_com_v1=[{"name": "widgets", "kind": "Widget", "namespaced": True}])
    crd = named("CustomResourceDefinition", "widgets.example.com", "apiextensions.k8s.io/v1")
    widgets = [named("Widget", name, "example.com/v1") for name in ("a", "b")]
    await server_side_apply(api.client(), [*widgets, crd], field_manager="me", namespace="there")
    paths = [(method, path) for method, path, _ in api.requests]
    assert paths == [
        ("PATCH", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"),
        ("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"),
        ("GET", "/apis/example.com/v1"),
        ("PATCH", "/apis/example.com/v1/namespaces/there/widgets/a"),
        ("PATCH", "/apis/example.com/v1/namespaces/there/widgets/b"),
    ]
    assert api.requests[-1][2] == {"fieldManager": "me", "force": "true"}


async def test_a_kind_that_nobody_serves_may_come_later() -> None:
    with pytest.raises(RetryLater, match=r"does not serve Gadget of example\.com/v1"):
        await find(Api().client(), "example.com/v1", "Gadget")


async def test_apply_leaves_the_status_to_apply_status() -> None:
    api = Api()
    await apply_one(api.client(), named("Secret", "s", namespace="n") | {"status": {"a": 1}}, field_manager="me")
    await apply_status(
        api.client(), ROOST["Cluster"], name="c", namespace="n", status={"phase": "Running"}, field_manager="me"
    )
    assert "status" not in api.bodies[0]
    assert api.requests[1][1] == "/apis/cluster.alauda.io/v1alpha1/namespaces/n/clusters/c/status"
    assert api.bodies[1]["status"] == {"phase": "Running"}


async def test_errors_name_the_object_and_the_cause() -> None:
    def refuse(_request: httpx2.Request) -> httpx2.Response:
        status = {"kind": "Status", "code": 422, "reason": "Invalid", "message": "spec.replicas: must be positive"}
        return httpx2.Response(422, json=status)

    client = connect(KUBECONFIG, transport=httpx2.MockTransport(refuse))
    with pytest.raises(
        PermanentFailure, match=r"apply Secret n/s: .* 422: spec.replicas: must be positive"
    ) as caught:
        await apply_one(client, named("Secret", "s", namespace="n"), field_manager="me")
    assert caught.value.reason == "Invalid"


async def test_remove_goes_backwards_and_leaves_what_is_not_there() -> None:
    api = Api()
    await remove(api.client(), [named("Namespace", "n"), named("Secret", "s", namespace="n")])
    assert [path for _, path, _ in api.requests] == ["/api/v1/namespaces/n/secrets/s", "/api/v1/namespaces/n"]


def test_answers_become_the_error_that_decides_what_happens_next() -> None:
    request = httpx2.Request("GET", "https://a")
    permanent = httpx2.HTTPStatusError("", request=request, response=httpx2.Response(403, request=request))
    later = httpx2.HTTPStatusError("", request=request, response=httpx2.Response(503, request=request))
    assert isinstance(explain(permanent, server="https://a"), PermanentFailure)
    assert isinstance(explain(later, server="https://a"), RetryLater)
    assert isinstance(explain(httpx2.ConnectTimeout("slow"), server="https://a"), RetryLater)
    untrusted = explain(httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self signed"), server="https://a")
    assert (type(untrusted), untrusted.reason) == (PermanentFailure, "CertificateNotTrusted")


def test_paths() -> None:
    assert SECRET.path() == "/api/v1/secrets"
    assert SECRET.path(namespace="n", name="s") == "/api/v1/namespaces/n/secrets/s"
    release = ROOST["KubernetesRelease"]
    assert release.path(name="r", subresource="status").endswith("/kubernetesreleases/r/status")
    with pytest.raises(ValueError, match="needs a namespace"):
        ResourceType("", "v1", "Pod", "pods", namespaced=True).path(name="p")
    assert typed("Cluster") is typed("Cluster")
