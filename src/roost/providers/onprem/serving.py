"""Approves kubelet serving certificates, after checking that a node asks for nothing but itself.

Kubernetes approves none of these by itself: whoever holds a node's credentials could ask for any name.
The judgement is pure; the provider and `look_after` call `approve_all`.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping
from typing import Any, Final, cast

from roost.kube import csr
from roost.kube.client import Client, Json
from roost.kube.errors import answered
from roost.kube.resources import CSR

SIGNER: Final = "kubernetes.io/kubelet-serving"
USAGES: Final = frozenset({"digital signature", "key encipherment", "server auth"})


def refusal(request: Mapping[str, Any], addresses: Mapping[str, frozenset[str]]) -> str | None:
    """Why a request must not be approved; None when it may. `addresses`: those of each node, by its name."""
    spec = cast("Json", request["spec"])
    user = str(spec.get("username", ""))
    node = user.removeprefix("system:node:")
    if node == user or node not in addresses:
        return f"{user} is no node of a Machine of this cluster"
    if "system:nodes" not in cast("list[str]", spec.get("groups") or []):
        return f"{user} is not in the group system:nodes"
    usages = frozenset(cast("list[str]", spec.get("usages") or []))
    if "server auth" not in usages or usages - USAGES:
        return f"it asks for the usages {', '.join(sorted(usages))}"
    try:
        asked = csr.read(base64.b64decode(str(spec["request"])).decode())
    except ValueError as error:
        return f"it can't be read: {error}"
    if asked.common_name != user or asked.organizations != ("system:nodes",):
        return f"its subject {asked.common_name!r} is not {user!r}"
    if asked.others or asked.dns_names - {node}:
        return (
            f"it asks for names other than {node}: {', '.join(sorted(asked.dns_names - {node})) or 'URIs or e-mail'}"
        )
    if foreign := asked.addresses - addresses[node]:
        return f"it asks for addresses that its Machine does not have: {', '.join(sorted(foreign))}"
    if not asked.addresses and not asked.dns_names:
        return "it asks for no name"
    return None


def is_pending(request: Mapping[str, Any]) -> bool:
    status = cast("Json", request.get("status") or {})
    return cast("Json", request["spec"]).get("signerName") == SIGNER and not status.get("conditions")


async def approve_all(client: Client, addresses: Mapping[str, frozenset[str]]) -> list[str]:
    """Approves what may be approved now; gives the refusals, worded for an event. A refused request just stays."""
    answer = await client.call("GET", CSR.path(), query={"fieldSelector": f"spec.signerName={SIGNER}"})
    refused: list[str] = []
    for request in filter(is_pending, cast("list[Json]", answer.get("items") or [])):
        name = str(cast("Json", request["metadata"])["name"])
        why = refusal(request, addresses)
        if why is not None:
            refused.append(f"certificate signing request {name} is not approved: {why}")
            continue
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        request["status"] = {
            **cast("Json", request.get("status") or {}),
            "conditions": [
                {
                    "type": "Approved",
                    "status": "True",
                    "reason": "MachineMatches",
                    "message": "roost compared it with the Machine's name and addresses",
                    "lastUpdateTime": now,
                    "lastTransitionTime": now,
                }
            ],
        }
        try:
            await client.call("PUT", CSR.path(name=name, subresource="approval"), body=request)
        except Exception as error:
            # Somebody was faster, or it is gone: the next look tells.
            if answered(error) not in (404, 409):
                raise
    return refused
