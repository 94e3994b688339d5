"""What a person chooses for a cluster is what runs: read back from processes, certificates, Nodes and Pods."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import checks
import pytest
from cryptography import x509
from harness import (
    CACHE,
    Machine,
    Managed,
    Story,
    as_file,
    cluster_object,
    eventually,
    machine_object,
    run,
    ssh_secret,
)

pytestmark = [pytest.mark.lab, pytest.mark.story(5)]

DUAL = {
    "ipFamily": "DualStack",
    "podCIDR": "10.16.0.0/16,fd00:16::/56",
    "serviceCIDR": "10.112.0.0/12,fd00:112::/112",
}
DATA = "/var/lib/data/roost"
"""On the lab machines' second disk."""
SOCKS = 1080
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


def made(story: Story, text: str, *, timeout: float = 900) -> Managed:
    story.platform.kubectl("apply", "-f", "-", stdin=text)
    cluster = Managed(story.platform, "demo")
    cluster.wait_available(timeout)
    return cluster


def arguments(machine: Machine, program: str) -> dict[str, str]:
    """The flags that a process on the machine runs with."""
    script = f"for p in $(pidof {program}); do tr '\\0' '\\n' < /proc/$p/cmdline; done"
    lines = machine.run(script, via="ns").stdout.splitlines()
    pairs = (line.removeprefix("--").partition("=") for line in lines if line.startswith("--"))
    return {name: value for name, _, value in pairs}


def server_names(machine: Machine) -> set[str]:
    """What the API server's certificate is good for."""
    text = machine.run("cat /etc/kubernetes/pki/apiserver.crt", via="ns").stdout
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

    def left() -> dict[str, list[str]]:
        changes = {m.name: m.changes_since(before[m.name]) for m in story.machines if m.name in before}
        return {name: lines for name, lines in changes.items() if lines}

    # The Machines are still there and looked at: a look that is being taken is a process, and ends by itself.
    eventually(lambda: left() == {}, timeout=30, explain=lambda: str(left()))


@pytest.mark.parameter(
    "spec.onPremises.network.ipFamily",
    "spec.onPremises.network.podCIDR",
    "spec.onPremises.network.serviceCIDR",
    "Machine:spec.addresses.ipv4",
    "Machine:spec.addresses.ipv6",
    "spec.onPremises.network.plugin",
)
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


@pytest.mark.parameter(
    "spec.onPremises.network.ipFamily",
    "Machine:spec.addresses.ipv6",
    "spec.onPremises.controlPlaneEndpoint.host",
    "Machine:spec.ssh.address",
)
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


# One cluster with many choices: a machine of its own runs a real SOCKS5 server, and the others let nobody else in.


def socks_program() -> Path:
    """Debian's microsocks, unpacked and not installed: its package would start a server on this box."""
    folder = CACHE / "microsocks"
    program = folder / "root" / "usr" / "bin" / "microsocks"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fetch = "apt-get download -qq microsocks"
        run(
            "sh",
            "-c",
            f"cd {folder} && ({fetch} || (apt-get update -qq && {fetch})) && dpkg -x microsocks_*.deb root",
        )
    return program


def start_socks(gate: Machine, user: str, password: str, *, port: int = SOCKS) -> None:
    """A real SOCKS5 server on the machine, which asks for a password and tells the journal whom it connects."""
    content = base64.b64encode(socks_program().read_bytes()).decode()
    program = f"/usr/local/bin/microsocks-{port}"
    gate.run(f"base64 -d > {program} && chmod 0755 {program}", stdin=content)
    gate.run(f"systemd-run --quiet --unit=microsocks-{port} {program} -p {port} -u {user} -P {password}")


def only_through(gate: Machine, machine: Machine) -> None:
    """SSH answers nobody but the gate."""
    machine.run(
        f"nft add table inet lab && nft 'add chain inet lab input {{ type filter hook input priority 0; }}' && "
        f"nft add rule inet lab input tcp dport 22 ip saddr != {gate.ipv4} drop",
        via="ns",
    )


def basic_auth(name: str, user: str, password: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"name": name},
        "stringData": {"username": user, "password": password},
    }


def locked_key(machine: Machine, where: Path, passphrase: str) -> dict[str, Any]:
    """The lab's key, encrypted; and the password with which `operator` may use sudo."""
    copy = where / "id"
    copy.write_text(machine.ssh_key_path.read_text())
    copy.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase, "-f", str(copy)], check=True)
    secret = ssh_secret("demo-ssh", machine)
    secret["stringData"] = {
        "ssh-privatekey": copy.read_text(),
        "passphrase": passphrase,
        "sudo-password": machine.password,
    }
    return secret


