"""Tells machines which kernel modules there are.

Where the box's kernel has modules, machines see its directory of them. Where all is built in, there is no such
directory, and `modprobe overlay` would fail though overlay is there; a real machine of that kind has a list of what
is built in, so one is made from the kernel's own configuration. Called by `identity`.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path

from lab.machines import host

HOST_MODULES = Path("/lib/modules")
CONFIG = Path("/proc/config.gz")

# configuration option -> modules, for what Kubernetes nodes, networks and storage ask for
BY_OPTION = {
    "OVERLAY_FS": "overlay",
    "BRIDGE": "bridge",
    "BRIDGE_NETFILTER": "br_netfilter",
    "VETH": "veth",
    "VXLAN": "vxlan",
    "GENEVE": "geneve",
    "WIREGUARD": "wireguard",
    "MACVLAN": "macvlan",
    "IPVLAN": "ipvlan",
    "DUMMY": "dummy",
    "TUN": "tun",
    "VLAN_8021Q": "8021q",
    "OPENVSWITCH": "openvswitch",
    "NET_IPIP": "ipip",
    "NF_CONNTRACK": "nf_conntrack",
    "NF_NAT": "nf_nat",
    "NF_TABLES": "nf_tables",
    "NETFILTER_NETLINK": "nfnetlink",
    "NETFILTER_NETLINK_QUEUE": "nfnetlink_queue",
    "NETFILTER_XTABLES": "x_tables",
    "IP_NF_IPTABLES": "ip_tables",
    "IP_NF_FILTER": "iptable_filter",
    "IP_NF_NAT": "iptable_nat",
    "IP_NF_MANGLE": "iptable_mangle",
    "IP_NF_RAW": "iptable_raw",
    "IP6_NF_IPTABLES": "ip6_tables",
    "IP6_NF_FILTER": "ip6table_filter",
    "IP6_NF_NAT": "ip6table_nat",
    "IP6_NF_MANGLE": "ip6table_mangle",
    "IP_SET": "ip_set",
    "IP_VS": "ip_vs",
    "EXT4_FS": "ext4",
    "XFS_FS": "xfs",
    "BTRFS_FS": "btrfs",
    "FUSE_FS": "fuse",
    "NFS_FS": "nfs",
    "BLK_DEV_LOOP": "loop",
    "BLK_DEV_DM": "dm_mod",
    "IKCONFIG": "configs",
}
# option pattern -> how the module's name is made from the rest of it
BY_PATTERN: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (re.compile(r"NETFILTER_XT_(?:MATCH)_(\w+)$"), lambda rest: f"xt_{rest.lower()}"),
    (re.compile(r"NETFILTER_XT_(?:TARGET)_(\w+)$"), lambda rest: f"xt_{rest}"),
    (re.compile(r"NETFILTER_XT_((?:NAT|MARK|CONNMARK|SET))$"), lambda rest: f"xt_{rest.lower()}"),
    (re.compile(r"NFT_(\w+)$"), lambda rest: f"nft_{rest.lower()}"),
    (re.compile(r"IP_VS_(RR|WRR|LC|SH)$"), lambda rest: f"ip_vs_{rest.lower()}"),
    (re.compile(r"IP_SET_(HASH_\w+|BITMAP_\w+|LIST_SET)$"), lambda rest: f"ip_set_{rest.lower()}"),
    (re.compile(r"NET_SCH_(\w+)$"), lambda rest: f"sch_{rest.lower()}"),
)


def built_in(config: str) -> list[str]:
    """Names of the modules that a kernel with this configuration has built in."""
    names: set[str] = set()
    for line in config.splitlines():
        match = re.match(r"CONFIG_(\w+)=y$", line)
        if not match:
            continue
        option = match[1]
        if option in BY_OPTION:
            names.add(BY_OPTION[option])
        for pattern, name in BY_PATTERN:
            found = pattern.match(option)
            if found:
                names.add(name(found[1]))
    return sorted(names)


def host_directory() -> Path | None:
    """The box's own directory of modules for the running kernel, where it has one."""
    return HOST_MODULES if (HOST_MODULES / os.uname().release / "modules.dep").exists() else None


def write_list(root: Path) -> None:
    """Writes the list of built-in modules, with depmod's index of it, under a machine's /usr."""
    if host_directory() is not None or not CONFIG.exists():
        return
    release = os.uname().release
    names = built_in(gzip.decompress(CONFIG.read_bytes()).decode())
    directory = root / "usr/lib/modules" / release
    directory.mkdir(parents=True)
    (directory / "modules.builtin").write_text("".join(f"kernel/{name}.ko\n" for name in names))
    (directory / "modules.order").write_text("")
    host.run("depmod", "--basedir", str(root / "usr"), release)
