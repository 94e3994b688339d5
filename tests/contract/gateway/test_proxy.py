"""Requests through the gateway to a platform and a managed cluster, each a real API server."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.contract.gateway.conftest import attach, cluster
from tests.contract.gateway.running import Running
from tests.fixtures.apiserver import ApiServer, make_leaf

pytestmark = pytest.mark.programs
DEMO = "/clusters/default/demo"


def test_the_platforms_api_answers_with_the_callers_identity(gateway: Running, admin: str) -> None:
    reply = gateway.call(
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
        token=admin,
    )
    assert reply.status == 201
    user = reply.body["status"]["userInfo"]
    assert user["username"] == "roost:user:admin"
    assert set(user["groups"]) == {"roost:group:administrators", "system:authenticated"}


def test_a_cluster_sees_the_caller_in_the_group_of_the_role(gateway: Running, admin: str) -> None:
    reply = gateway.call(
        "POST",
        f"{DEMO}/apis/authentication.k8s.io/v1/selfsubjectreviews",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
        token=admin,
    )
    assert reply.status == 201, reply
    user = reply.body["status"]["userInfo"]
    assert user["username"] == "roost:user:admin"
    assert "roost:role:administrator" in user["groups"]


def test_objects_are_created_read_and_deleted(gateway: Running, admin: str, target: ApiServer) -> None:
    path = f"{DEMO}/api/v1/namespaces/default/configmaps"
    made = gateway.call("POST", path, {"metadata": {"name": "through"}, "data": {"a": "b"}}, token=admin)
    assert made.status == 201, made
    assert target.call("GET", "/api/v1/namespaces/default/configmaps/through").body["data"] == {"a": "b"}
    assert gateway.call("GET", f"{path}/through", token=admin).body["data"] == {"a": "b"}
    assert gateway.call("DELETE", f"{path}/through", token=admin).status == 200
    assert gateway.call("GET", f"{path}/through", token=admin).status == 404


def test_a_refusal_of_the_cluster_passes_unchanged(gateway: Running, admin: str, target: ApiServer) -> None:
    path = "/api/v1/namespaces/default/pods/absent"
    through, direct = gateway.call("GET", DEMO + path, token=admin), target.call("GET", path)
    assert (through.status, through.body) == (direct.status, direct.body)


def test_a_watch_gives_each_event_at_once(gateway: Running, admin: str, target: ApiServer) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", gateway.gateway.port, context=gateway.tls(), timeout=30)
    path = f"{DEMO}/api/v1/namespaces/default/configmaps?watch=1&fieldSelector=metadata.name%3Dwatched"
    connection.request("GET", path, headers={"Authorization": f"Bearer {admin}"})
    response = connection.getresponse()
    assert response.status == 200
    for value in ("1", "2"):
        document = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "watched"},
            "data": {"value": value},
        }
        target.apply(document, "/api/v1/namespaces/default/configmaps/watched")
        assert json.loads(response.readline())["object"]["data"] == {"value": value}
    connection.close()


def test_a_large_body_goes_both_ways(gateway: Running, admin: str) -> None:
    path = f"{DEMO}/api/v1/namespaces/default/configmaps"
    value = "x" * 900_000
    made = gateway.call("POST", path, {"metadata": {"name": "large"}, "data": {"a": value}}, token=admin)
    assert made.status == 201
    assert gateway.call("GET", f"{path}/large", token=admin).body["data"]["a"] == value
    gateway.call("DELETE", f"{path}/large", token=admin)


def test_a_chunked_body_is_carried(gateway: Running, admin: str) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", gateway.gateway.port, context=gateway.tls(), timeout=30)
    pieces = [b'{"metadata":{"name":"chunked"},', b'"data":{"a":"b"}}']
    headers = {"Authorization": f"Bearer {admin}", "Content-Type": "application/json"}
    connection.request(
        "POST", f"{DEMO}/api/v1/namespaces/default/configmaps", iter(pieces), headers, encode_chunked=True
    )
    assert connection.getresponse().status == 201
    connection.close()
    gateway.call("DELETE", f"{DEMO}/api/v1/namespaces/default/configmaps/chunked", token=admin)


def test_a_connection_serves_many_requests(gateway: Running, admin: str) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", gateway.gateway.port, context=gateway.tls(), timeout=30)
    for _ in range(20):
        connection.request("GET", f"{DEMO}/version", headers={"Authorization": f"Bearer {admin}"})
        response = connection.getresponse()
        assert response.status == 200
        assert json.loads(response.read())["minor"] == "28"
    connection.close()


def test_a_watch_over_a_websocket_is_carried(gateway: Running, admin: str) -> None:
    head = (
        f"GET {DEMO}/api/v1/namespaces?watch=1&timeoutSeconds=1 HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{gateway.gateway.port}\r\n"
        f"Authorization: Bearer {admin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: {gateway.url}\r\n\r\n"
    )
    answer = gateway.raw(head.encode(), seconds=5)
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b'"kind":"Namespace"' in answer


def test_a_cluster_that_is_not_there(gateway: Running, admin: str) -> None:
    reply = gateway.call("GET", "/clusters/default/absent/version", token=admin)
    assert reply.status == 404
    assert reply.body["kind"] == "Status"


def test_a_cluster_without_a_kubeconfig_says_what_it_waits_for(
    gateway: Running, admin: str, platform: ApiServer
) -> None:
    from tests.contract.gateway.conftest import cluster

    platform.apply(cluster("young"), "/apis/cluster.alauda.io/v1alpha1/namespaces/default/clusters/young")
    deadline = time.monotonic() + 10
    while (reply := gateway.call("GET", "/clusters/default/young/version", token=admin)).status == 404:
        assert time.monotonic() < deadline
    assert reply.status == 503
    assert reply.cause == "KubeconfigMissing"
    assert "roost progress young" in reply.body["message"]
    assert "retry-after" not in reply.headers, "kubectl would wait ten times over before it tells anybody"


def test_a_client_that_leaves_ends_its_watch(gateway: Running, admin: str) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", gateway.gateway.port, context=gateway.tls(), timeout=30)
    connection.request("GET", f"{DEMO}/api/v1/pods?watch=1&left=1", headers={"Authorization": f"Bearer {admin}"})
    connection.getresponse()
    assert len(gateway.gateway.dispatch.active) >= 1
    before = len(gateway.gateway.dispatch.active)
    connection.sock.close()
    connection.close()
    deadline = time.monotonic() + 2
    while len(gateway.gateway.dispatch.active) >= before:
        assert time.monotonic() < deadline, "the watch goes on without its client"
        time.sleep(0.02)


def test_a_cluster_that_is_let_go_is_entered_no_more_and_what_runs_ends(
    gateway: Running, admin: str, platform: ApiServer, target: ApiServer
) -> None:
    """An imported cluster runs on, and would still answer; the platform's way in ends with the Cluster."""
    attach(platform, "leaving", target)
    base = "/apis/cluster.alauda.io/v1alpha1/namespaces/default/clusters/leaving"
    wish = {"credential": {"name": "x"}, "server": "https://192.0.2.1:6443"}
    assert platform.call("DELETE", base).status == 200
    document = cluster("leaving") | {"spec": {"imported": wish}}
    document["metadata"] = {"name": "leaving", "namespace": "default", "finalizers": ["example.com/held"]}
    answer = platform.apply(document, base)
    assert answer.status in {200, 201}, answer
    where = "/clusters/default/leaving/api/v1/namespaces/default/configmaps"
    deadline = time.monotonic() + 10
    while gateway.call("GET", where, token=admin).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    watch = http.client.HTTPSConnection("127.0.0.1", gateway.gateway.port, context=gateway.tls(), timeout=30)
    watch.request("GET", f"{where}?watch=1", headers={"Authorization": f"Bearer {admin}"})
    running = watch.getresponse()
    assert running.status == 200
    assert platform.call("DELETE", base).status == 200
    deadline = time.monotonic() + 5
    while (refused := gateway.call("GET", where, token=admin)).status != 410:
        assert time.monotonic() < deadline, refused
        time.sleep(0.05)
    assert refused.cause == "Detaching"
    assert any(active.cluster and active.cluster.name == "leaving" for active in gateway.gateway.dispatch.active)
    patch = {"metadata": {"finalizers": None}}
    platform.call("PATCH", base, patch, content_type="application/merge-patch+json")
    watch.sock.settimeout(5)
    with contextlib.suppress(http.client.IncompleteRead, ssl.SSLError, ConnectionError):
        while running.read1():
            pass