@pytest.mark.verify
@pytest.mark.parameter(
    "spec.onPremises.nodeName",
    "spec.onPremises.network.ipsPerNode",
    "spec.onPremises.runtime.dataDirectory",
    "spec.onPremises.runtime.logMaxSize",
    "spec.onPremises.runtime.logMaxFiles",
    "spec.onPremises.kubeletExtraArgs",
    "spec.onPremises.controllerManagerExtraArgs",
    "spec.onPremises.schedulerExtraArgs",
    "spec.onPremises.apiServerExtraArgs",
    "spec.onPremises.publicAlternativeNames",
    "Machine:spec.roles",
    "Machine:spec.labels",
    "Machine:spec.taints",
    "Machine:spec.ssh.proxy",
    "Machine:spec.ssh.user",
    "Machine:spec.ssh.credential",
)
@pytest.mark.changes("Machine:spec.ssh.proxy")
def test_many_choices_at_once(story: Story, tmp_path: Path) -> None:
    """1+1 behind SOCKS5: node names by IP, flags, certificate names, roles, labels, taints, a data disk."""
    gate, *machines = story.make_machines(3)
    start_socks(gate, "fetch", "open-sesame")
    for machine in machines:
        only_through(gate, machine)
    before = {machine.name: machine.snapshot() for machine in machines}
    story.platform.start("1.31.4")
    proxy = {"address": f"{gate.ipv4}:{SOCKS}", "credential": {"name": "gate"}}
    text = document(
        machines,
        secret=locked_key(machines[0], tmp_path, "three words long"),
        each={
            0: {"ssh": {"user": "operator", "proxy": proxy}},
            1: {
                "ssh": {"user": "root", "proxy": proxy},
                "roles": ["infra", "log"],
                "labels": {"rack": "r7"},
                "taints": [{"key": "node-role.kubernetes.io/infra", "value": "reserved", "effect": "NoSchedule"}],
            },
        },
        nodeName="IP",
        network={"ipsPerNode": 64},
        runtime={"dataDirectory": DATA, "logMaxSize": "20Mi", "logMaxFiles": 3},
        kubeletExtraArgs={"max-pods": "77", "v": "3"},
        controllerManagerExtraArgs={"node-monitor-period": "4s"},
        schedulerExtraArgs={"kube-api-qps": "51"},
        apiServerExtraArgs={"audit-log-maxage": "9"},
        publicAlternativeNames=["api.example.org", "203.0.113.7"],
    )
    # The wrong password first: it is named as such, and correcting the Secret is all that is needed.
    wrong = as_file(basic_auth("gate", "fetch", "open-barley"))
    story.platform.kubectl("apply", "-f", "-", stdin=wrong)
    story.platform.kubectl("apply", "-f", "-", stdin=text)
    cluster = Managed(story.platform, "demo")
    eventually(lambda: "ProxyAuthenticationFailed" in story.platform.kubectl("get", "machines", "-o", "yaml").stdout,
               timeout=120)  # fmt: skip
    assert "open-barley" not in story.platform.kubectl("get", "machines,clusters,events", "-o", "yaml").stdout
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(basic_auth("gate", "fetch", "open-sesame")))
    cluster.wait_available(900)

    control_plane, worker = machines
    assert internal_addresses(cluster) == {machine.ipv4: [machine.ipv4] for machine in machines}
    assert {"api.example.org", "203.0.113.7", control_plane.ipv4} <= server_names(control_plane)
    kubelet = arguments(worker, "kubelet")
    assert (kubelet["max-pods"], kubelet["v"], kubelet["node-ip"]) == ("77", "3", worker.ipv4)
    assert arguments(control_plane, "kube-controller-manager")["node-monitor-period"] == "4s"
    assert arguments(control_plane, "kube-controller-manager")["node-cidr-mask-size"] == "26"
    assert arguments(control_plane, "kube-scheduler")["kube-api-qps"] == "51"
    assert arguments(control_plane, "kube-apiserver")["audit-log-maxage"] == "9"
    node = cluster.get("node", worker.ipv4)
    assert node["status"]["capacity"]["pods"] == "77"
    running = json.loads(cluster.kubectl("get", "--raw", f"/api/v1/nodes/{worker.ipv4}/proxy/configz").stdout)
    assert running["kubeletconfig"]["containerLogMaxSize"] == "20Mi"
    assert running["kubeletconfig"]["containerLogMaxFiles"] == 3
    roles_are_kept(cluster, worker)
    checks.works(cluster, count=2, version="1.31.4")
    for machine in machines:
        assert machine.run("readlink /var/log/pods", via="ns").stdout.strip() == f"{DATA}/pods"
        assert machine.run(f"ls {DATA}/pods {DATA}/containerd/io.containerd.content.v1.content", via="ns").stdout
        assert machine.run("ls /var/lib/containerd", via="ns").stdout.strip() == ""
    another_proxy_is_taken(story, gate, worker)
    goes_without_a_trace(story, before)


