"""What programs (kubelet, kube-proxy, CNI plugins) will leave behind, declared before they first run.

Its apply only records in the journal which names exist before; undo removes those that match the
patterns and were not there. It stands first in a machine's list of things.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from roost.node.quote import lines, word
from roost.node.thing import Action, Blocked, Change, Observed, Payload


@dataclass(frozen=True)
class Residue:
    """Patterns are those of sh's `case`: `veth*`, `KUBE-*`.

    Undo works in this order: stop `stop_units`, remove all pods through `runtime_endpoint`, stop
    `runtime_unit`, kill what is left in the cgroups, then mounts, network namespaces, links, routes,
    chains, cgroups, settings, directories; then the journal's own entries in reverse.
    """

    name: str
    stop_units: tuple[str, ...] = ()
    runtime_unit: str = ""
    runtime_endpoint: str = "unix:///run/containerd/containerd.sock"
    directories: tuple[str, ...] = ()
    """Removed whole where absent before; else only the entries (one level) that were not there."""
    mounts: tuple[str, ...] = ()
    """Prefixes of mount points, such as /var/lib/kubelet/."""
    links: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    """Addresses, without a prefix, that programs put on an interface and that were not there before."""
    netns: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()
    """Chains of iptables, ip6tables (nft and legacy). The rules that jump to them go too, and so do
    tables and base chains that were not there before and are empty afterwards."""
    nft_tables: tuple[str, ...] = ()
    """Whole nft tables by name, such as kube-proxy's own in nftables mode."""
    routes: tuple[str, ...] = ()
    """Prefixes (CIDR) whose routes go, such as the pod network."""
    cgroups: tuple[str, ...] = ()
    """Names of top-level control groups: kubepods, kubepods.slice."""
    sysctls: tuple[str, ...] = ()
    """Settings that the programs change at run time; set back to what they were."""

    @property
    def key(self) -> str:
        return f"residue:{self.name}"

    def declaration(self) -> str:
        """`KIND VALUE` per line; kept in the journal and read by undo.sh."""
        kinds: tuple[tuple[str, tuple[str, ...]], ...] = (
            ("stop", self.stop_units),
            ("runtime", (self.runtime_unit,) if self.runtime_unit else ()),
            ("endpoint", (self.runtime_endpoint,) if self.runtime_unit else ()),
            ("directory", self.directories),
            ("mount", self.mounts),
            ("link", self.links),
            ("address", self.addresses),
            ("netns", self.netns),
            ("chain", self.chains),
            ("table", self.nft_tables),
            ("route", self.routes),
            ("cgroup", self.cgroups),
            ("sysctl", self.sysctls),
        )
        return lines([f"{kind} {value}" for kind, values in kinds for value in values])

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.declaration().encode()).hexdigest()

    def observe(self) -> str:
        return f"residue_state {word(self.name)}"

    def diff(self, observed: Observed) -> Change | Blocked | None:
        if observed["digest"] == self.digest:
            return None
        action = Action.UPDATE if observed["digest"] else Action.CREATE
        return Change(self.key, action, f"record what exists before {self.name} runs")

    def apply(self, change: Change) -> str:  # noqa: ARG002
        return f"residue_record {word(self.name)} {self.digest} {self.declaration()}"

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return ()