def test_many_at_once(gateway: Running, admin: str) -> None:
    found: list[int] = []

    def ask() -> None:
        for _ in range(10):
            found.append(gateway.call("GET", f"{DEMO}/api/v1/namespaces", token=admin).status)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 100


def test_members_of_a_project_get_its_role_in_its_clusters_and_lose_it(
    gateway: Running, admin: str, platform: ApiServer
) -> None:
    gateway.call("POST", "/roost/v1/users", {"name": "member", "password": "a long password"}, token=admin)
    token = gateway.sign_in("member", "a long password")["accessToken"]
    path = "/apis/cluster.alauda.io/v1alpha1/projects/shop"
    project = {
        "apiVersion": "cluster.alauda.io/v1alpha1",
        "kind": "Project",
        "metadata": {"name": "shop"},
        "spec": {
            "members": [{"user": "member", "role": "Editor"}],
            "clusters": [{"namespace": "default", "name": "demo"}],
        },
    }
    assert platform.apply(project, path).status == 201

    def groups() -> list[str]:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        reply = gateway.call("POST", f"{DEMO}/apis/authentication.k8s.io/v1/selfsubjectreviews", review, token=token)
        return reply.body["status"]["userInfo"]["groups"] if reply.status == 201 else []

    deadline = time.monotonic() + 30
    while not groups():
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert "roost:role:project-editor" in groups()
    assert gateway.call("GET", path, token=token).status == 200
    # What the console shows them: their own projects, and of the clusters those of the project, listed by name.
    mine = gateway.call("GET", "/roost/v1/projects", token=token).body["items"]
    assert [one["metadata"]["name"] for one in mine] == ["shop"]
    assert gateway.call("GET", "/roost/v1/projects", token=admin).body["items"] == []
    clusters = "/apis/cluster.alauda.io/v1alpha1/namespaces/default/clusters"
    listed = gateway.call("GET", f"{clusters}?fieldSelector=metadata.name%3Ddemo", token=token)
    assert [one["metadata"]["name"] for one in listed.body["items"]] == ["demo"]
    assert gateway.call("GET", f"{clusters}?fieldSelector=metadata.name%3Dother", token=token).status == 403
    assert gateway.call("GET", clusters, token=token).status == 403
    assert platform.call("DELETE", path).status == 200
    while groups():
        assert time.monotonic() < deadline
        time.sleep(0.5)
    left = platform.call(
        "GET", "/apis/rbac.authorization.k8s.io/v1/rolebindings?labelSelector=cluster.alauda.io/project"
    )
    assert left.body["items"] == []


