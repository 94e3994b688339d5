"""Several control planes: made, grown, shrunk, replaced, and one of them lost while somebody asks the API."""

from __future__ import annotations

import itertools
import json
import ssl
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import checks
import pytest
from harness import BRIDGE_ADDRESS, Managed, Story, as_file, cluster_object, eventually, machine_object, ssh_secret

from lab.machines.balancer import Balancer
from lab.machines.lab import Machine

pytestmark = [pytest.mark.lab, pytest.mark.story(5)]


def high_available(machines: list[Machine], planes: int, *, version: str = "1.31.4", **endpoint: Any) -> str:
    """Secret, Machines and Cluster; the first `planes` machines are control planes."""
    documents = [ssh_secret("demo-ssh", machines[0])]
    documents += [
        machine_object(machine, "demo", "ControlPlane" if number < planes else "Worker", "demo-ssh")
        for number, machine in enumerate(machines)
    ]
    documents.append(cluster_object("demo", version, "", controlPlaneEndpoint=endpoint))
    for document in documents:
        document["metadata"]["namespace"] = "default"
    return as_file(*documents)


def etcd_members(cluster: Managed) -> set[str]:
    """Names of the voting members, as the first that answers tells: a dead machine's Pod stays listed for a while."""
    pods = cluster.get("pods", "-n", "kube-system", "-l", "component=etcd")["items"]
    pki = "/etc/kubernetes/pki/etcd"
    said = ""
    for pod in pods:
        answer = cluster.kubectl(
            "exec", "-n", "kube-system", pod["metadata"]["name"], "--", "etcdctl",
            "--endpoints", "https://127.0.0.1:2379", "--cacert", f"{pki}/ca.crt",
            "--cert", f"{pki}/healthcheck-client.crt", "--key", f"{pki}/healthcheck-client.key",
            "--write-out", "json", "member", "list", check=False,
        )  # fmt: skip
        if answer.returncode == 0:
            members = json.loads(answer.stdout)["members"]
            return {member.get("name", "") for member in members if not member.get("isLearner")}
        said = answer.stderr
    raise AssertionError(f"no etcd answers: {said}")


@pytest.mark.verify
@pytest.mark.parametrize("version", ["1.28.15", "1.31.4"])
@pytest.mark.parameter("spec.onPremises.controlPlaneEndpoint.host", "Machine:spec.role")
def test_three_control_planes_behind_a_load_balancer(story: Story, version: str) -> None:
    machines = story.make_machines(4)
    before = [machine.snapshot() for machine in machines]
    balancer = Balancer(BRIDGE_ADDRESS, [machine.ipv4 for machine in machines[:3]])
    try:
        story.platform.start(version)
        text = high_available(machines, 3, version=version, host=BRIDGE_ADDRESS)
        story.platform.kubectl("apply", "-f", "-", stdin=text)
        cluster = Managed(story.platform, "demo")
        cluster.wait_available()
        checks.works(cluster, count=4, version=version)
        assert etcd_members(cluster) == {machine.name for machine in machines[:3]}
        story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
        for machine, was in zip(machines, before, strict=True):
            assert machine.changes_since(was) == []
    finally:
        balancer.close()


def virtual_address(machines: list[Machine]) -> str:
    """A free one of the machines' subnet."""
    return f"{machines[0].ipv4.rpartition('.')[0]}.200"


def behind_a_virtual_address(
    story: Story, machines: list[Machine], *, planes: int, timeout: float = 900
) -> tuple[Managed, str]:
    """The cluster once it is Available, and the address that its control planes hold."""
    address = virtual_address(machines)
    story.platform.start("1.31.4")
    text = high_available(machines, planes, host=address, selfBuiltVIP={"virtualRouterID": 51})
    story.platform.kubectl("apply", "-f", "-", stdin=text)
    cluster = Managed(story.platform, "demo")
    cluster.wait_available(timeout=timeout)
    return cluster, address


def holder(machines: list[Machine], address: str) -> Machine:
    holding = [m for m in machines if address in m.run("ip -o address").stdout]
    assert len(holding) == 1, f"{address} is held by {[m.name for m in holding]}"
    return holding[0]


@pytest.mark.parameter(
    "spec.onPremises.controlPlaneEndpoint.host", "spec.onPremises.controlPlaneEndpoint.selfBuiltVIP.virtualRouterID"
)
def test_three_control_planes_hold_a_virtual_address(story: Story) -> None:
    machines = story.make_machines(4)
    before = [machine.snapshot() for machine in machines]
    cluster, address = behind_a_virtual_address(story, machines, planes=3)
    checks.works(cluster, count=4, version="1.31.4")
    assert etcd_members(cluster) == {machine.name for machine in machines[:3]}
    assert holder(machines[:3], address)
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=180s", timeout=190)
    for machine, was in zip(machines, before, strict=True):
        assert machine.changes_since(was) == []


def unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@dataclass
class Prober:
    """Asks the API's /readyz ten times a second, each time on a new connection that has one second."""

    address: str
    context: ssl.SSLContext = field(default_factory=unverified)
    """Made once: to read the computer's authorities ten times a second takes much of a processor."""
    successes: list[float] = field(default_factory=list[float])
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        url = f"https://{self.address}:6443/readyz"
        try:
            with urllib.request.urlopen(url, timeout=1, context=self.context) as answer:
                if answer.status == 200:
                    self.successes.append(time.monotonic())
        except OSError:
            return

    def stop(self) -> float:
        """The longest time between two successes."""
        self._stop.set()
        times = sorted(self.successes)
        assert len(times) > 50, "the prober hardly ever had an answer"
        gap, since = max((later - earlier, earlier) for earlier, later in itertools.pairwise(times))
        print(f"longest gap {gap:.2f} s, {time.monotonic() - since:.1f} s ago; {len(times)} answers")
        return gap


@pytest.mark.verify
def test_the_holder_of_the_address_is_lost(story: Story) -> None:
    """Less than five seconds pass between answers, and every write that was acknowledged can be read."""
    machines = story.make_machines(3)
    cluster, address = behind_a_virtual_address(story, machines, planes=3)
    prober = Prober(address)
    prober.start()
    acknowledged: list[str] = []
    for number in range(10):
        write(cluster, number, acknowledged)
    held = holder(machines, address)
    lost = time.monotonic()
    held.power_off()
    for number in range(10, 25):
        write(cluster, number, acknowledged)
    time.sleep(5)
    print(f"{held.name} held the address and was lost {time.monotonic() - lost:.1f} s ago")
    gap = prober.stop()
    assert gap < 5
    found = {item["metadata"]["name"] for item in cluster.get("configmaps")["items"]}
    assert set(acknowledged) <= found


def write(cluster: Managed, number: int, acknowledged: list[str]) -> None:
    done = cluster.kubectl("create", "configmap", f"written-{number}", "--request-timeout=5s", check=False)
    if done.returncode == 0:
        acknowledged.append(f"written-{number}")


@pytest.mark.verify
def test_one_control_plane_grows_to_three_and_back(story: Story) -> None:
    machines = story.make_machines(3)
    balancer = Balancer(BRIDGE_ADDRESS, [machine.ipv4 for machine in machines])
    try:
        story.platform.start("1.31.4")
        story.platform.kubectl("apply", "-f", "-", stdin=high_available(machines[:1], 1, host=BRIDGE_ADDRESS))
        cluster = Managed(story.platform, "demo")
        cluster.wait_available()
        added = as_file(*(machine_object(machine, "demo", "ControlPlane", "demo-ssh") for machine in machines[1:]))
        story.platform.kubectl("apply", "-f", "-", stdin=added)
        everyone = {machine.name for machine in machines}
        eventually(lambda: etcd_members(cluster) == everyone, timeout=300)
        checks.nodes_ready(cluster, count=3, version="1.31.4")
        for machine in machines[:2]:
            story.platform.kubectl("delete", "machine", machine.name, "--wait=true", "--timeout=240s", timeout=250)
        assert etcd_members(cluster) == {machines[2].name}
        refused = story.platform.kubectl("delete", "machine", machines[2].name, "--wait=false")
        assert refused.returncode == 0
        time.sleep(10)
        assert story.platform.get("machine", machines[2].name)["metadata"]["name"] == machines[2].name
    finally:
        balancer.close()


@pytest.mark.verify
def test_a_dead_control_plane_is_replaced_at_its_address(story: Story) -> None:
    """The one that made the cluster dies; an empty machine of its name and address joins in its place."""
    machines = story.make_machines(3)
    dead = machines[0]
    cluster, address = behind_a_virtual_address(story, machines, planes=3)
    cluster.kubectl("create", "configmap", "kept")
    prober = Prober(address)
    prober.start()
    everyone = {machine.name for machine in machines}
    story.lab.down([dead.name])
    story.platform.kubectl("annotate", "machine", dead.name, "cluster.alauda.io/force-removal=true")
    story.platform.kubectl("delete", "machine", dead.name, "--wait=true", "--timeout=240s", timeout=250)
    assert etcd_members(cluster) == everyone - {dead.name}
    new = next(machine for machine in story.lab.up(names=[dead.name], keep=True) if machine.name == dead.name)
    assert new.ipv4 == dead.ipv4 and new.host_key != dead.host_key
    again = machine_object(new, "demo", "ControlPlane", "demo-ssh")
    story.platform.kubectl("apply", "-f", "-", stdin=json.dumps(again))
    eventually(lambda: etcd_members(cluster) == everyone, timeout=300)
    checks.nodes_ready(cluster, count=3, version="1.31.4")
    cluster.wait_available(timeout=120)
    cluster.kubectl("get", "configmap", "kept")
    gap = prober.stop()
    assert gap < 5
    checks.works(cluster, count=3, version="1.31.4")
    peers = {m.name: m.run("cat /etc/kubernetes/vip/keepalived.conf").stdout for m in (new, *machines[1:])}
    for machine in machines:
        assert all(machine.ipv4 in text for text in peers.values())


SIX = {"ipFamily": "IPv6", "podCIDR": "fd00:16::/56", "serviceCIDR": "fd00:112::/112"}