def another_proxy_is_taken(story: Story, gate: Machine, worker: Machine) -> None:
    """Another server, which asks for another password: the next look goes through it."""
    start_socks(gate, "other", "closed-sesame", port=SOCKS + 1)
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(basic_auth("gate-2", "other", "closed-sesame")))
    proxy = {"address": f"{gate.ipv4}:{SOCKS + 1}", "credential": {"name": "gate-2"}}
    patch(story, "machine", worker.name, {"ssh": {"proxy": proxy}})
    used = f"journalctl -u microsocks-{SOCKS + 1} | grep -c 'connected to {worker.ipv4}:22'"
    eventually(lambda: int(gate.run(used, check=False).stdout or 0) > 0, timeout=60)
    eventually(lambda: Managed(story.platform, "demo").object()["status"]["phase"] == "Running", timeout=60)


def roles_are_kept(cluster: Managed, worker: Machine) -> None:
    """What the Machine declares is put back when somebody takes it away; what nobody declared stays."""

    def declared() -> bool:
        node = cluster.get("node", worker.ipv4)
        labels, taints = node["metadata"]["labels"], node["spec"].get("taints", [])
        return (
            labels.get("node-role.kubernetes.io/infra") == ""
            and labels.get("node-role.kubernetes.io/log") == ""
            and labels.get("rack") == "r7"
            and {"key": "node-role.kubernetes.io/infra", "value": "reserved", "effect": "NoSchedule"} in taints
        )

    eventually(declared, timeout=60)
    assert "node-role.kubernetes.io/worker" not in cluster.get("node", worker.ipv4)["metadata"]["labels"]
    cluster.kubectl(
        "label", "node", worker.ipv4, "node-role.kubernetes.io/infra-", "rack=r8", "mine=1", "--overwrite"
    )
    cluster.kubectl("taint", "node", worker.ipv4, "node-role.kubernetes.io/infra-", "mine=1:PreferNoSchedule")
    eventually(declared, timeout=60)
    node = cluster.get("node", worker.ipv4)
    assert node["metadata"]["labels"]["mine"] == "1"
    assert {"key": "mine", "value": "1", "effect": "PreferNoSchedule"} in node["spec"]["taints"]
    described = cluster.kubectl("describe", "node", worker.ipv4).stdout
    assert "infra,log" in described.split("Roles:", 1)[1].splitlines()[0]


@pytest.mark.parameter(
    "Machine:spec.allowApps",
)
@pytest.mark.changes("Machine:spec.allowApps")
@pytest.mark.verify
def test_apps_on_the_control_plane_and_a_flag_that_nobody_knows(story: Story) -> None:
    """A refused flag stops before the first change; allowApps takes the taint away and brings it back."""
    machines = story.make_machines(1)
    before = machines[0].snapshot()
    story.platform.start("1.31.4")
    text = document(machines, each={0: {"allowApps": True}}, schedulerExtraArgs={"no-such-flag": "1"})
    story.platform.kubectl("apply", "-f", "-", stdin=text)
    cluster = Managed(story.platform, "demo")

    def refused() -> bool:
        return "unknown flag: --no-such-flag" in story.platform.kubectl("get", "cluster", "demo", "-o", "yaml").stdout

    eventually(refused, timeout=120)
    assert machines[0].changes_since(before) == []
    story.platform.kubectl("delete", "cluster", "demo", "--wait=true", "--timeout=60s")
    cluster = made(story, document(machines, each={0: {"allowApps": True}}))

    def shut() -> bool:
        taints = cluster.get("node", machines[0].name)["spec"].get("taints", [])
        return any(taint["key"] == "node-role.kubernetes.io/control-plane" for taint in taints)

    eventually(lambda: not shut(), timeout=30)
    acts = checks.acts(cluster)
    patch = '{"spec":{"allowApps":%s}}'
    story.platform.kubectl("patch", "machine", machines[0].name, "--type=merge", "-p", patch % "false")
    eventually(shut, timeout=30)
    story.platform.kubectl("patch", "machine", machines[0].name, "--type=merge", "-p", patch % "true")
    eventually(lambda: not shut(), timeout=30)
    assert checks.acts(cluster) == acts, "a taint is no reason to touch the machine"
    goes_without_a_trace(story, {machines[0].name: before})


