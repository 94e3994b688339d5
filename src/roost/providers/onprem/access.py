"""roost's own way into the cluster it made: a client certificate of 30 days, and a client that uses it.

The certificate is signed on the control plane by the cluster's CA, whose key never leaves that machine. Called
by the provider once the API answers, and by look_after when ten days are left.
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from roost.api.errors import RetryLater, RoostError
from roost.api.masked import Masked
from roost.kube import kubeconfig as kubeconfigs
from roost.kube import pki
from roost.kube.client import Client, connect
from roost.kube.errors import explained
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.kubeadm import config
from roost.providers.onprem.kubeadm.produced import PATH
from roost.ssh.connection import Command, Connection

LIFE_HOURS: Final = 30 * 24
RENEW_BEFORE: Final = datetime.timedelta(days=10)
USER: Final = "roost"
_REJECTED: Final = ("NotSignedIn", "CertificateNotTrusted", "Forbidden", "KubeconfigInvalid")
"""Reasons for which a stored kubeconfig is of no use any more: the cluster was made anew."""


def is_due(kubeconfig: Masked, now: datetime.datetime) -> bool:
    certificate = kubeconfigs.parse(kubeconfig).certificate_pem
    return certificate is None or pki.expiry(certificate) - now < RENEW_BEFORE


def authority(kubeconfig: Masked) -> str:
    """The cluster's CA, PEM."""
    return kubeconfigs.parse(kubeconfig).ca_pem or ""


async def fetch(ctx: Context, connection: Connection) -> Masked:
    """A new client certificate, made on the control plane. Changes nothing on it; the answer is masked at once."""
    cluster = config.cluster_configuration(ctx.spec, layout.control_plane(ctx), ctx.cluster_name)
    cluster["controlPlaneEndpoint"] = layout.dialled(ctx.spec)
    text = config.render([cluster]).decode()
    group = layout.admin_group(ctx.spec.version or "")
    script = (
        f"{PATH}\n"
        # A here document is a pipe, never a file; it holds no secret either.
        f"kubeadm kubeconfig user --config /dev/fd/3 --client-name {USER} --org {group} "
        f"--validity-period {LIFE_HOURS}h 3<<'ROOST_END'\n{text}ROOST_END\n"
    )
    result = await connection.run(Command("make roost's client certificate", script), timeout=60)
    if result.exit_status != 0:
        target = connection.target
        raise RetryLater(
            "KubeconfigNotMade",
            f"{target.name} ({target.address}): kubeadm made no client certificate: {result.stderr.strip()[-500:]}",
        )
    return Masked(result.stdout)


async def current(ctx: Context, connect_head: Callable[[], Awaitable[Connection]]) -> Masked:
    """The stored kubeconfig if it works, otherwise (or when it ends soon) one made anew on the control plane."""
    stored = await ctx.kubeconfig.load()
    if stored is not None:
        try:
            if not is_due(stored, datetime.datetime.now(datetime.UTC)):
                await _try(stored)
                return stored
            why = "roost's client certificate ends soon"
        except RoostError as error:
            if error.reason not in _REJECTED:
                raise
            why = f"the stored kubeconfig does not fit the cluster ({error.reason})"
        ctx.report.event(None, "KubeconfigRenewed", why)
    made = await fetch(ctx, await connect_head())
    await ctx.kubeconfig.save(made)
    return made


async def reach(ctx: Context, planes: Sequence[MachineInput]) -> Connection:
    """A connection to the first of these control planes that can be reached."""
    problems: list[RoostError] = []
    for machine in planes:
        try:
            return await ctx.connect(machine.target)
        except RoostError as error:
            problems.append(error)
    if problems:
        raise problems[0]
    raise RetryLater("ControlPlaneUnreachable", f"no control plane of {ctx.cluster_name} is part of the cluster yet")


async def _try(kubeconfig: Masked) -> None:
    client = connect(kubeconfig)
    try:
        with explained(client.server):
            await client.call("GET", "/api/v1/nodes", query={"limit": 1})
    finally:
        await client.close()


def client(kubeconfig: Masked) -> Client:
    return connect(kubeconfig, timeout=20.0)
