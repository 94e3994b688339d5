"""etcd's members as etcdctl on a control plane shows them, and what a change of them would mean for the quorum.

Called before a control plane joins and before one is taken out. Pure, but for the scripts that are sent.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from roost.providers.onprem.kubeadm.produced import PATH
from roost.providers.onprem.kubeadm.run import PKI

_CTL: Final = (
    "etcdctl --endpoints https://127.0.0.1:2379 --command-timeout=4s --dial-timeout=2s "
    f"--cacert {PKI}/etcd/ca.crt --cert {PKI}/etcd/healthcheck-client.crt --key {PKI}/etcd/healthcheck-client.key"
)
_CONTAINER: Final = "id=$(crictl ps --quiet --state running --name '^etcd$' 2>/dev/null | head -n 1)"

MEMBERS: Final = f"""\
{_CONTAINER}
if [ -n "$id" ]; then
  field members "$(crictl exec "$id" {_CTL} --write-out json member list 2>&1 | tail -n 1)"
  field health "$(crictl exec "$id" {_CTL} --write-out json endpoint health --cluster 2>/dev/null | tail -n 1)"
fi
"""
"""sh that prints the members and their health, by the etcd of this machine. Uses lib.sh."""


def removal(identifier: int) -> str:
    """sh that takes one member out, asked of the etcd of this machine. Once it is gone, that is well too."""
    return (
        f"{PATH}\n{_CONTAINER}\n"
        '[ -n "$id" ] || { echo "etcd does not run on this machine"; exit 1; }\n'
        f'said=$(crictl exec "$id" {_CTL} member remove {identifier:x} 2>&1) && exit 0\n'
        'case $said in *"member not found"*) exit 0 ;; esac\n'
        'echo "$said" | tail -n 3\nexit 1\n'
    )


@dataclass(frozen=True)
class Member:
    identifier: int
    name: str
    """Empty until it has started."""
    host: str
    """Of its peer address."""
    learner: bool = False
    healthy: bool = False

    @property
    def started(self) -> bool:
        return bool(self.name)

    @property
    def title(self) -> str:
        return f"{self.name or 'a member that never started'} ({self.host})"


def read(members: str, health: str) -> list[Member] | None:
    """From what MEMBERS printed; None when etcd gave no list."""
    try:
        listed = cast("list[dict[str, Any]]", json.loads(members)["members"])
    except (ValueError, KeyError, TypeError):
        return None
    try:
        answered = cast("list[dict[str, Any]]", json.loads(health))
        well = {_host(str(each["endpoint"])) for each in answered if each.get("health")}
    except (ValueError, KeyError, TypeError):
        well = set[str]()
    return [
        Member(
            identifier=int(each["ID"]),
            name=str(each.get("name", "")),
            host=_host(cast("list[str]", each.get("peerURLs") or [""])[0]),
            learner=bool(each.get("isLearner")),
            healthy=any(_host(url) in well for url in cast("list[str]", each.get("clientURLs") or [])),
        )
        for each in listed
    ]


def _host(url: str) -> str:
    host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def quorum(voters: int) -> int:
    return voters // 2 + 1


def voters(members: Sequence[Member]) -> list[Member]:
    return [member for member in members if not member.learner]


def stale(members: Sequence[Member], address: str, *, known: Collection[str]) -> list[Member]:
    """What stands in the way of a machine that joins at `address`: whatever is at its address already.

    Also what does not answer and belongs to no control plane of the cluster (`known`: their addresses): each
    counts for the quorum.
    """
    return [
        member for member in members if member.host == address or (not member.healthy and member.host not in known)
    ]


def without(members: Sequence[Member], leaving: Member) -> list[Member]:
    return [member for member in members if member.identifier != leaving.identifier]


def refusal(after: Sequence[Member], *, doing: str) -> str | None:
    """Why a change must not be made: the members that answer would be no majority of those that are left."""
    counted = voters(after)
    healthy = [member for member in counted if member.healthy]
    need = quorum(len(counted))
    if counted and len(healthy) >= need:
        return None
    sick = ", ".join(member.title for member in counted if not member.healthy) or "none"
    return (
        f"{doing} would leave etcd with {len(counted)} voting members of which {len(healthy)} answer, and {need} "
        f"are needed; not answering: {sick}"
    )


def may_add(members: Sequence[Member], host: str) -> str | None:
    """Why no member may be added now. It comes as a learner, which changes no quorum until it has caught up.

    Then it counts: so all others have to be well before.
    """
    doing = f"adding a member at {host}"
    sick = [member.title for member in members if not member.healthy]
    if sick:
        return f"{doing} waits until every etcd member answers; not answering: {', '.join(sick)}"
    return refusal(members, doing=doing)


def may_remove(members: Sequence[Member], leaving: Member) -> str | None:
    """Why this member must not be taken out now."""
    if not voters(without(members, leaving)):
        return f"{leaving.title} is the last etcd member"
    if len(voters(members)) > 1 and len([m for m in voters(members) if m.healthy]) < quorum(len(voters(members))):
        return f"etcd has no quorum now, so that nobody can take {leaving.title} out"
    return refusal(without(members, leaving), doing=f"taking {leaving.title} out")
