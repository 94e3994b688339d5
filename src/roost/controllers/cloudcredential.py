"""Says of each CloudCredential whether it can be used, until when, and by whom. Never what it holds.

`public-registry-credential` is made at the first start, without a Secret: it becomes valid with the upload.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any, Final, cast

from roost.api import conditions as c
from roost.api.errors import RoostError
from roost.api.names import CREDENTIAL_FILE_KEY, PUBLIC_REGISTRY_CREDENTIAL, SYSTEM_NAMESPACE
from roost.api.v1alpha1.cloudcredential import CloudCredentialType
from roost.bundle import credential
from roost.controllers.environment import Environment
from roost.controllers.kinds import BY_REGISTRY, CLOUD_CREDENTIAL, CLUSTER, spec
from roost.controllers.runtime.api import Object, Ref, deleting, generation, metadata, part
from roost.controllers.runtime.clock import rfc3339
from roost.controllers.secrets import SecretData, SecretMissing

PUBLIC: Final = Ref(CLOUD_CREDENTIAL, SYSTEM_NAMESPACE, PUBLIC_REGISTRY_CREDENTIAL)
EVERY: Final = 3600.0
"""An expiry passes without any change of an object."""
AWS_KEYS: Final = ("accessKeyID", "secretAccessKey", "region")


class CloudCredentialController:
    def __init__(self, env: Environment) -> None:
        self._env = env

    async def ensure(self) -> None:
        """The empty credential of the public registry, from the first start on."""
        if self._env.cache.get(PUBLIC) is None:
            await self._env.api.apply(PUBLIC, public_credential(), manager="roost-platform")

    async def reconcile(self, ref: Ref) -> float | None:
        env = self._env
        known = env.cache.get(ref)
        if known is None or deleting(known):
            env.status.forget(ref)
            return None
        env.status.adopt(CLOUD_CREDENTIAL, known)
        seen = generation(known)
        fields: dict[str, Any] = {"address": None, "expires": None, "usedBy": self._users(ref)}
        reason, message, found = await self._judge(ref, known)
        ok = reason == c.SUCCEEDED
        env.status.say(ref, c.READY, "True" if ok else "False", reason, message, generation=seen)
        fields |= found
        env.status.set(ref, **fields, valid=ok, message=message, observedGeneration=seen)
        return EVERY

    def _users(self, ref: Ref) -> list[Object]:
        if ref != PUBLIC:
            return []
        clusters = [metadata(cluster) for cluster in self._env.cache.by(CLUSTER, BY_REGISTRY, "Public")]
        return [{"namespace": meta["namespace"], "name": meta["name"]} for meta in clusters]

    async def _judge(self, ref: Ref, known: Object) -> tuple[str, str, dict[str, Any]]:
        """Reason, message, and what may be told of it."""
        name = str(part(spec(known), "secret").get("name") or "")
        try:
            data = await self._env.secrets.read(ref.name, ref.namespace, name)
        except SecretMissing:
            return "CredentialEmpty", upload(ref.namespace, name, spec(known).get("type")), {}
        except RoostError as error:
            return "CredentialInvalid", error.message, {}
        if spec(known).get("type") == CloudCredentialType.AWS:
            missing = [key for key in AWS_KEYS if (value := data.optional(key)) is None or not value.reveal()]
            if missing:
                text = f"{data.where} lacks {', '.join(missing)}; add what is missing"
                return "CredentialInvalid", text, {}
            return c.SUCCEEDED, f"{data.where} holds what is needed; it is tried when a cluster uses it", {}
        return self._public(ref, data)

    def _public(self, ref: Ref, data: SecretData) -> tuple[str, str, dict[str, Any]]:
        text = data.optional(CREDENTIAL_FILE_KEY)
        if text is None or not text.reveal().strip():
            return "CredentialEmpty", upload(ref.namespace, data.name, CloudCredentialType.PUBLIC_REGISTRY), {}
        try:
            remote = credential.public(text.reveal(), where=f"{CREDENTIAL_FILE_KEY} of {data.where}")
        except RoostError as error:
            return "CredentialInvalid", f"{error.message}; upload the file as it was given to you", {}
        expires = expiry(remote.password.reveal() if remote.password else "")
        found: dict[str, Any] = {"address": remote.address, "expires": rfc3339(expires) if expires else None}
        if expires is not None and expires <= self._env.now():
            text = f"the token for {remote.address} expired at {rfc3339(expires)}; upload a new file"
            return "CredentialExpired", text, found
        return c.SUCCEEDED, f"clusters can pull from {remote.address}", found


def upload(namespace: str, secret: str, kind: object) -> str:
    """What is missing and how to bring it."""
    create = f"kubectl --namespace {namespace} create secret generic {secret}"
    if kind == CloudCredentialType.AWS:
        keys = " ".join(f"--from-literal={key}=…" for key in AWS_KEYS)
        return f"there is no Secret {namespace}/{secret} yet; create it with `{create} {keys}`"
    return (
        f"nothing is uploaded yet: Secret {namespace}/{secret} has no {CREDENTIAL_FILE_KEY}; upload the file with "
        f"`{create} --from-file={CREDENTIAL_FILE_KEY}=FILE --dry-run=client -o yaml | kubectl apply -f -`"
    )


def expiry(token: str) -> datetime | None:
    """The `exp` of a JSON web token, unchecked; None for a token that tells no time."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (binascii.Error, ValueError):
        return None
    given = cast("dict[str, Any]", claims).get("exp") if isinstance(claims, dict) else None
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given < 2**34:
        return None
    return datetime.fromtimestamp(given, UTC)


def public_credential() -> Object:
    return {
        "apiVersion": CLOUD_CREDENTIAL.api_version,
        "kind": CLOUD_CREDENTIAL.kind,
        "metadata": {"name": PUBLIC_REGISTRY_CREDENTIAL, "namespace": SYSTEM_NAMESPACE},
        "spec": {
            "displayName": "Public registry",
            "type": CloudCredentialType.PUBLIC_REGISTRY.value,
            "secret": {"name": PUBLIC_REGISTRY_CREDENTIAL},
        },
    }
