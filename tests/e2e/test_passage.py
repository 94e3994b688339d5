"""What must pass between machines, load balancer and platform is found missing before anything is written."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from harness import BRIDGE_ADDRESS, Story, as_file, cluster_object, eventually, machine_object, ssh_secret

from lab.machines.balancer import Balancer
from lab.machines.lab import Machine
from roost.api.messages import explain_reason
from roost.bundle import vipimage
from roost.bundle.layout import Layout

pytestmark = [pytest.mark.lab, pytest.mark.story(5), pytest.mark.verify]
NAME = "api.passage.example"
_TURN = itertools.count(1)


def apply(story: Story, machines: Sequence[Machine], endpoint: dict[str, Any]) -> None:
    """A paused Cluster: preflight and plan only."""
    documents = [ssh_secret("demo-ssh", machines[0])]
    documents += [machine_object(machine, "demo", "ControlPlane", "demo-ssh") for machine in machines]
    documents.append(cluster_object("demo", "1.31.4", "", controlPlaneEndpoint=endpoint))
    documents[-1]["spec"]["paused"] = True
    for document in documents:
        document["metadata"]["namespace"] = "default"
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(*documents))


def change(story: Story, endpoint: dict[str, Any]) -> None:
    """Another endpoint, whole; while there is no control plane that can be corrected."""
    patch = [{"op": "replace", "path": "/spec/onPremises/controlPlaneEndpoint", "value": endpoint}]
    story.platform.kubectl("patch", "cluster", "demo", "--type=json", "-p", json.dumps(patch))


def look_again(story: Story) -> None:
    story.platform.kubectl("annotate", "cluster", "demo", "--overwrite", f"cluster.alauda.io/retry-now={next(_TURN)}")


def preflight(story: Story, wanted: str) -> str:
    """Waits for the reason ("" for success); the condition's message. Each reason has words in both languages."""

    def ask() -> str:
        conditions = story.platform.get("cluster", "demo").get("status", {}).get("conditions", [])
        found = next((c for c in conditions if c["type"] == "PreflightPassed"), None)
        if found is None or (found["status"] == "True") != (wanted == ""):
            return ""
        return f"{found.get('message', '')}\n" if wanted in ("", found["reason"]) else ""

    if wanted:
        assert all(explain_reason(wanted, language) for language in ("en", "zh"))
    return eventually(ask, timeout=120, explain=lambda: str(story.platform.get("cluster", "demo").get("status")))


def stranger(story: Story, machine: Machine, router: int) -> None:
    """A keepalived of somebody else, which announces its virtual router to the group, as it does by default."""
    bundle = next(path.parent for path in (story.platform.data_dir / "bundles").rglob("index.json"))
    layout = Layout(bundle)
    entry = next(e for e in layout.index() if vipimage.name() in e.annotations.values())
    manifest = next(
        m for m in layout.read_document(entry.digest)["manifests"] if m["platform"]["architecture"] == "amd64"
    )
    layer: Path = layout.blob(layout.read_document(manifest["digest"])["layers"][0]["digest"])
    with layer.open("rb") as content:
        subprocess.run(
            [*machine.ssh_argv(), "mkdir -p /opt/other && tar -x -C /opt/other"],
            stdin=content,
            check=True,
            timeout=60,
        )
    conf = (
        "vrrp_instance other {\n state MASTER\n interface host0\n priority 100\n advert_int 1\n"
        f" virtual_router_id {router}\n virtual_ipaddress {{\n  {machine.ipv4.rpartition('.')[0]}.240/32\n }}\n}}\n"
    )
    machine.run("cat > /opt/other/keepalived.conf", stdin=conf)
    machine.run("for d in proc dev sys; do mount --rbind /$d /opt/other/$d; done")
    machine.run(
        "systemd-run --unit=other chroot /opt/other /usr/sbin/keepalived --vrrp --dont-fork -f /keepalived.conf"
    )


