"""Bootstrap tokens: one Secret for one joining machine, short-lived, deleted as soon as it has joined.

Called by the provider around each join.
"""

from __future__ import annotations

import datetime
import secrets
from dataclasses import dataclass
from typing import Final

from roost.api.masked import Masked
from roost.kube.client import Client, Json
from roost.kube.resources import SECRET

LIFE: Final = datetime.timedelta(minutes=20)
"""Longer than a slow join; if roost dies the token still ends by itself."""
NAMESPACE: Final = "kube-system"
MACHINE_LABEL: Final = "cluster.alauda.io/machine"


@dataclass(frozen=True)
class Token:
    identifier: str
    secret: Masked

    @property
    def value(self) -> str:
        return f"{self.identifier}.{self.secret.reveal()}"

    @property
    def secrets(self) -> tuple[Masked, ...]:
        """What nothing may print: also without its identifier."""
        return self.secret, Masked(self.value)

    @property
    def name(self) -> str:
        return f"bootstrap-token-{self.identifier}"


def make() -> Token:
    """In kubeadm's form: 6 and 16 characters."""
    return Token(secrets.token_hex(3), Masked(secrets.token_hex(8)))


def manifest(token: Token, machine: str, now: datetime.datetime) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": token.name, "namespace": NAMESPACE, "labels": {MACHINE_LABEL: machine}},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": {
            "token-id": token.identifier,
            "token-secret": token.secret.reveal(),
            "expiration": (now + LIFE).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "usage-bootstrap-authentication": "true",
            "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
            "description": f"roost: join of machine {machine}",
        },
    }


async def create(client: Client, machine: str) -> Token:
    """Makes the Secret; former ones of the same machine (of a join that was cut off) go first."""
    await delete_for(client, machine)
    token = make()
    now = datetime.datetime.now(datetime.UTC)
    await client.call("POST", SECRET.path(namespace=NAMESPACE), body=manifest(token, machine, now))
    return token


async def delete_for(client: Client, machine: str) -> None:
    """Deletes every token of a machine; writes nothing where there is none."""
    query = {"labelSelector": f"{MACHINE_LABEL}={machine}", "fieldSelector": "type=bootstrap.kubernetes.io/token"}
    path = SECRET.path(namespace=NAMESPACE)
    if (await client.call("GET", path, query=query)).get("items"):
        await client.call("DELETE", path, query=query)
