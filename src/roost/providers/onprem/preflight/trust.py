"""Whether who answers to a machine is who it should be: roost's registry and, for machines that join, the endpoint.

An open port says little: a proxy that breaks TLS, another host behind the same address, a clock that lies. The
machine asks itself, with the CA that it will use later. Called by the provider once nothing else stands in the way,
since the helper that asks has to be sent first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from roost.api.errors import RoostError
from roost.api.masked import Masked
from roost.bundle.archive import BundleBlobs
from roost.bundle.registry import HEALTH_PATH
from roost.node import probing
from roost.node.probing import Answer, Question
from roost.providers.onprem import access, layout
from roost.providers.onprem.context import Context
from roost.providers.onprem.observing import Seen
from roost.providers.onprem.preflight.report import Finding

PROBLEMS: Final = frozenset({"CertificateUnknown", "CertificateExpired", "CertificateNameMismatch", "NotTLS"})
"""Words of roost-probe for a server that answers and can't be trusted."""
SIGN_IN: Final = "HTTPStatus"
"""It answers over TLS that fits, with a status of its own: a private registry asks for a credential first."""


def questions(ctx: Context, reach: Mapping[str, str], kubeconfig: Masked | None) -> dict[str, Question]:
    """What one machine has to ask: of those that it reaches at all. `kubeconfig`: of a cluster that exists. Pure."""
    asked: dict[str, Question] = {}
    source = ctx.registry
    if source is not None and source.ca_pem and reach.get("registry", "open") == "open":
        asked["registry"] = Question(f"https://{source.address.partition('/')[0]}{HEALTH_PATH}", source.ca_pem)
    authority = access.authority(kubeconfig) if kubeconfig is not None else ""
    if authority and reach.get("endpoint") == "open":
        asked["endpoint"] = Question(f"https://{layout.endpoint(ctx.spec)}/livez", authority)
    return asked


def judge(ctx: Context, machine: str, answers: Mapping[str, Answer]) -> Iterator[Finding]:
    """Pure."""
    registry, endpoint = answers.get("registry", Answer()), answers.get("endpoint", Answer())
    where = ctx.registry.address if ctx.registry else ""
    if registry.problem in PROBLEMS:
        yield Finding(
            machine,
            "RegistryNotTrusted",
            f"what answers at {where} is not the registry that the machine should trust",
            registry.evidence,
            "Let the machine reach it past proxies that break TLS; correct the machine's clock if it is wrong",
        )
    elif registry.problem not in ("", SIGN_IN):
        yield Finding(
            machine,
            "RegistryUnreachable",
            f"the machine can't reach the registry at {where}, from which it gets its images",
            registry.evidence,
            "Let TCP pass to it, or, for roost's own, start roost with an --address that machines reach",
        )
    if endpoint.problem in PROBLEMS:
        yield Finding(
            machine,
            "EndpointNotTrusted",
            f"what answers at {layout.endpoint(ctx.spec)} is not this cluster's API",
            endpoint.evidence,
            "Let spec.onPremises.controlPlaneEndpoint lead to the control plane, from this machine too",
        )
    elif endpoint.problem not in ("", SIGN_IN):
        yield Finding(
            machine,
            "EndpointUnreachable",
            f"the machine gets no answer from {layout.endpoint(ctx.spec)}",
            endpoint.evidence,
            "Let TCP pass to it",
            warning=True,
        )


async def findings(ctx: Context, new: Sequence[Seen], *, exists: bool, keep: bool) -> list[Finding]:
    """All machines at once. One that breaks off is looked at again by the act that follows: no finding."""
    kubeconfig = await ctx.kubeconfig.load() if exists else None

    async def one(look: Seen) -> list[Finding]:
        asked = questions(ctx, look.found.reach, kubeconfig)
        if not asked:
            return []
        helper = ctx.bundle.program("roost-probe", look.found.node.architecture).digest
        try:
            answers = await probing.ask(
                look.connection,
                asked,
                cluster_id=ctx.cluster_id,
                blobs=BundleBlobs(ctx.bundle),
                probe=helper,
                keep=keep,
            )
        except RoostError:
            return []
        return list(judge(ctx, look.machine.name, answers))

    return [finding for found in await asyncio.gather(*map(one, new)) for finding in found]


async def leave(ctx: Context, looks: Sequence[Seen]) -> None:
    """Nothing follows: takes the helper away again where it was kept."""

    async def one(look: Seen) -> None:
        try:
            await probing.leave(look.connection, ctx.cluster_id)
        except RoostError:
            return  # It lies in /run, and the next look may take it away.

    await asyncio.gather(*map(one, looks))