@pytest.mark.parameter(
    "spec.onPremises.controlPlaneEndpoint.host",
    "spec.onPremises.controlPlaneEndpoint.externalAccess.host",
    "spec.onPremises.controlPlaneEndpoint.externalAccess.port",
)
def test_a_port_that_is_not_forwarded_is_named_with_its_machine(story: Story) -> None:
    machines = story.make_machines(3)
    before = [machine.snapshot() for machine in machines]
    servers = [machine.ipv4 for machine in machines]
    story.platform.start("1.31.4")
    one = Balancer(BRIDGE_ADDRESS, servers, ports=(6443, 11780))
    two = Balancer(BRIDGE_ADDRESS, servers[:2], ports=(11781,))
    try:
        apply(story, machines, {"host": BRIDGE_ADDRESS})
        said = preflight(story, "LoadBalancerNotForwarding")
        lines = [line for line in said.splitlines() if "LoadBalancerNotForwarding" in line]
        assert len(lines) == 1 and lines[0].startswith(f"{machines[2].name}: ") and "port 11781" in lines[0]
        assert f"{machines[0].name} ({machines[0].ipv4})" in lines[0], "those that are reached are named too"
        assert f"{machines[2].ipv4}:11781" in lines[0]
        two.servers.append(servers[2])
        look_again(story)
        preflight(story, "")
        # From the platform, apart from the load balancer's: nothing leads to the API port of this one.
        change(story, {"host": BRIDGE_ADDRESS, "externalAccess": {"host": BRIDGE_ADDRESS, "port": 7443}})
        said = preflight(story, "ExternalAccessNotForwarding")
        for machine in machines:
            assert f"{machine.name}: ExternalAccessNotForwarding" in said
        assert "port 7443" in said and "refused" in said and "port 11780" not in said
        third = Balancer(BRIDGE_ADDRESS, servers, ports=(7443,), behind=6443)
        try:
            look_again(story)
            preflight(story, "")
        finally:
            third.close()
    finally:
        one.close()
        two.close()
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=60s")
    assert [machine.changes_since(was) for machine, was in zip(machines, before, strict=True)] == [[], [], []]


@pytest.mark.parameter(
    "spec.onPremises.controlPlaneEndpoint.selfBuiltVIP.virtualRouterID",
    "spec.onPremises.controlPlaneEndpoint.selfBuiltVIP.address",
)
def test_a_spoken_vrid_and_vrrp_that_does_not_pass_are_named(story: Story) -> None:
    machines = story.make_machines(4)
    planes, other = machines[:3], machines[3]
    address = f"{planes[0].ipv4.rpartition('.')[0]}.200"
    before = [machine.snapshot() for machine in planes]
    story.platform.start("1.31.4")
    stranger(story, other, 51)
    apply(story, planes, {"host": address, "selfBuiltVIP": {"virtualRouterID": 51}})
    said = preflight(story, "VirtualRouterTaken")
    assert "VRID 51" in said and f"by {other.ipv4}" in said and "virtualRouterID" in said
    change(story, {"host": address, "selfBuiltVIP": {"virtualRouterID": 52}})
    preflight(story, "")
    # A table of the story's own, which goes whole: iptables would leave its empty ones.
    planes[1].run("nft add table ip story")
    planes[1].run("nft 'add chain ip story input { type filter hook input priority -10; }'")
    planes[1].run(f"nft add rule ip story input ip saddr {planes[0].ipv4} ip protocol 112 drop")
    look_again(story)
    said = preflight(story, "VrrpBlocked")
    assert f"of {planes[0].name} ({planes[0].ipv4}) arrives at {planes[1].name} ({planes[1].ipv4})" in said
    assert said.count("VrrpBlocked") == 1, "only that pair, in that direction"
    planes[1].run("nft delete table ip story")
    # A name has to give the address, on machines as on the platform.
    story.lab.give_name(NAME, [other.ipv4])
    change(story, {"host": NAME, "selfBuiltVIP": {"virtualRouterID": 52, "address": address}})
    said = preflight(story, "EndpointNameDiffers")
    assert said.count("EndpointNameDiffers") == 3 and other.ipv4 in said and address in said
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=60s")
    assert [machine.changes_since(was) for machine, was in zip(planes, before, strict=True)] == [[], [], []]
