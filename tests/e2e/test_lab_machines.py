"""The lab itself, for real: machines are made, changed, broken, switched and removed.

In a lab of its own number, so that it can run beside the one that stories use.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.machines import collect
from lab.machines.lab import RAISED, Lab
from lab.machines.machine import CommandFailed, Machine
from lab.machines.settings import LabError, Settings

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
NUMBER = 98


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(Settings(NUMBER, tmp_path_factory.mktemp("lab") / "state", Settings.from_environment().cache))
    yield made
    made.down()


@pytest.fixture(scope="module")
def machines(lab: Lab) -> list[Machine]:
    return lab.up(2)


@pytest.fixture(scope="module")
def one(machines: list[Machine]) -> Machine:
    return machines[0]


@pytest.fixture(scope="module")
def two(machines: list[Machine]) -> Machine:
    return machines[1]


def box_values() -> dict[str, str]:
    """Values of the box that machines see as their own, or that must not be theirs to change."""
    names = ("kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory", "net/ipv4/ip_forward")
    return {name: Path("/proc/sys", name).read_text() for name in names}


def test_machines_are_ready_bare_and_different(machines: list[Machine]) -> None:
    seen = [m.run("cat /etc/machine-id; hostname; cat /etc/ssh/ssh_host_ed25519_key.pub").stdout for m in machines]
    assert seen[0].split()[0] != seen[1].split()[0]
    for machine, text in zip(machines, seen, strict=True):
        assert text.splitlines()[1] == machine.name
        assert machine.host_key in text
        assert machine.run("systemctl is-system-running").stdout.strip() == "running"
        absent = machine.run("command -v containerd kubelet runc haproxy curl python3", check=False)
        assert absent.stdout == ""
    assert machines[0].password != machines[1].password


def test_ways_of_signing_in(one: Machine) -> None:
    assert one.run("id -un", user="root", login="password").stdout == "root\n"
    for user in ("admin", "operator"):
        assert one.run("id -un", user=user).stdout == f"{user}\n"
        assert one.run("id -un", user=user, login="password").stdout == f"{user}\n"
    assert one.run("sudo -n id -un", user="admin").stdout == "root\n"
    assert one.run("sudo -n id -un", user="operator", check=False).returncode != 0
    assert one.run("sudo -S -p '' id -un", user="operator", stdin=one.password + "\n").stdout == "root\n"


def test_a_failing_command_names_machine_and_evidence(one: Machine) -> None:
    with pytest.raises(CommandFailed, match=r"node1: `ls /nowhere` ended with 2: .*No such file"):
        one.run("ls /nowhere")
    with pytest.raises(LabError, match="node1: `sleep 5` did not end within"):
        one.run("sleep 5", timeout=0.5)


def test_machines_reach_each_other_and_nothing_outside(one: Machine, two: Machine) -> None:
    for address in (two.ipv4, two.ipv6, two.name):
        one.run(["ping", "-c1", "-W2", address])
    started = time.monotonic()
    assert one.run("getent hosts registry.example", check=False).returncode == 2
    assert time.monotonic() - started < 3
    assert one.run("ping -c1 -W1 192.0.2.1", check=False).returncode != 0


def test_given_names_are_answered(lab: Lab, one: Machine, two: Machine) -> None:
    lab.give_name("k8s.example", [two.ipv4])
    assert one.run("getent ahostsv4 k8s.example").stdout.split()[0] == two.ipv4
    lab.give_name("k8s.example", [])
    assert one.run("getent hosts k8s.example", check=False).returncode == 2


def test_what_a_container_runtime_needs(one: Machine) -> None:
    one.run(
        "set -e; cd /var/lib/containerd; mkdir l u w m;"
        " mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w m; touch m/x; test -e u/x; umount m;"
        " rm -r l u w m"
    )
    one.run("mount --make-rshared /")
    assert one.run("findmnt -no PROPAGATION /").stdout == "shared\n"
    for controller in ("cpu", "memory", "pids", "cpuset", "blkio", "devices", "freezer"):
        group = f"/sys/fs/cgroup/{controller}/kubepods"
        one.run(f"set -e; mkdir {group}; sh -c 'echo $$ >{group}/cgroup.procs'; rmdir {group}")
    one.run("modprobe overlay; modprobe br_netfilter")
    assert one.run("systemd-run --wait --pipe --quiet --collect echo done").stdout == "done\n"
    second = "systemd-run -q --unit=act --collect sleep 60 && systemd-run -q --unit=act --collect true"
    assert one.run(second, check=False).returncode != 0
    one.run("systemctl stop act")


def test_sysctls_are_the_machine_s_own(one: Machine) -> None:
    before, box = one.snapshot(), box_values()
    wanted = {"kernel.panic": 10, "kernel.panic_on_oops": 1, "vm.overcommit_memory": 1, "net.ipv4.ip_forward": 1}
    one.run(["sysctl", "-w", *(f"{name}={value}" for name, value in wanted.items())])
    assert box_values() == box
    changes = one.changes_since(before)
    assert {name for name in wanted if f"changed sysctl:{name}: 0 -> {wanted[name]}" in changes} == set(wanted)
    one.run(["sysctl", "-w", *(f"{name}=0" for name in wanted)])
    assert one.changes_since(before) == []


def test_an_idle_machine_is_the_same_twice_and_after_reboots(one: Machine) -> None:
    before = one.snapshot()
    one.run("sudo -n true", user="admin")
    assert one.changes_since(before) == []
    boots = one.boots
    one.run("systemctl reboot", check=False)
    started = time.monotonic()
    one.wait_boot(boots)
    assert time.monotonic() - started < 10
    assert one.changes_since(before) == []
    one.power_off()
    assert one.leader is None
    with pytest.raises(LabError, match=r"node1 is switched off: .*power node1 on"):
        one.run("true", via="ns")
    one.power_on()
    assert one.changes_since(before) == []


def test_every_kind_of_change_is_seen_and_disks_outlive_power(one: Machine) -> None:
    before = one.snapshot()
    one.run(
        "set -e; echo x >/etc/new; rm /etc/motd; rm -r /etc/skel; mkdir /etc/skel; echo k >/var/lib/kubelet/f;"
        " iptables -t nat -A POSTROUTING -s 10.244.0.0/16 -j MASQUERADE; nft add table inet left;"
        " ip link add left0 type vxlan id 5 dstport 8472 dev host0; ip rule add from 192.0.2.1 lookup 7;"
        " ip route add 198.51.100.0/24 via 10.209.98.1; mkdir -p /run/left; mkdir /sys/fs/cgroup/cpu/left;"
        " mount -t tmpfs left /mnt; systemctl mask -q ssh.socket;"
        " systemd-run -q --unit=left --collect socat TCP-LISTEN:9999 -"
    )
    text = "\n".join(one.changes_since(before))
    for line in (
        "added file:/etc/new: -rw-r--r-- 0:0 sha256:",
        "added file:/etc/motd: deleted",
        "added file:/etc/skel/.bashrc: deleted",
        "added file:/var/lib/kubelet/f",
        "changed iptables: +-A POSTROUTING -s 10.244.0.0/16 -j MASQUERADE",
        "changed nft: +table inet left {",
        "added link:left0",
        "changed rule: +4 32765:\tfrom 192.0.2.1 lookup 7",
        'added route4:{"dev": "host0", "dst": "198.51.100.0/24"',
        "added run:/run/left",
        "added cgroup:/cpu/left",
        "added mount:/mnt",
        "changed unit-file:ssh.socket: disabled enabled -> masked enabled",
        "added unit:left.service",
        "added listen:tcp 0.0.0.0:9999 socat",
        "added process:root",
    ):
        assert line in text
    assert "sysctl:net.ipv4.conf.left0" not in text
    listed = collect.changes(one)
    assert {"added    /etc/new", "deleted  /etc/motd", "deleted  /etc/skel/.bashrc"} <= set(listed)
    assert "outside  /var/lib/kubelet/f (2 bytes)" in listed

    one.power_off()
    one.power_on()
    assert one.run("cat /etc/new /var/lib/kubelet/f; test ! -e /etc/motd").stdout == "x\nk\n"
    left = "\n".join(one.changes_since(before))
    assert "iptables" not in left
    assert "link:left0" not in left


def test_faults_of_a_link_and_how_they_end(one: Machine, two: Machine) -> None:
    two.cut()
    assert one.run(["ping", "-c1", "-W1", two.ipv4], check=False).returncode != 0
    assert two.run("cat /sys/class/net/host0/carrier", via="ns").stdout == "1\n"
    two.mend()
    one.run(["ping", "-c3", "-W1", two.ipv4])
    two.loss(50)
    counted = one.run(["ping", "-q", "-c200", "-i0.005", "-W1", two.ipv4], check=False).stdout
    lost = float(counted.split("% packet loss")[0].split()[-1])
    assert 55 < lost < 92  # half each way: three quarters
    two.mend()
    two.rate("8mbit")
    started = time.monotonic()
    two.run("head -c 2000000 /dev/zero")
    assert time.monotonic() - started > 1.5
    started = time.monotonic()
    two.run("cat >/dev/null", stdin="x" * 2_000_000)
    assert time.monotonic() - started > 1.5
    two.cut()
    two.reboot()
    assert one.run(["ping", "-c1", "-W1", two.ipv4], check=False).returncode != 0
    two.mend()
    one.run(["ping", "-c1", "-W2", two.ipv4])


def test_collect_tells_of_machines_on_and_off(lab: Lab, one: Machine, two: Machine, tmp_path: Path) -> None:
    two.run("logger the-last-words; mkdir -p /var/log/pods/p; echo from-a-pod >/var/log/pods/p/0.log; sync")
    two.run("journalctl --sync")
    two.power_off()
    assert collect.collect(lab.machines(), tmp_path / "all") == []
    for file in ("journal.txt", "iptables.txt", "mounts.txt", "processes.txt", "machine.json", "console.log"):
        assert (tmp_path / "all/node1" / file).stat().st_size > 0, file
    assert "the-last-words" in (tmp_path / "all/node2/journal.txt").read_text()
    assert (tmp_path / "all/node2/var-log-pods/p/0.log").read_text() == "from-a-pod\n"
    everything = b"".join(path.read_bytes() for path in (tmp_path / "all").rglob("*") if path.is_file())
    assert one.password.encode() not in everything
    two.power_on()


def test_keep_leaves_machines_as_they_are_and_adds_what_is_missing(lab: Lab, one: Machine, two: Machine) -> None:
    leader, addresses = one.leader, [one.ipv4, two.ipv4]
    two.power_off()
    made = lab.up(names=["node1", "node2", "extra"], keep=True)
    assert [m.ipv4 for m in made][:2] == addresses
    assert made[2].ipv4 not in addresses
    assert one.leader == leader
    assert made[1].run("hostname").stdout == "node2\n"
    lab.down(["extra"])
    assert [m.name for m in lab.machines()] == ["node1", "node2"]
    assert one.leader == leader


def test_whatever_a_killed_run_left_is_cleared_and_nothing_stays(lab: Lab, tmp_path: Path) -> None:
    """Last, since it ends the machines of all the others."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "ROOST_LAB_NUMBER": str(NUMBER)}
    environment |= {"ROOST_LAB_STATE": str(lab.settings.state), "ROOST_LAB_CACHE": str(lab.settings.cache)}
    for after in (0.3, 0.9, 1.6):
        killed = subprocess.Popen(
            [sys.executable, "-m", "lab", "up", "--machines", "2"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        time.sleep(after)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    made = lab.up(["fresh"])
    assert made[0].run("hostname").stdout == "fresh\n"
    # An orphan: its supervisor is gone, so nobody cleans up after it.
    for pid in lab.processes(supervisors_only=True):
        subprocess.run(["kill", "-9", str(pid)], check=True)
    assert any(line.startswith("process") for line in lab.held())
    lab.down()
    # Another lab on this box, if there is one, still needs the raised limits.
    assert [line for line in lab.held() if not line.startswith("raised sysctls")] == []
    if not list(Path("/sys/class/net").glob("roostlab*")):
        assert lab.held() == []
        assert {int(Path("/proc/sys", name).read_text()) for name in RAISED}.isdisjoint(RAISED.values())
    assert list(Path("/run/systemd/nspawn").glob("*/rl98-*")) == []