@pytest.mark.verify
@pytest.mark.parametrize(("version", "family"), [("1.28.15", 4), ("1.29.15", 4), ("1.30.4", 4), ("1.31.4", 6)])
def test_a_lone_control_plane_holds_a_virtual_address(story: Story, version: str, family: int) -> None:
    """Every version has the image in its bundle; IPv6 speaks VRRP 3."""
    (machine,) = story.make_machines(1)
    own = machine.ipv4 if family == 4 else machine.ipv6
    address = f"{own.rpartition('.')[0]}.200" if family == 4 else f"{own.rpartition('::')[0]}::200"
    story.platform.start(version)
    one = machine_object(machine, "demo", "ControlPlane", "demo-ssh")
    one["spec"]["addresses"] = {f"ipv{family}": own}
    endpoint = {"host": address, "selfBuiltVIP": {"virtualRouterID": 51}}
    more = {"network": SIX} if family == 6 else {}
    whole = cluster_object("demo", version, "", **{"controlPlaneEndpoint": endpoint, **more})
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(ssh_secret("demo-ssh", machine), one, whole))
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()
    checks.nodes_ready(cluster, count=1, version=version)
    assert holder([machine], address)
    assert cluster.object()["status"]["endpoint"] == f"https://{checks.host(address)}:6443"


LISTING = """\
export PATH=$PATH:/usr/local/bin
pki=/etc/kubernetes/pki/etcd
id=$(crictl ps --quiet --state running --name '^etcd$' | head -n 1)
crictl exec "$id" etcdctl --endpoints https://127.0.0.1:2379 --cacert $pki/ca.crt --cert $pki/healthcheck-client.crt \
  --key $pki/healthcheck-client.key --write-out json member list
"""


def cut_off_at_once(first: Machine, second: Machine) -> None:
    """Waits on the machine itself until a second member is there, and in that moment keeps the two from each other: a
    learner is promoted within a second or two, sooner than a machine is switched off from outside."""
    first.run(
        f"members() {{\n{LISTING}}}\n"
        "until [ $(members 2>/dev/null | grep -o '\"peerURLs\"' | wc -l) = 2 ]; do :; done\n"
        "nft -f - <<'END'\n"
        "table ip story {\n"
        f" chain out {{ type filter hook output priority 0; ip daddr {second.ipv4} tcp dport 2379-2380 drop; }}\n"
        f" chain in {{ type filter hook input priority 0; ip saddr {second.ipv4} tcp dport 2379-2380 drop; }}\n"
        "}\nEND\n",
        timeout=300,
    )


def listed(machine: Machine) -> list[dict[str, Any]]:
    """etcd's members, asked on the machine itself: the API may be silent."""
    members: list[dict[str, Any]] = json.loads(machine.run(LISTING).stdout)["members"]
    return members


@pytest.mark.verify
@pytest.mark.parametrize("version", ["1.28.15", "1.31.4"])
def test_a_second_join_that_is_cut_off_keeps_the_quorum(story: Story, version: str) -> None:
    """The new member is a learner until it has caught up: when it is lost before that, the first goes on writing."""
    machines = story.make_machines(2)
    first, second = machines
    balancer = Balancer(BRIDGE_ADDRESS, [machine.ipv4 for machine in machines])
    try:
        story.platform.start(version)
        text = high_available([first], 1, version=version, host=BRIDGE_ADDRESS)
        story.platform.kubectl("apply", "-f", "-", stdin=text)
        cluster = Managed(story.platform, "demo")
        cluster.wait_available()
        added = machine_object(second, "demo", "ControlPlane", "demo-ssh")
        story.platform.kubectl("apply", "-f", "-", stdin=json.dumps(added))
        cut_off_at_once(first, second)
        second.power_off()
        learners = sum(member.get("isLearner", False) for member in listed(first))
        assert learners == 1, "cut off too late"
        for number in range(5):
            cluster.kubectl("create", "configmap", f"after-{number}", "--request-timeout=10s")
        first.run("nft delete table ip story")
        second.power_on()
        eventually(lambda: etcd_members(cluster) == {first.name, second.name}, timeout=400)
        checks.nodes_ready(cluster, count=2, version=version)
    finally:
        balancer.close()


@pytest.mark.soak
def test_five_control_planes_bear_the_loss_of_two(story: Story) -> None:
    machines = story.make_machines(5)
    cluster, address = behind_a_virtual_address(story, machines, planes=5, timeout=1800)
    assert etcd_members(cluster) == {machine.name for machine in machines}
    first = holder(machines, address)
    first.power_off()
    left = [machine for machine in machines if machine is not first]
    eventually(lambda: cluster.kubectl("create", "configmap", "after-one").returncode == 0, timeout=60)
    second = holder(left, address)
    second.power_off()
    eventually(lambda: cluster.kubectl("create", "configmap", "after-two").returncode == 0, timeout=60)
    for machine in (first, second):
        machine.power_on()
    checks.nodes_ready(cluster, count=5, version="1.31.4")
    cluster.wait_available(timeout=300)
    assert etcd_members(cluster) == {machine.name for machine in machines}
