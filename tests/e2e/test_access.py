"""How roost and people reach a cluster that was made: its endpoint is a name, roost's certificate ends soon."""

from __future__ import annotations

import base64
import datetime
import json
import subprocess

import checks
import pytest
from harness import (
    BRIDGE_ADDRESS,
    PORT_BASE,
    ROOST,
    Managed,
    Story,
    as_file,
    cluster_file,
    cluster_object,
    eventually,
    machine_object,
    run,
    ssh_secret,
)

from roost.kube import kubeconfig, pki

pytestmark = [pytest.mark.lab, pytest.mark.story(4), pytest.mark.verify]

NAME = "api.clusters.example"


def ends(cluster: Managed) -> datetime.datetime:
    """When the client certificate of the stored kubeconfig ends."""
    secret = cluster.platform.get("secret", f"{cluster.name}-kubeconfig", "-n", cluster.namespace)
    found = kubeconfig.parse(base64.b64decode(secret["data"]["value"]).decode())
    assert found.certificate_pem is not None
    return pki.expiry(found.certificate_pem)


def test_a_client_certificate_that_ends_soon_is_renewed(story: Story) -> None:
    """One of nine days is put in place of roost's own; a new one of thirty comes from the control plane by itself."""
    machines = story.make_machines(1)
    story.platform.start("1.31.4")
    story.platform.kubectl("apply", "-f", "-", stdin=cluster_file(machines))
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    now = datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(days=29) < ends(cluster) - now < datetime.timedelta(days=31)
    acts = checks.acts(cluster)
    short = (
        machines[0]
        .run(
            "PATH=/usr/local/bin:$PATH; kubectl --kubeconfig /etc/kubernetes/admin.conf -n kube-system get configmap "
            "kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}' >/run/kubeadm.yaml && kubeadm kubeconfig user "
            "--config /run/kubeadm.yaml --client-name roost --org kubeadm:cluster-admins --validity-period 216h"
        )
        .stdout
    )
    value = base64.b64encode(short.encode()).decode()
    patch = json.dumps({"data": {"value": value}})
    story.platform.kubectl("patch", "secret", "demo-kubeconfig", "--type=merge", "-p", patch)
    assert ends(cluster) - now < datetime.timedelta(days=10)
    eventually(lambda: ends(cluster) - now > datetime.timedelta(days=29), timeout=90, every=2)
    events = story.platform.get("events")["items"]
    assert any(event["reason"] == "KubeconfigRenewed" and "ends soon" in event["message"] for event in events)
    assert checks.acts(cluster) == acts, "a certificate is renewed without a changing act"
    cluster.kubeconfig.unlink(missing_ok=True)
    checks.nodes_ready(cluster, count=1, version="1.31.4")


@pytest.mark.parameter("spec.onPremises.controlPlaneEndpoint.host", "spec.onPremises.controlPlaneEndpoint.port")
def test_an_endpoint_that_is_a_name(story: Story) -> None:
    """Machines resolve it by DNS; so does roost, which gets it by a file of hosts of its own here."""
    machines = story.make_machines(2)
    story.lab.give_name(NAME, [machines[0].ipv4])
    hosts = story.platform.data_dir.parent / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{machines[0].ipv4} {NAME}\n")
    story.platform.start("1.31.4")
    story.platform.stop()
    # The lab's names are unknown to this computer: the platform starts where /etc/hosts is another file.
    up = f"mount --bind {hosts} /etc/hosts && exec {ROOST} up --detach --address {BRIDGE_ADDRESS}"
    where = f"--data-dir {story.platform.data_dir} --port-base {PORT_BASE}"
    run("unshare", "--mount", "--propagation", "private", "sh", "-c", f"{up} {where}", timeout=180)
    documents = [ssh_secret("demo-ssh", machines[0])]
    documents += [
        machine_object(machine, "demo", "Worker" if number else "ControlPlane", "demo-ssh")
        for number, machine in enumerate(machines)
    ]
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(*documents, cluster_object("demo", "1.31.4", NAME)))
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    assert cluster.object()["status"]["endpoint"] == f"https://{NAME}:6443"
    for machine in machines:
        assert f"server: https://{NAME}:6443" in machine.run("cat /etc/kubernetes/kubelet.conf").stdout
    nodes = by_address(cluster, machines[0].ipv4, "get", "nodes", "-o", "name").stdout.split()
    assert sorted(nodes) == sorted(f"node/{machine.name}" for machine in machines)


def by_address(cluster: Managed, address: str, *words: str) -> subprocess.CompletedProcess[str]:
    """kubectl where the endpoint's name is unknown."""
    return cluster.kubectl("--server", f"https://{address}:6443", "--tls-server-name", NAME, *words)