# A cluster that is reached at another address, belongs to a Project, and whose wishes change while it runs.

OUTSIDE_PORT = 16443
DOMAIN = "lab.internal"


def project(name: str) -> dict[str, Any]:
    return {"apiVersion": "cluster.alauda.io/v1alpha1", "kind": "Project", "metadata": {"name": name}, "spec": {}}


def outside(machine: Machine) -> str:
    """Another address of the machine, at which the API answers on another port: what an address translation does."""
    address = f"10.203.{machine.ipv4.split('.')[2]}.{machine.ipv4.split('.')[3]}"
    machine.run(
        f"ip address add {address}/32 dev lo && "
        "nft add table ip outside && nft 'add chain ip outside in { type nat hook prerouting priority -100; }' && "
        f"nft add rule ip outside in ip daddr {address} tcp dport {OUTSIDE_PORT} redirect to :6443",
        via="ns",
    )
    run("ip", "route", "replace", f"{address}/32", "via", machine.ipv4)
    return address


def patch(story: Story, kind: str, name: str, spec: dict[str, Any]) -> None:
    story.platform.kubectl("patch", kind, name, "--type=merge", "-p", json.dumps({"spec": spec}))


@pytest.mark.parameter(
    "spec.displayName",
    "spec.annotations",
    "spec.project",
    "spec.onPremises.controlPlaneEndpoint.externalAccess",
    "spec.onPremises.network.dnsDomain",
    "spec.onPremises.monitoring",
    "Machine:spec.displayName",
    "Machine:spec.roles",
    "Machine:spec.labels",
    "Machine:spec.taints",
    "Machine:spec.ssh.hostKeys",
    "Machine:spec.ssh.address",
    "Machine:spec.ssh.port",
    "Machine:spec.ssh.user",
    "Machine:spec.ssh.credential",
)
@pytest.mark.changes(
    "spec.displayName",
    "spec.project",
    "spec.onPremises.monitoring",
    "Machine:spec.displayName",
    "Machine:spec.roles",
    "Machine:spec.labels",
    "Machine:spec.taints",
    "Machine:spec.ssh.hostKeys",
    "Machine:spec.ssh.address",
    "Machine:spec.ssh.port",
    "Machine:spec.ssh.user",
    "Machine:spec.ssh.credential",
)
@pytest.mark.verify
def test_reached_from_outside_and_changed_while_it_runs(story: Story) -> None:
    """External access, DNS domain, annotations, Project and trusted host keys; then everything that may change."""
    machines = story.make_machines(2)
    plane, worker = machines
    address = outside(plane)
    before = {machine.name: machine.snapshot() for machine in machines}
    story.platform.start("1.31.4")
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(project("shop"), project("depot")))
    eventually(lambda: platform_addresses(story), timeout=30)
    monitoring = {"type": "VictoriaMetrics", "machines": [worker.name]}
    text = document(
        machines,
        each={0: {"ssh": {"hostKeys": [plane.host_key]}}, 1: {"ssh": {"hostKeys": [plane.host_key]}}},
        cluster={"displayName": "Shop", "project": "shop", "annotations": {
            "cpaas.io/platform-url": "https://platform.example.com", "team": "shop"}},
        controlPlaneEndpoint={"host": plane.ipv4, "externalAccess": {"host": address, "port": OUTSIDE_PORT}},
        network={"dnsDomain": DOMAIN},
        monitoring=monitoring,
    )  # fmt: skip
    told = story.platform.kubectl("apply", "-f", "-", stdin=text).stderr
    assert "Warning: spec.annotations[cpaas.io/platform-url]: " in told
    told = eventually(lambda: machine_message(story, worker, "HostKeyChanged"), timeout=60)
    assert told.startswith(f"{worker.name} ({worker.ipv4}:22): ")
    # The session that looks at it is still open.
    changed = [one for one in plane.changes_since(before[plane.name]) if not one.startswith("added process:")]
    assert changed == [], "nothing is changed before every machine is known"
    patch(story, "machine", worker.name, {"ssh": {"hostKeys": [worker.host_key]}})
    cluster = Managed(story.platform, "demo")
    cluster.wait_available()

    warnings = cluster.object()["status"]["warnings"]
    assert any("is none of the platform's addresses" in one for one in warnings)
    assert not any("spec.project" in one for one in warnings), "it has joined by now"
    eventually(lambda: members(story, "shop") == {"demo": True}, timeout=30)
    assert cluster.object()["metadata"]["annotations"]["team"] == "shop"
    kept = cluster.get("configmap", "cluster-annotations", "-n", "kube-system")
    assert kept["data"] == {"cpaas.io__platform-url": "https://platform.example.com", "team": "shop"}
    assert address in server_names(plane)
    cluster.get("nodes")
    assert f"server: https://{address}:{OUTSIDE_PORT}" in cluster.kubeconfig.read_text()
    checks.works(cluster, count=2, version="1.31.4", domain=DOMAIN)
    what_may_change_changes(story, cluster, worker)
    goes_without_a_trace(story, before)
    run("ip", "route", "del", f"{address}/32")


