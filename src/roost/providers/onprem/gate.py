"""The health gate before a control plane joins or leaves: nothing disruptive is done while one is unwell.

`ask` looks at the control planes that are members, over SSH, without a change. The judgement is pure. Called by
the provider's joins and by removal.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from roost.api.errors import RetryLater, RoostError
from roost.providers.onprem import etcd, layout
from roost.providers.onprem.context import MachineInput
from roost.providers.onprem.etcd import Member
from roost.providers.onprem.kubeadm.produced import PATH
from roost.providers.onprem.kubeadm.run import PKI
from roost.ssh.connection import Command, Connection

SECONDS: Final = 90.0
INTERVAL: Final = 0.7
_ASK_SECONDS: Final = 30.0
COMPONENTS: Final = {
    "kube-apiserver": (layout.API_PORT, "/readyz"),
    "kube-controller-manager": (10257, "/healthz"),
    "kube-scheduler": (10259, "/healthz"),
}
"""Port and path at which each says that it is well, to anybody."""


@dataclass(frozen=True)
class Plane:
    """One control plane that is a member of the cluster, as it is now."""

    machine: MachineInput
    trouble: Mapping[str, str] = field(default_factory=dict[str, str])
    """Component to what it said; empty when all are well."""
    members: tuple[Member, ...] | None = None
    """As its etcd sees them; None when its etcd does not answer."""
    problem: str = ""
    """Why it could not be looked at."""


def script(address: str) -> str:
    """sh that prints `NAME<TAB>VALUE` lines: each component that is not well, etcd's members and their health."""
    checks = "\n".join(
        f"check {name} https://{layout.joined(address if name == 'kube-apiserver' else '127.0.0.1', port)} {path} &"
        for name, (port, path) in COMPONENTS.items()
    )
    return (
        f"{PATH}\n"
        "field() { printf '%s\\t%s\\n' \"$1\" \"$(printf '%s' \"$2\" | tr '\\n\\t' '  ')\"; }\n"
        "check() {\n"
        # Without a name kubectl would ask for one; this certificate is on every control plane.
        f"  said=$(kubectl --kubeconfig /dev/null --client-certificate {PKI}/apiserver-kubelet-client.crt "
        f"--client-key {PKI}/apiserver-kubelet-client.key "
        '--server "$2" --insecure-skip-tls-verify --request-timeout=4s '
        'get --raw "$3" 2>&1) || field "trouble $1" "$(printf \'%s\' "$said" | tail -n 1 | cut -c 1-300)"\n'
        "}\n"
        f"{checks}\n{etcd.MEMBERS}wait\n"
    )


def read(machine: MachineInput, text: str) -> Plane:
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition("\t")
        fields[name] = value
    members = etcd.read(fields.get("members", ""), fields.get("health", ""))
    trouble = {name.removeprefix("trouble "): said for name, said in fields.items() if name.startswith("trouble ")}
    return Plane(machine, trouble, None if members is None else tuple(members))


async def ask(connect: Callable[[], Awaitable[Connection]], machine: MachineInput) -> Plane:
    """One control plane. What keeps it from being asked is a part of the answer."""
    try:
        connection = await connect()
        own = machine.spec.addresses.primary
        result = await connection.run(Command("look at the control plane", script(own)), timeout=_ASK_SECONDS)
    except RoostError as error:
        return Plane(machine, problem=error.message)
    return read(machine, result.stdout)


def members_of(planes: Sequence[Plane]) -> list[Member] | None:
    """etcd's members: healthy are those that any of the control planes has an answer from."""
    lists = [plane.members for plane in planes if plane.members is not None]
    if not lists:
        return None
    well = {member.identifier for members in lists for member in members if member.healthy}
    longest = max(lists, key=len)
    return [Member(m.identifier, m.name, m.host, learner=m.learner, healthy=m.identifier in well) for m in longest]


def unwell(planes: Sequence[Plane]) -> str | None:
    """The first control plane that is not well, with the component and what it says; None when all are."""
    for plane in planes:
        where = f"{plane.machine.name} ({plane.machine.spec.addresses.primary})"
        if plane.problem:
            return f"the control plane {where} can't be looked at: {plane.problem}"
        for component, said in plane.trouble.items():
            return f"{component} on {where} is not well: {said or 'it gives no answer'}"
        if plane.members is None:
            return f"etcd on {where} gives no list of its members"
    return None


def closed(planes: Sequence[Plane], address: str) -> str | None:
    """Why no control plane may join at `address` now; None when the gate is open."""
    trouble = unwell(planes)
    if trouble is not None:
        return trouble
    members = members_of(planes)
    if members is None:
        return "no control plane shows etcd's members"
    return etcd.may_add(members, address)


async def opened(
    look: Callable[[], Awaitable[Sequence[Plane]]],
    judge: Callable[[Sequence[Plane]], str | None],
    *,
    doing: str,
    tell: Callable[[str], None],
    seconds: float = SECONDS,
) -> Sequence[Plane]:
    """Waits until the judgement is None. Raises RetryLater ControlPlaneUnhealthy with the last one."""
    end = time.monotonic() + seconds
    told = ""
    while True:
        planes = await look()
        why = judge(planes)
        if why is None:
            return planes
        if why != told:
            tell(f"waiting: {why}")
            told = why
        if time.monotonic() > end:
            raise RetryLater(
                "ControlPlaneUnhealthy",
                f"{doing} waits for the control planes: {why}. "
                "Repair it, or delete its Machine if it is gone for good",
            )
        await asyncio.sleep(INTERVAL)
