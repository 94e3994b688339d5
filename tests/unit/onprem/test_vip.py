"""The self-built VIP: what haproxy and keepalived are told, and which of it a change of peers rewrites."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

import yaml

from roost.bundle import vipimage
from roost.node.facts import Listener
from roost.node.things.file import File
from roost.providers.onprem import layout, steps
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.kubeadm import config
from roost.providers.onprem.preflight import machine as machine_checks
from roost.providers.onprem.preflight import virtual
from roost.providers.onprem.preflight.machine import Subject
from roost.providers.onprem.vip import address, render, things
from roost.providers.onprem.vip.address import Peer, Virtual
from tests.unit.onprem import made

VIRTUAL = Virtual("10.200.0.100", 6443, 51)
PEERS = (Peer("cp1", "10.200.0.11"), Peer("cp2", "10.200.0.12"), Peer("cp3", "10.200.0.13"))
PLANES = tuple(made.machine(peer.name, peer.address, "ControlPlane") for peer in PEERS)


def context(*machines: MachineInput, **endpoint: Any) -> Context:
    wanted = {"host": "10.200.0.100", "selfBuiltVIP": {"virtualRouterID": 51}, **endpoint}
    return made.context(*(machines or PLANES), spec_=made.spec(controlPlaneEndpoint=wanted))


def of(ctx: Context, machine: MachineInput) -> dict[str, Any]:
    found = made.found(machine.name, machine.spec.addresses.primary)
    return {thing.key: thing for thing in steps.things(ctx, machine, found)}


def test_every_port_leads_to_every_control_plane() -> None:
    text = render.haproxy(VIRTUAL, PEERS)
    for port in (6443, 11780, 11781):
        assert f"bind 10.200.0.100:{port} transparent" in text
        for peer in PEERS:
            assert f"server {peer.name} {peer.address}:{port}" in text
    assert "http-check send meth GET uri /readyz" in text and "verify required" in text


def test_peers_are_told_by_unicast_and_no_two_have_one_priority() -> None:
    texts = [render.keepalived(VIRTUAL, PEERS, peer.address, "eth0") for peer in PEERS]
    priorities = [line for text in texts for line in text.splitlines() if "priority" in line]
    assert priorities == ["  priority 250", "  priority 240", "  priority 230"]
    assert "unicast_src_ip 10.200.0.12" in texts[1]
    peers = texts[1][texts[1].index("unicast_peer {") : texts[1].index("virtual_ipaddress")]
    assert "10.200.0.11" in peers and "10.200.0.13" in peers and "10.200.0.12" not in peers
    assert "virtual_router_id 51" in texts[0] and "10.200.0.100/32 dev eth0" in texts[0]
    assert "auth_pass" not in "".join(texts), "the password stands in a file of its own"


def test_an_ipv6_address_speaks_the_version_that_has_no_password() -> None:
    text = render.keepalived(Virtual("fd00::100", 6443, 7), (Peer("cp1", "fd00::11"),), "fd00::11", "eth0")
    assert "vrrp_version 3" in text and "authentication" not in text and "fd00::100/128" in text
    assert "bind [fd00::100]:6443" in render.haproxy(Virtual("fd00::100", 6443, 7), (Peer("cp1", "fd00::11"),))


def test_the_address_is_ready_before_kubelet_starts_on_the_first_and_after_the_join_on_others() -> None:
    ctx = context()
    head, other = list(of(ctx, PLANES[0])), list(of(ctx, PLANES[1]))
    manifest = f"file:{things.MANIFEST}"
    assert head.index(manifest) < head.index("kubeadm:kubelet") < head.index("kubeadm:ready") < head.index("vip:live")
    assert other.index("kubeadm:plane") < other.index(manifest)
    assert not [key for key in of(context(*PLANES, made.W1), made.W1) if "vip" in key]


def test_a_new_peer_rewrites_two_files_and_no_manifest() -> None:
    two, three = of(context(*PLANES[:2]), PLANES[0]), of(context(), PLANES[0])
    changed = {key for key in three if isinstance(three[key], File) and three[key] != two.get(key)}
    assert changed == {"file:/etc/kubernetes/vip/haproxy.cfg", "file:/etc/kubernetes/vip/keepalived.conf"}
    assert three["vip:reload"].guard != two["vip:reload"].guard


def test_the_pod_has_the_bundles_image_and_only_what_it_needs() -> None:
    pod = yaml.safe_load(render.pod(vipimage.name()))
    containers = {each["name"]: each for each in pod["spec"]["containers"]}
    assert set(containers) == {"haproxy", "keepalived"}
    assert {each["image"] for each in containers.values()} == {vipimage.name()}
    mounted = {volume["name"]: volume.get("hostPath", {}).get("path") for volume in pod["spec"]["volumes"]}
    assert not [path for path in mounted.values() if path and path.endswith("pki")], "the CA's key is not in reach"
    assert "password" not in {mount["name"] for mount in containers["haproxy"]["volumeMounts"]}


def test_the_password_is_random_and_in_keepalived_s_form() -> None:
    script = things.password().script
    assert "/dev/urandom" in script
    made_here = subprocess.run(
        ["sh", "-c", '{ printf "auth_pass "; od -An -N4 -tx1 /dev/urandom | tr -d " \\n"; echo; }'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    word, password = made_here.split()
    assert word == "auth_pass" and len(password) == 8


def test_kube_apiserver_shares_its_port_only_with_a_vip_of_our_own() -> None:
    cluster = config.cluster_configuration(context().spec, PLANES[0], "demo")
    assert {"name": "permit-port-sharing", "value": "true"} in cluster["apiServer"]["extraArgs"]
    other = config.cluster_configuration(made.spec(), made.CP, "demo")
    assert other["apiServer"]["extraArgs"] == []


def test_a_named_endpoint_has_its_address_in_the_certificate() -> None:
    vip = {"virtualRouterID": 51, "address": "10.200.0.100"}
    ctx = context(host="api.example.com", selfBuiltVIP=vip, externalAccess={"host": "203.0.113.9", "port": 7443})
    names = layout.server_names(ctx.spec, PLANES[0])
    assert {"api.example.com", "10.200.0.100", "203.0.113.9"} <= set(names)
    assert layout.dialled(ctx.spec) == "203.0.113.9:7443"
    assert layout.endpoint(ctx.spec) == "api.example.com:6443"
    assert address.wanted(ctx.spec) == VIRTUAL


def test_undo_knows_the_address() -> None:
    residue = of(context(), PLANES[0])["residue:vip"]
    assert "address 10.200.0.100" in residue.declaration()


def test_the_device_is_that_of_the_machines_own_address() -> None:
    found = made.found("cp1", "10.200.0.11").node
    assert things.interface(found, "10.200.0.11") == "eth0"
    assert things.interface(replace(found, addresses=()), "10.200.0.11") == "eth0"


def findings(ctx: Context, *subjects: Any, exists: bool = False) -> list[str]:
    return [f"{each.machine} {each.check}" for each in virtual.findings(ctx, subjects, exists=exists)]


def subject(ctx: Context, machine: MachineInput, **found: Any) -> Subject:
    seen = made.found(machine.name, machine.spec.addresses.primary, **found)
    return Subject(ctx.spec, machine, seen, made.ID, ("amd64",))


def with_image(ctx: Context) -> Context:
    images = (*ctx.bundle.images, made.image(vipimage.name(), "amd64", "control-plane"))
    return replace(ctx, bundle=replace(ctx.bundle, images=images))


def test_a_free_address_in_the_subnet_is_well() -> None:
    ctx = with_image(context())
    assert findings(ctx, *(subject(ctx, plane) for plane in PLANES)) == []
    assert findings(context(), subject(ctx, PLANES[0])) == ["cp1 VirtualImageMissing"]


def test_an_address_that_answers_before_the_cluster_exists_is_somebodys() -> None:
    ctx = with_image(context())
    answered = subject(ctx, PLANES[0], reach={"endpoint": "refused"})
    assert findings(ctx, answered) == ["cp1 VirtualAddressTaken"]
    assert findings(ctx, answered, exists=True) == []


def test_an_address_outside_the_control_planes_subnet_is_refused_and_workers_are_free() -> None:
    ctx = with_image(context(host="10.201.0.100"))
    assert findings(ctx, subject(ctx, PLANES[0]), subject(ctx, made.W1)) == ["cp1 VirtualAddressOutside"]


def test_a_virtual_address_is_silent_until_somebody_holds_it() -> None:
    ctx = context()
    silent = subject(ctx, PLANES[1], reach={"endpoint": "unreachable"})
    assert list(machine_checks.reachability(silent)) == []
    later = replace(silent, exists=True)
    assert [each.check for each in machine_checks.reachability(later)] == ["EndpointUnreachable"]


def test_a_listener_on_every_address_keeps_haproxy_from_the_component_ports() -> None:
    ctx = with_image(context())

    def with_listener(address_: str, port: int) -> list[str]:
        listeners = (Listener("tcp", address_, port, "prometheus"),)
        return findings(ctx, subject(ctx, PLANES[0], node={"listeners": listeners}))

    assert with_listener("0.0.0.0", 11780) == ["cp1 PortTaken"]
    assert with_listener("*", 11781) == ["cp1 PortTaken"]
    assert with_listener("10.200.0.11", 11780) == []
    assert with_listener("0.0.0.0", 11782) == []