def test_addresses_are_added_while_it_runs(gateway: Running, admin: str) -> None:
    try:
        reply = gateway.call(
            "PUT", "/roost/v1/addresses", {"added": ["roost.example:8443", "192.0.2.9"]}, token=admin
        )
        assert reply.status == 200, reply
        port = gateway.gateway.port
        assert reply.body["addresses"] == ["roost.example:8443", f"192.0.2.9:{port}", f"127.0.0.1:{port}"]
        assert gateway.call("GET", "/roost/v1/info").body["addresses"][0] == "https://roost.example:8443"
        for wrong in ("a b", "..", "x:99999999", "https://x", "[::1", "0.0.0.0"):
            refused = gateway.call("PUT", "/roost/v1/addresses", {"added": [wrong]}, token=admin)
            assert refused.status == 422, wrong
    finally:
        gateway.call("PUT", "/roost/v1/addresses", {"added": []}, token=admin)


def test_the_cluster_global_tells_where_others_reach_it(gateway: Running, admin: str, platform: ApiServer) -> None:
    """Rules compare a Cluster's cpaas.io/platform-url with it; loopback is no address for others."""
    clusters = "/apis/cluster.alauda.io/v1alpha1/namespaces/roost-system/clusters"
    body: dict[str, Any] = {
        "apiVersion": "cluster.alauda.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": "global"},
        "spec": {"global": {}},
    }
    assert platform.call("POST", clusters, body).status in {201, 409}
    try:
        gateway.call("PUT", "/roost/v1/addresses", {"added": ["roost.example:8443", "192.0.2.9"]}, token=admin)
        expected = ["roost.example:8443", f"192.0.2.9:{gateway.gateway.port}"]

        def told() -> object:
            return (platform.call("GET", f"{clusters}/global").body.get("status") or {}).get("addresses")

        deadline = time.monotonic() + 20
        while told() != expected:
            assert time.monotonic() < deadline, told()
            time.sleep(0.2)
    finally:
        gateway.call("PUT", "/roost/v1/addresses", {"added": []}, token=admin)


def test_the_certificate_can_be_replaced_for_names(
    gateway: Running, admin: str, platform: ApiServer, tmp_path: Path
) -> None:
    other = make_leaf(tmp_path)
    data = {
        key: base64.b64encode(file.read_bytes()).decode()
        for key, file in {"tls.crt": other.certificate, "tls.key": other.key, "ca.crt": other.ca}.items()
    }
    path = "/api/v1/namespaces/roost-system/secrets/gateway-certificate"
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {}, "data": data}
    secret["metadata"] = {"name": "gateway-certificate"}
    assert platform.apply(secret, path).status == 201

    def served(name: str | None) -> bytes | None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", gateway.gateway.port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname=name) as connection:
                return connection.getpeercert(binary_form=True)

    own = served(None)
    gateway.do(gateway.gateway.serving.look())
    assert served(None) == own
    assert served("roost.example") == ssl.PEM_cert_to_DER_cert(other.certificate.read_text())
    assert gateway.gateway.serving.ca() == other.ca.read_text()
    assert platform.call("DELETE", path).status == 200
    gateway.do(gateway.gateway.serving.look())
    assert served("roost.example") == own
