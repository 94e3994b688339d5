import json

import pytest

from lab.machines.settings import LabError
from lab.machines.snapshot import IGNORED, RUNNING, compare, parse

SECTIONS = {
    "iptables": "",
    "ip6tables": "",
    "nft": "",
    "link": json.dumps([{"ifname": "host0", "ifindex": 2, "mtu": 1500, "qdisc": "noqueue", "stats64": {"rx": 1}}]),
    "addr": json.dumps(
        [{"ifname": "host0", "addr_info": [{"local": "10.0.0.2", "prefixlen": 24, "valid_life_time": 9}]}]
    ),
    "route4": json.dumps([{"dst": "default", "gateway": "10.0.0.1", "flags": []}]),
    "route6": "[]",
    "rule": "4 0:\tfrom all lookup local",
    "mounts": "30 1 0:9 / / rw,relatime shared:7 - overlay lab rw,lowerdir=a",
    "sysctls": "/proc/sys/net/ipv4/ip_forward:0\n/proc/sys/kernel/random/uuid:abc",
    "units": (
        "ssh.service loaded active running OpenBSD\n"
        "● lost.service not-found inactive dead x\n"
        "a.mount loaded active mounted A"
    ),
    "unit-files": "ssh.service enabled enabled",
    "processes": "root /lib/systemd/systemd\nroot x\nroot x",
    "cgroups": "/sys/fs/cgroup/cpu",
    "listening": 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=5,fd=3))',
    "modules": "",
    "run": "/run/lock drwxr-xr-x root:root",
    "transient": "",
    "host": "node1",
}


def state(end: bool = True, **changed: str) -> str:
    text = "".join(f"=== {name}\n{body}\n" for name, body in (SECTIONS | changed).items())
    return text + ("=== end\n" if end else "")


def differences(**changed: str) -> list[str]:
    return compare(parse(state()), parse(state(**changed)))


def test_the_same_state_is_no_difference() -> None:
    assert differences() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"link": json.dumps([{"ifname": "host0", "ifindex": 9, "mtu": 1500, "qdisc": "tbf", "stats64": {"rx": 8}}])},
        {"addr": SECTIONS["addr"].replace("9", "8")},
        {"mounts": SECTIONS["mounts"].replace("shared:7", "shared:8").replace("30 1 0:9", "31 2 0:10")},
        {"sysctls": SECTIONS["sysctls"].replace("abc", "def")},
        {"units": SECTIONS["units"].splitlines()[0]},
        {"units": SECTIONS["units"] + "\nsession-3.scope loaded active running s"},
        {"processes": SECTIONS["processes"] + "\nroot sshd: root@notty"},
        {"listening": SECTIONS["listening"].replace("pid=5,fd=3", "pid=6,fd=4")},
        {"iptables": "# by hand\n*filter\n:INPUT ACCEPT [4:9]\nCOMMIT"},
        {"run": SECTIONS["run"] + "\n/run/utmp -rw-rw-r-- root:utmp"},
    ],
)
def test_what_changes_by_itself_is_no_difference(changed: dict[str, str]) -> None:
    assert differences(**changed) == []


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"link": SECTIONS["link"].replace("1500", "1450")}, "changed link:host0"),
        ({"addr": "[]"}, "removed addr:host0:10.0.0.2/24"),
        ({"route4": "[]"}, "removed route4:"),
        ({"rule": SECTIONS["rule"] + "\n4 5:\tfrom all lookup 7"}, "changed rule: +4 5:\tfrom all lookup 7"),
        ({"mounts": SECTIONS["mounts"].replace("shared:7 ", "")}, "changed mount:/"),
        ({"sysctls": "/proc/sys/net/ipv4/ip_forward:1"}, "changed sysctl:net.ipv4.ip_forward: 0 -> 1"),
        ({"units": SECTIONS["units"].replace("running", "failed")}, "changed unit:ssh.service"),
        ({"unit-files": "ssh.service disabled enabled"}, "changed unit-file:ssh.service"),
        ({"processes": "root /lib/systemd/systemd\nroot x"}, "changed process:root x: present 2 times -> present"),
        ({"cgroups": SECTIONS["cgroups"] + "\n/sys/fs/cgroup/cpu/kubepods"}, "added cgroup:/cpu/kubepods"),
        ({"listening": ""}, "removed listen:tcp 0.0.0.0:22 sshd"),
        ({"modules": "br_netfilter 1 0"}, "added module:br_netfilter"),
        ({"run": SECTIONS["run"] + "\n/run/flannel drwxr-xr-x root:root"}, "added run:/run/flannel"),
        ({"nft": "table ip nat {\n}"}, "changed nft: +table ip nat {"),
        ({"iptables": "*nat\n:P ACCEPT [1:2]\n[3:4] -A P -j X\nCOMMIT"}, "changed iptables: +-A P -j X"),
        ({"host": "other"}, "changed host: node1 -> other"),
    ],
)
def test_what_somebody_changed_is_one(changed: dict[str, str], line: str) -> None:
    assert any(each.startswith(line) for each in differences(**changed)), differences(**changed)


def test_values_of_an_interface_that_came_are_not_listed_beside_it() -> None:
    links = json.dumps([*json.loads(SECTIONS["link"]), {"ifname": "cni0", "mtu": 1450}])
    found = differences(link=links, sysctls=SECTIONS["sysctls"] + "\n/proc/sys/net/ipv4/conf/cni0/rp_filter:0")
    assert [line.split(": ")[0] for line in found] == ["added link:cni0"]


def test_half_a_state_is_refused() -> None:
    with pytest.raises(LabError, match="to the end"):
        parse(state(end=False))


def test_a_running_node_may_write_its_own_trees_and_nothing_else() -> None:
    keys = ["file:/var/lib/kubelet/pods/x", "file:/var/lib/etcd/member/wal/0", "file:/etc/kubernetes/x"]
    found = compare({}, dict.fromkeys(keys, "x"), [*IGNORED, *RUNNING])
    assert found == ["added file:/etc/kubernetes/x: x"]


def test_the_lists_of_what_may_differ_stay_short() -> None:
    assert len(IGNORED) <= 12
    assert len(RUNNING) <= 12
    assert all(each.reason for each in (*IGNORED, *RUNNING))
