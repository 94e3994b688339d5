"""What a person chooses for a cluster is what runs: read back from processes, certificates, Nodes and Pods."""

from __future__ import annotations

import json
from typing import Any

import checks
import pytest
from harness import Machine, Managed, Story, as_file, cluster_object, eventually, machine_object, ssh_secret

pytestmark = [pytest.mark.lab, pytest.mark.story(5)]

DUAL = {
    "ipFamily": "DualStack",
    "podCIDR": "10.16.0.0/16,fd00:16::/56",
    "serviceCIDR": "10.112.0.0/12,fd00:112::/112",
}
SIX = {"ipFamily": "IPv6", "podCIDR": "fd00:16::/56", "serviceCIDR": "fd00:112::/112"}


def document(
    machines: list[Machine],
    *,
    addresses: tuple[str, ...] = ("ipv4",),
    version: str = "1.31.4",
    each: dict[int, dict[str, Any]] | None = None,
    cluster: dict[str, Any] | None = None,
    secret: dict[str, Any] | None = None,
    **on_premises: Any,
) -> str:
    """One file: the first machine is the control plane; `each` adds to the spec of the machine of that number."""
    documents = [secret or ssh_secret("demo-ssh", machines[0])]
    for number, machine in enumerate(machines):
        one = machine_object(machine, "demo", "Worker" if number else "ControlPlane", "demo-ssh")
        one["spec"]["addresses"] = {family: getattr(machine, family) for family in addresses}
        more = (each or {}).get(number, {})
        one["spec"] = {**one["spec"], **more, "ssh": {**one["spec"]["ssh"], **more.get("ssh", {})}}
        documents.append(one)
    endpoint = getattr(machines[0], addresses[0])
    whole = cluster_object("demo", version, endpoint, **on_premises)
    whole["spec"] |= cluster or {}
    return as_file(*documents, whole)


def made(story: Story, text: str, *, timeout: float = 400) -> Managed:
    story.platform.kubectl("apply", "-f", "-", stdin=text)
    cluster = Managed(story.platform, "demo")
    cluster.wait_available(timeout)
    return cluster


def arguments(machine: Machine, program: str) -> dict[str, str]:
    """The flags that a process on the machine runs with."""
    script = f"for p in $(pidof {program}); do tr '\\0' '\\n' < /proc/$p/cmdline; done"
    lines = machine.run(script).stdout.splitlines()
    pairs = (line.removeprefix("--").partition("=") for line in lines if line.startswith("--"))
    return {name: value for name, _, value in pairs}


def server_names(machine: Machine) -> set[str]:
    """What the API server's certificate is good for, as openssl on this box reads it."""
    text = machine.run("cat /etc/kubernetes/pki/apiserver.crt").stdout
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(text.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {
        *names.get_values_for_type(x509.DNSName),
        *map(str, names.get_values_for_type(x509.IPAddress)),
    }


def internal_addresses(cluster: Managed) -> dict[str, list[str]]:
    return {
        node["metadata"]["name"]: [a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"]
        for node in cluster.get("nodes")["items"]
    }


def goes_without_a_trace(story: Story, before: dict[str, Any]) -> None:
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
    left = {machine.name: machine.changes_since(before[machine.name]) for machine in story.machines}
    assert left == {machine.name: [] for machine in story.machines}


@pytest.mark.verify
def test_dual_stack(story: Story) -> None:
    """Nodes, Pods and Services have an address of each family, and each of them answers."""
    machines = story.make_machines(2)
    before = {machine.name: machine.snapshot() for machine in machines}
    story.platform.start("1.31.4")
    cluster = made(story, document(machines, addresses=("ipv4", "ipv6"), network=DUAL))
    assert internal_addresses(cluster) == {machine.name: [machine.ipv4, machine.ipv6] for machine in machines}
    for node in cluster.get("nodes")["items"]:
        assert [cidr.split("/")[1] for cidr in node["spec"]["podCIDRs"]] == ["24", "72"]
    assert {machines[0].ipv4, machines[0].ipv6, "10.112.0.1"} <= server_names(machines[0])
    checks.works(cluster, count=2, version="1.31.4")
    goes_without_a_trace(story, before)


@pytest.mark.verify
def test_ipv6_alone(story: Story) -> None:
    """A cluster in which nothing has an IPv4 address but the machines' SSH."""
    machines = story.make_machines(2)
    before = {machine.name: machine.snapshot() for machine in machines}
    story.platform.start("1.31.4")
    over_ipv4 = {number: {"ssh": {"address": machine.ipv4}} for number, machine in enumerate(machines)}
    cluster = made(story, document(machines, addresses=("ipv6",), each=over_ipv4, network=SIX))
    assert internal_addresses(cluster) == {machine.name: [machine.ipv6] for machine in machines}
    assert cluster.object()["status"]["endpoint"] == f"https://[{machines[0].ipv6}]:6443"
    assert {machines[0].ipv6, "fd00:112::1"} <= server_names(machines[0])
    checks.works(cluster, count=2, version="1.31.4")
    goes_without_a_trace(story, before)