def members(story: Story, name: str) -> dict[str, bool]:
    """The Clusters of a Project, and whether each has joined."""
    listed = story.platform.get("project", name).get("status", {}).get("clusters", [])
    return {item["name"]: item["joined"] for item in listed}


def platform_addresses(story: Story) -> list[str]:
    return list(story.platform.get("cluster", "global", "-n", "roost-system")["status"].get("addresses", []))


def machine_message(story: Story, machine: Machine, reason: str) -> str:
    conditions = story.platform.get("machine", machine.name).get("status", {}).get("conditions", [])
    return next((c["message"] for c in conditions if c["reason"] == reason and c["status"] == "False"), "")


def what_may_change_changes(story: Story, cluster: Managed, worker: Machine) -> None:
    """Names for people and declarations without an act on a machine; another way to sign in at the next look."""
    acts = checks.acts(cluster)
    patch(story, "cluster", "demo", {"displayName": "Shop floor", "project": "depot"})
    patch(story, "cluster", "demo", {"onPremises": {"monitoring": {"type": "Prometheus", "machines": [worker.name]}}})
    patch(story, "machine", worker.name, {"displayName": "Rack 7", "roles": ["log"], "labels": {"rack": "r7"}})
    eventually(lambda: members(story, "depot") == {"demo": True} and members(story, "shop") == {}, timeout=30)
    assert "Shop floor" in story.platform.kubectl("get", "clusters", "-o", "wide").stdout
    assert "Rack 7" in story.platform.kubectl("get", "machines", "-o", "wide").stdout

    def labels() -> dict[str, str]:
        return dict(cluster.get("node", worker.name)["metadata"]["labels"])

    eventually(lambda: labels().get("rack") == "r7" and "node-role.kubernetes.io/log" in labels(), timeout=60)
    taint = {"key": "node-role.kubernetes.io/log", "value": "reserved", "effect": "NoSchedule"}
    patch(story, "machine", worker.name, {"roles": ["log"], "labels": {"rack": "r8"}, "taints": [taint]})
    eventually(lambda: labels()["rack"] == "r8", timeout=60)
    eventually(lambda: taint in cluster.get("node", worker.name)["spec"].get("taints", []), timeout=30)
    patch(story, "machine", worker.name, {"roles": [], "labels": {"rack": None}, "taints": []})
    eventually(lambda: not {"rack", "node-role.kubernetes.io/log"} & set(labels()), timeout=60)
    assert cluster.get("node", worker.name)["spec"].get("taints", []) == []
    assert checks.acts(cluster) == acts, "nothing of this is a reason to touch a machine"

    # Another user, another port and another Secret, which signs in with a password.
    worker.run("systemd-run --quiet --unit=sshd-other /usr/sbin/sshd -D -p 2222 -o PidFile=none", via="ns")
    login = basic_auth("other", "operator", worker.password)
    login["stringData"]["sudo-password"] = worker.password
    story.platform.kubectl("apply", "-f", "-", stdin=as_file(login))
    ssh = {"address": worker.ipv4, "port": 2222, "user": "operator", "credential": {"name": "other"}}
    patch(story, "machine", worker.name, {"ssh": ssh})
    accepted = "journalctl -u sshd-other | grep -c 'Accepted password for operator'"
    eventually(lambda: int(worker.run(accepted, via="ns", check=False).stdout or 0) > 0, timeout=60)
    eventually(lambda: cluster.object()["status"]["phase"] == "Running", timeout=60)
    worker.run("systemctl stop sshd-other", via="ns")
    patch(story, "machine", worker.name, {"ssh": {"port": 22, "user": "root", "credential": {"name": "demo-ssh"}}})
