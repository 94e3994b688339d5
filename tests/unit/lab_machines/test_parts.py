"""The decisions of the lab's parts that need no machine."""

import json
import struct
from pathlib import Path

import pytest

from lab.machines import baseroot, cgroups, cli, identity, modules, nameserver, network, overlay, supervisor
from lab.machines.settings import LabError, Settings

SETTINGS = Settings(4, Path("/s"), Path("/c"))
NODE = identity.Identity("node1", 2, SETTINGS.ipv4(2), SETTINGS.ipv6(2), "0" * 32, "/base")

MOUNTINFO = """\
30 25 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
34 30 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
"""


def test_own_control_groups_in_every_mounted_hierarchy() -> None:
    text = "5:memory:/here\n4:cpu,cpuacct:/\n3:devices:/not-mounted\n1:name=systemd:/a/b\n0::/c\n"
    assert {str(group) for group in cgroups.own_groups(text, MOUNTINFO)} == {
        "/sys/fs/cgroup/memory/here",
        "/sys/fs/cgroup/cpu,cpuacct",
        "/sys/fs/cgroup/systemd/a/b",
        "/sys/fs/cgroup/unified/c",
    }


def test_a_lab_weighs_as_much_as_its_machines(tmp_path: Path) -> None:
    for name in ("node1", "node2"):
        (tmp_path / name).mkdir()
    cgroups.weigh(tmp_path)
    assert not (tmp_path / "cpu.shares").exists(), "another hierarchy"
    (tmp_path / "cpu.shares").write_text("1024\n")
    cgroups.weigh(tmp_path)
    assert (tmp_path / "cpu.shares").read_text() == "4096"


@pytest.mark.parametrize(("text", "percent"), [("20%", 20), ("0", 0), ("2.5%", 2.5), ("100%", 100)])
def test_loss(text: str, percent: float) -> None:
    assert network.parse_loss(text) == percent


@pytest.mark.parametrize("text", ["", "much", "-1", "101%"])
def test_loss_that_is_none(text: str) -> None:
    with pytest.raises(LabError, match="such as 20%"):
        network.parse_loss(text)


def test_rate() -> None:
    assert network.parse_rate("10Mbit") == ("10mbit", 10_000_000)
    assert network.parse_rate("1.5gbit") == ("1.5gbit", 1_500_000_000)


@pytest.mark.parametrize("text", ["", "10", "10mb", "0mbit", "fast"])
def test_rate_that_is_none(text: str) -> None:
    with pytest.raises(LabError, match="such as 10mbit"):
        network.parse_rate(text)


def test_link_says_its_faults_and_survives_its_file(tmp_path: Path) -> None:
    faults = network.Link(loss_percent=20, rate="10mbit")
    faults.save(tmp_path / "link.json")
    assert network.Link.load(tmp_path / "link.json") == faults
    assert network.Link.load(tmp_path / "none.json") == network.Link()
    assert [str(link) for link in (network.Link(), faults, network.Link(cut=True, rate="1mbit"))] == [
        "whole",
        "loss 20%, rate 10mbit",
        "cut",
    ]


def test_only_a_firewall_that_could_stop_packets_is_opened() -> None:
    assert not network.filters("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT DROP\n-A OUTPUT -j ACCEPT")
    assert network.filters("-P INPUT ACCEPT\n-P FORWARD DROP")
    assert network.filters("-P INPUT ACCEPT\n-A INPUT -i lo -j ACCEPT")


def test_builtin_modules_of_a_configuration() -> None:
    config = "CONFIG_OVERLAY_FS=y\nCONFIG_BRIDGE_NETFILTER=y\nCONFIG_NETFILTER_XT_MATCH_COMMENT=y\n"
    config += "CONFIG_NETFILTER_XT_TARGET_MASQUERADE=y\nCONFIG_VXLAN=m\n# CONFIG_GENEVE is not set\nCONFIG_SMP=y\n"
    assert modules.built_in(config) == ["br_netfilter", "overlay", "xt_MASQUERADE", "xt_comment"]


def test_sources_of_the_suite_are_told_from_others() -> None:
    assert baseroot.is_debian_source(
        "Types: deb\nURIs: http://m\nSuites: bookworm bookworm-updates\nComponents: main\n"
    )
    assert baseroot.is_debian_source("deb [signed-by=/k] http://m bookworm main contrib\n")
    assert not baseroot.is_debian_source("Types: deb\nURIs: http://m\nSuites: nodistro\nComponents: main\n")
    assert not baseroot.is_debian_source("#deb http://m bookworm main\ndeb http://m other-bookworm main\n")


