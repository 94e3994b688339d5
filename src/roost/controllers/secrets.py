"""Reads Secrets and makes of them what signs in to a machine. The only place where their data is looked at.

Called by contexts. Values are Masked from the first moment on. What was read is kept as long as the watch
says that the Secret is the same, so that a cluster at rest costs the API nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from roost.api.errors import PermanentFailure
from roost.api.masked import Masked
from roost.api.v1alpha1.machine import MachineSpec
from roost.controllers.runtime.api import Api, ApiProblem, Ref, part
from roost.controllers.runtime.cache import Cache
from roost.kube.resources import SECRET
from roost.ssh.connection import Proxy, Target

SSH_AUTH: Final = "kubernetes.io/ssh-auth"
BASIC_AUTH: Final = "kubernetes.io/basic-auth"
KEPT: Final = 8192


class SecretMissing(PermanentFailure):
    """A Secret that a Machine names does not exist (yet)."""

    def __init__(self, message: str) -> None:
        super().__init__("SecretMissing", message)


class SecretInvalid(PermanentFailure):
    """A Secret is of the wrong type, or lacks a key."""

    def __init__(self, message: str) -> None:
        super().__init__("SecretInvalid", message)


class SecretData:
    """One Secret with its values."""

    def __init__(self, namespace: str, name: str, kind: str, values: Mapping[str, Masked]) -> None:
        self.where = f"Secret {namespace}/{name}"
        self.namespace = namespace
        self.name = name
        self.kind = kind
        self._values = values

    def optional(self, key: str) -> Masked | None:
        return self._values.get(key)

    def required(self, machine: str, key: str) -> Masked:
        value = self._values.get(key)
        if value is None or not value.reveal():
            raise SecretInvalid(
                f"Machine {machine}: {self.where} of type {self.kind} has no key {key} with a value; add it, such as "
                f"with `kubectl --namespace {self.namespace} edit secret {self.name}` (stringData.{key})"
            )
        return value


class SecretReader:
    def __init__(self, api: Api, cache: Cache) -> None:
        self._api = api
        self._cache = cache
        self._kept: dict[Ref, tuple[str, SecretData]] = {}

    def mark(self, namespace: str, name: str) -> str:
        """Changes whenever the Secret's content does; empty while there is none."""
        known = self._cache.get(Ref(SECRET, namespace, name))
        return str(known["digest"]) if known else ""

    async def read(self, machine: str, namespace: str, name: str) -> SecretData:
        """Raises SecretMissing or SecretInvalid with the Secret, the Machine and what to do."""
        ref = Ref(SECRET, namespace, name)
        mark = self.mark(namespace, name)
        kept = self._kept.get(ref)
        if kept is not None and mark and kept[0] == mark:
            return kept[1]
        try:
            obj = await self._api.get(ref)
        except ApiProblem as problem:
            if not problem.not_found:
                raise
            self._kept.pop(ref, None)
            raise SecretMissing(
                f"Machine {machine}: Secret {namespace}/{name} does not exist; create it, such as with `kubectl "
                f"--namespace {namespace} create secret generic {name} --type={SSH_AUTH} "
                "--from-file=ssh-privatekey=FILE`"
            ) from problem
        values = {key: _decoded(machine, ref, key, str(text)) for key, text in part(obj, "data").items()}
        data = SecretData(namespace, name, str(obj.get("type") or "Opaque"), values)
        if mark:
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[ref] = (mark, data)
        return data

    def forget(self, ref: Ref) -> None:
        self._kept.pop(ref, None)


def target(name: str, spec: MachineSpec, pinned: str | None, login: SecretData, proxy: SecretData | None) -> Target:
    """How to sign in to a Machine. Pure. `pinned`: the host key met first, used when none is given."""
    password = key = passphrase = None
    match login.kind:
        case "kubernetes.io/ssh-auth":
            key = login.required(name, "ssh-privatekey")
            passphrase = login.optional("passphrase")
            password = login.optional("password")
        case "kubernetes.io/basic-auth":
            password = login.required(name, "password")
        case other:
            raise SecretInvalid(
                f"Machine {name}: {login.where} is of type {other}; create it anew with type {SSH_AUTH} "
                f"(ssh-privatekey, optional passphrase) or {BASIC_AUTH} (password)"
            )
    trusted = tuple(spec.ssh.host_keys) or ((pinned,) if pinned else ())
    return Target(
        name=name,
        address=spec.ssh.address or spec.addresses.primary,
        port=spec.ssh.port,
        user=spec.ssh.user,
        password=password,
        private_key=key,
        passphrase=passphrase,
        sudo_password=login.optional("sudo-password"),
        host_keys=trusted,
        proxy=_proxy(name, spec, proxy),
    )


def _proxy(name: str, spec: MachineSpec, login: SecretData | None) -> Proxy | None:
    if spec.ssh.proxy is None:
        return None
    host, _, port = spec.ssh.proxy.address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if login is None:
        return Proxy(host=host, port=int(port))
    if login.kind != BASIC_AUTH:
        raise SecretInvalid(
            f"Machine {name}: {login.where} of the SOCKS5 proxy is of type {login.kind}; create it anew with type "
            f"{BASIC_AUTH} (username, password)"
        )
    user = login.required(name, "username").reveal()
    return Proxy(host=host, port=int(port), user=user, password=login.required(name, "password"))


def _decoded(machine: str, ref: Ref, key: str, text: str) -> Masked:
    try:
        return Masked(base64.b64decode(text).decode())
    except (binascii.Error, UnicodeDecodeError) as error:
        raise SecretInvalid(
            f"Machine {machine}: key {key} of Secret {ref.namespace}/{ref.name} is not text in UTF-8; write it anew"
        ) from error
