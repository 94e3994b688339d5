"""Follows an imported cluster with roost's own access. Called by the controllers, for each cluster every so often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from roost.api.masked import Masked
from roost.api.v1alpha1.attached import Imported
from roost.kube import observe
from roost.kube.errors import explained
from roost.kube.guarded import Policy, addresses, connect_guarded, place
from roost.kube.kubeconfig import build_token, parse
from roost.kube.observe import Facts
from roost.providers.imported.adopting import ACCOUNT
from roost.providers.imported.checks import Check, version_check
from roost.providers.imported.given import expiry
from roost.providers.imported.tls import shake_hands


@dataclass(frozen=True)
class Followed:
    facts: Facts
    version: Check
    server: str
    """URL of the API."""
    token_ends: datetime | None


def moved(kubeconfig: Masked, wish: Imported) -> Masked | None:
    """roost's own access at the address that the Cluster gives now; None where it leads there already. Pure."""
    own = parse(kubeconfig)
    server = (wish.server or own.server).rstrip("/")
    ca = wish.ca or own.ca_pem
    name = wish.tls_server_name or own.server_name
    same = (server, (ca or "").strip(), name) == (own.server, (own.ca_pem or "").strip(), own.server_name)
    if same or own.token is None:
        return None
    return build_token(server, ca, own.token, user=ACCOUNT, server_name=name)


async def follow(kubeconfig: Masked, policy: Policy, *, allow_unsupported_version: bool) -> Followed:
    """Raises RetryLater where the API does not answer, PermanentFailure where it refuses roost."""
    access = parse(kubeconfig)
    client = connect_guarded(access, policy)
    try:
        with explained(client.server, doing="look at the cluster"):
            facts = await observe.facts(client)
        where = place(access)
        server = await shake_hands(access, where, (await addresses(where, policy))[0])
    finally:
        await client.close()
    facts = replace(facts, certificates=(("apiserver", server.expires), *facts.certificates))
    return Followed(
        facts,
        version_check(facts.version, allowed=allow_unsupported_version),
        access.server,
        expiry(access.token) if access.token else None,
    )