def test_the_base_root_has_nothing_that_the_product_must_bring() -> None:
    forbidden = {"curl", "wget", "containerd", "runc", "docker.io", "haproxy", "keepalived", "python3", "chrony"}
    assert not forbidden & set(baseroot.PACKAGES)


def test_every_part_of_the_recipe_counts_for_its_name() -> None:
    recipe = baseroot.recipe()
    keys = {baseroot.key(recipe)} | {baseroot.key(recipe | {name: "other"}) for name in recipe}
    assert len(keys) == len(recipe) + 1


def test_hosts_name_the_machine_by_its_address() -> None:
    assert "10.209.4.13\tnode1\n" in identity.hosts_file(NODE)


def test_network_of_a_machine() -> None:
    text = identity.network_file(NODE, SETTINGS)
    for line in ("Address=10.209.4.13/24", "Address=fd00:209:0:4::13/64", "Gateway=10.209.4.1"):
        assert line in text.splitlines()


def test_passwords_only_of_those_who_sign_in() -> None:
    base = "root:*:1::::::\nbin:*:1::::::\nadmin:!:1::::::\noperator:!:1::::::\n"
    assert identity.shadow_file(base, "HASH") == (
        "root:HASH:1::::::\nbin:*:1::::::\nadmin:HASH:1::::::\noperator:HASH:1::::::\n"
    )


def test_the_container_is_named_and_placed_by_the_lab() -> None:
    argv = supervisor.container_argv(SETTINGS, NODE)
    assert "--machine=rl4-node1" in argv
    assert "--network-bridge=roostlab4" in argv
    assert "--bind=/s/machines/node1/disk/containerd:/var/lib/containerd" in argv


def test_mounts_below_a_directory_deepest_first() -> None:
    points = ("/", "/a/b", "/a/b/c", "/a/bb")
    info = "".join(f"1 0 0:1 / {point} rw - ext4 a rw\n" for point in points)
    assert overlay.mounts_below(Path("/a/b"), info) == ["/a/b/c", "/a/b"]


def test_what_was_put_back_as_it_was_is_no_change(tmp_path: Path) -> None:
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    for root in (upper, lower):
        (root / "etc").mkdir(parents=True)
        (root / "etc/same").write_text("same")
        (root / "etc/mode").write_text("same")
        (root / "etc/text").write_text(root.name)
    (upper / "etc/mode").chmod(0o600)
    (upper / "etc/new").mkdir()
    (upper / "etc/new/link").symlink_to("/etc/same")
    found = {change.path: change.kind for change in overlay.changes(upper, [tmp_path / "seed", lower])}
    assert found == {
        "/etc/mode": "changed",
        "/etc/text": "changed",
        "/etc/new": "added",
        "/etc/new/link": "added",
    }


def query(name: str, kind: int = 1, flags: int = 0x0100) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack("!HHHHHH", 7, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


@pytest.mark.parametrize(
    ("name", "kind", "code", "answers"),
    [
        ("Node1", 1, 0, [bytes([10, 209, 0, 11])]),
        ("node1", 28, 0, [bytes.fromhex("fd000209000000000000000000000011")]),
        ("node1", 15, 0, []),
        ("example.org", 1, 3, []),
    ],
)
def test_name_server(name: str, kind: int, code: int, answers: list[bytes]) -> None:
    reply = nameserver.answer(query(name, kind), {"node1": ["10.209.0.11", "fd00:209::11"]})
    assert reply is not None
    number, flags, _, count, _, _ = struct.unpack_from("!HHHHHH", reply)
    assert (number, flags & 0xF, flags >> 15, count) == (7, code, 1, len(answers))
    assert [reply[-len(each) :] for each in answers] == answers


@pytest.mark.parametrize("message", [b"", b"short", query("node1", flags=0x8000), query("node1")[:-3]])
def test_name_server_is_silent_at_what_is_no_question(message: bytes) -> None:
    assert nameserver.answer(message, {}) is None


def test_name_server_knows_machines_and_given_names(tmp_path: Path) -> None:
    settings = Settings(0, tmp_path, tmp_path)
    (tmp_path / "machines/node1").mkdir(parents=True)
    record = {"name": "node1", "ipv4": "10.209.0.11", "ipv6": "fd00:209::11"}
    (tmp_path / "machines/node1/machine.json").write_text(json.dumps(record))
    nameserver.given_file(tmp_path).write_text(json.dumps({"k8s.example": ["10.209.0.11"]}))
    known = nameserver.table(settings)
    assert known["node1.lab"] == known["node1"] == ["10.209.0.11", "fd00:209::11"]
    assert known["k8s.example"] == ["10.209.0.11"]


def test_help_of_link_says_what_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["link", "--help"])
    assert "A delay is not offered" in capsys.readouterr().out
