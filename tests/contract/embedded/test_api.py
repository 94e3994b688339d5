"""What a person and a program get from the embedded API: kubectl, kinds, encryption, policies, watches."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import stat
import urllib.request
from pathlib import Path

import pytest

from roost.api.names import ADMISSION_USER, CONTROLLERS_USER, GLOBAL_CLUSTER, SYSTEM_NAMESPACE
from roost.kube.apply import apply_one, get, remove
from roost.kube.client import connect
from roost.kube.resources import CONFIG_MAP, SECRET
from roost.kube.watch import EventType, list_and_watch
from tests.contract.embedded.platform_under_test import KUBERNETES, Platform

pytestmark = pytest.mark.programs

CLUSTER = """
apiVersion: cluster.alauda.io/v1alpha1
kind: Cluster
metadata: {name: demo, namespace: default}
spec:
  version: 1.31.4
  onPremises:
    controlPlaneEndpoint: {host: 10.0.0.10}
"""


def etcd_value(platform: Platform, key: str) -> bytes:
    """The bytes that etcd holds, asked of etcd itself as the API server would."""
    layout = platform.layout
    context = ssl.create_default_context(cafile=str(layout.certificate("etcd-ca")))
    context.load_cert_chain(layout.certificate("etcd-client"), layout.key("etcd-client"))
    request = urllib.request.Request(
        f"https://127.0.0.1:{platform.base + 379}/v3/kv/range",
        data=json.dumps({"key": base64.b64encode(key.encode()).decode()}).encode(),
    )
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    with opener.open(request, timeout=10) as response:
        found = json.load(response).get("kvs", [])
    assert len(found) == 1, f"{key}: {found}"
    return base64.b64decode(found[0]["value"])


def test_kubectl_knows_the_kinds(platform: Platform) -> None:
    assert "controlPlaneEndpoint" in platform.kubectl("explain", "cluster.spec.onPremises")
    assert "machines" in platform.kubectl("api-resources", "--api-group=cluster.alauda.io")
    assert f"Server Version: v{KUBERNETES}" in platform.kubectl("version")


def test_the_platform_itself_is_a_cluster(platform: Platform) -> None:
    where = ("-n", SYSTEM_NAMESPACE, f"cluster/{GLOBAL_CLUSTER}")
    platform.kubectl("wait", "--for=condition=Available", "--timeout=10s", *where)
    found = json.loads(platform.kubectl("get", "-o", "json", *where))
    assert found["status"]["version"] == KUBERNETES
    assert found["status"]["endpoint"] == f"https://127.0.0.1:{platform.base + 443}"
    refused = platform.roost("kubectl", "delete", *where)
    assert refused.returncode != 0
    assert "roost down" in refused.stderr


def test_apply_of_both_kinds_diff_and_delete(platform: Platform) -> None:
    platform.kubectl("apply", "-f", "-", text=CLUSTER)
    platform.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=CLUSTER)
    assert platform.roost("kubectl", "diff", "-f", "-", text=CLUSTER).returncode == 0
    changed = CLUSTER.replace("version:", "displayName: Shown\n  version:")
    differing = platform.roost("kubectl", "diff", "-f", "-", text=changed)
    assert (differing.returncode, "+  displayName: Shown" in differing.stdout) == (1, True)
    platform.kubectl("delete", "-f", "-", text=CLUSTER)


def test_nothing_can_run_here(platform: Platform) -> None:
    refused = platform.roost("kubectl", "create", "deployment", "x", "--image=x")
    assert refused.returncode != 0
    assert "no nodes" in refused.stderr


def test_the_webhook_names_the_field(platform: Platform) -> None:
    wrong = CLUSTER.replace("{host: 10.0.0.10}", "{host: 10.0.0.10}\n    network: {podCIDR: 10.0.0.0/33}")
    refused = platform.roost("kubectl", "apply", "-f", "-", text=wrong)
    assert refused.returncode != 0
    assert "spec.onPremises.network.podCIDR" in refused.stderr


def test_secrets_and_kinds_are_encrypted_in_etcd(platform: Platform) -> None:
    platform.kubectl("create", "secret", "generic", "s", "--from-literal=word=plain-text-marker")
    platform.kubectl("apply", "-f", "-", text=CLUSTER)
    for key in ("/registry/secrets/default/s", "/registry/cluster.alauda.io/clusters/default/demo"):
        value = etcd_value(platform, key)
        assert value.startswith(b"k8s:enc:secretbox:v1:key1:")
        assert b"plain-text-marker" not in value
        assert b"10.0.0.10" not in value
    assert (
        base64.b64decode(platform.kubectl("get", "secret", "s", "-o", "jsonpath={.data.word}"))
        == b"plain-text-marker"
    )
    platform.kubectl("delete", "secret", "s")
    platform.kubectl("delete", "-f", "-", text=CLUSTER)


def test_no_secret_is_in_a_log_or_an_argument(platform: Platform) -> None:
    platform.kubectl("create", "secret", "generic", "t", "--from-literal=word=audit-marker")
    platform.kubectl("delete", "secret", "t")
    layout = platform.layout
    key = json.loads(layout.encryption.read_text())["resources"][0]["providers"][0]["secretbox"]["keys"][0]["secret"]
    encoded = base64.b64encode(b"audit-marker").decode()
    texts = [log.read_text(errors="replace") for log in layout.logs.iterdir()]
    texts += [Path(f"/proc/{pid}/cmdline").read_text() for pid in platform.pids().values()]
    assert len(texts) > 8
    for text in texts:
        assert not any(secret in text for secret in ("audit-marker", encoded, key, "PRIVATE KEY"))
    audit = layout.log("audit").read_text()
    assert '"resource":"secrets","namespace":"default","name":"t"' in audit


def test_everything_is_for_its_owner_alone(platform: Platform) -> None:
    layout = platform.layout
    # Programs are no secret, and the registry and etcd keep their own below a directory that is closed.
    own = [
        p
        for p in layout.root.rglob("*")
        if not {"programs", "etcd", "registry"} & set(p.relative_to(layout.root).parts)
    ]
    assert len(own) > 40
    assert [p for p in own if stat.S_IMODE(p.stat().st_mode) & 0o077] == []
    assert all(stat.S_IMODE(d.stat().st_mode) == 0o700 for d in layout.directories)


@pytest.mark.parametrize(
    ("user", "verb", "what", "allowed"),
    [
        (CONTROLLERS_USER, "update", "clusters.cluster.alauda.io/status", "yes"),
        (CONTROLLERS_USER, "patch", "secrets", "yes"),
        (CONTROLLERS_USER, "create", "leases.coordination.k8s.io", "yes"),
        (CONTROLLERS_USER, "create", "clusterrolebindings.rbac.authorization.k8s.io", "no"),
        (CONTROLLERS_USER, "update", "customresourcedefinitions.apiextensions.k8s.io", "no"),
        (ADMISSION_USER, "list", "machines.cluster.alauda.io", "yes"),
        (ADMISSION_USER, "create", "subjectaccessreviews.authorization.k8s.io", "yes"),
        (ADMISSION_USER, "update", "clusters.cluster.alauda.io", "no"),
        (ADMISSION_USER, "patch", "secrets", "no"),
    ],
)
def test_roosts_processes_may_do_what_they_need(
    platform: Platform, user: str, verb: str, what: str, allowed: str
) -> None:
    resource, _, subresource = what.partition("/")
    extra = ("--subresource", subresource) if subresource else ()
    done = platform.roost("kubectl", "auth", "can-i", verb, resource, *extra, "--as", user, "-A")
    assert done.stdout.strip() == allowed, done.stderr


@pytest.mark.anyio
async def test_a_watch_outlives_the_api_server(platform: Platform) -> None:
    """The reader sees what was added and what was removed while the API server was away."""
    client = connect(platform.layout.admin_kubeconfig)
    namespace = "default"

    def labelled(name: str) -> dict[str, object]:
        metadata = {"name": name, "namespace": namespace, "labels": {"watched": "yes"}}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    await apply_one(client, labelled("stays"), field_manager="test")
    await apply_one(client, labelled("goes"), field_manager="test")
    seen: list[str] = []
    synced = asyncio.Event()
    complete = asyncio.Event()

    async def read() -> None:
        stream = list_and_watch(client, CONFIG_MAP, namespace=namespace, label_selector="watched=yes")
        async for kind, item in stream:
            if kind is EventType.SYNCED:
                synced.set()
                continue
            seen.append(f"{kind} {item['metadata']['name']}")
            if {"DELETED goes", "ADDED comes"} <= set(seen):
                complete.set()

    reader = asyncio.create_task(read())
    await asyncio.wait_for(synced.wait(), 10)
    assert sorted(seen) == ["ADDED goes", "ADDED stays"]
    import os
    import signal

    pid = platform.pids()["kube-apiserver"]
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(90):
        while platform.pids().get("kube-apiserver") in (None, pid) or platform.status()["state"] != "ready":
            await asyncio.sleep(0.2)
    await remove(client, [labelled("goes")])
    await apply_one(client, labelled("comes"), field_manager="test")
    await asyncio.wait_for(complete.wait(), 60)
    assert seen.count("ADDED stays") == 1
    reader.cancel()
    await remove(client, [labelled("stays"), labelled("comes")])
    assert await get(client, SECRET, name="nowhere", namespace=namespace) is None
    await client.close()
