"""Which registry the machines of a Cluster pull from, with what signs in to it.

Called by the cluster controller and by `roost plan`.

BuiltIn: the platform's own, at its address, or at the external name that the Cluster gives; Private: the address
and Secret that the Cluster names; Public: the CloudCredential `public-registry-credential` of the system namespace,
which every cluster may use and none can read.
"""

from __future__ import annotations

from typing import Final, Protocol

from roost.api.errors import PermanentFailure
from roost.api.masked import Masked
from roost.api.names import SYSTEM_NAMESPACE
from roost.api.v1alpha1.cluster import Registry, RegistryType
from roost.bundle import credential, pulling
from roost.bundle.remote import RemoteRegistry
from roost.controllers.environment import Environment
from roost.controllers.kinds import cluster_id, registry_secret, registry_type
from roost.controllers.runtime.api import ApiProblem, Object, Ref, metadata, part
from roost.controllers.secrets import SecretData, SecretInvalid, SecretMissing
from roost.kube.resources import ROOST
from roost.providers.onprem.context import RegistrySource

PUBLIC_CREDENTIAL: Final = "public-registry-credential"
PUBLIC_KEY: Final = "credential.json"
DOCKER_CONFIG: Final = ".dockerconfigjson"
_CREDENTIAL: Final = ROOST["CloudCredential"]


class Secrets(Protocol):
    async def read(self, machine: str, namespace: str, name: str) -> SecretData:
        """Raises SecretMissing or SecretInvalid."""
        ...


class Reader(Protocol):
    async def get(self, ref: Ref) -> Object:
        """Raises ApiProblem."""
        ...


class Sources(Protocol):
    """What is asked: an Environment, or what `roost plan` was given."""

    @property
    def registry(self) -> RegistrySource | None: ...

    @property
    def pull_key(self) -> Masked | None: ...

    @property
    def secrets(self) -> Secrets: ...

    @property
    def api(self) -> Reader: ...


async def source(env: Sources, cluster: Object, wish: Registry | None) -> RegistrySource | None:
    """None: images travel over SSH. Raises PermanentFailure with the field, the cause and what to do."""
    if wish is None or (wish.type is RegistryType.BUILT_IN and not wish.address):
        return env.registry
    match wish.type:
        case RegistryType.BUILT_IN:
            return _external(env, cluster, wish)
        case RegistryType.PRIVATE:
            return await _private(env, cluster, wish)
        case RegistryType.PUBLIC:
            return _source(await public(env), RegistryType.PUBLIC)


def mark(env: Environment, cluster: Object, found: RegistrySource | None) -> str:
    """Changes whenever what machines are told of their registry does."""
    if found is None:
        return ""
    named = registry_secret(cluster)
    secret = env.secrets.mark(str(metadata(cluster)["namespace"]), named) if named else ""
    return f"{found.address} {found.ca_pem} {found.username} {hash(found.password)} {secret}"


def waits_for_push(cluster: Object) -> bool:
    """Whether the images come from the platform's own registry."""
    return registry_type(cluster) == RegistryType.BUILT_IN


async def public(env: Sources) -> RemoteRegistry:
    """The public registry as the uploaded file has it. Raises PublicRegistryMissing where there is none yet."""
    ref = Ref(_CREDENTIAL, SYSTEM_NAMESPACE, PUBLIC_CREDENTIAL)
    upload = (
        f"upload the file: `kubectl --namespace {SYSTEM_NAMESPACE} create secret generic {PUBLIC_CREDENTIAL} "
        f"--from-file={PUBLIC_KEY}=FILE` and a CloudCredential {PUBLIC_CREDENTIAL} of type PublicRegistry that "
        "names it"
    )
    try:
        found = await env.api.get(ref)
    except ApiProblem as problem:
        if not problem.not_found:
            raise
        raise PermanentFailure(
            "PublicRegistryMissing", f"there is no CloudCredential {PUBLIC_CREDENTIAL}; {upload}"
        ) from problem
    name = str(part(part(found, "spec"), "secret").get("name") or PUBLIC_CREDENTIAL)
    data = await _read(env, SYSTEM_NAMESPACE, name, missing="PublicRegistryMissing", remedy=upload)
    text = data.optional(PUBLIC_KEY)
    if text is None or not text.reveal().strip():
        raise PermanentFailure(
            "PublicRegistryMissing", f"the public registry's {data.where} has no {PUBLIC_KEY} yet; {upload}"
        )
    return credential.public(text.reveal(), where=f"{PUBLIC_KEY} of {data.where}")


def _external(env: Sources, cluster: Object, wish: Registry) -> RegistrySource:
    if env.pull_key is None:
        raise PermanentFailure(
            "RegistryNotServed",
            f"spec.onPremises.registry.address is {wish.address}, but this platform's registry serves no machines; "
            "start roost with --address",
        )
    own = cluster_id(cluster) or ""
    return RegistrySource(
        str(wish.address),
        wish.ca or "",
        pulling.username(own),
        pulling.password(env.pull_key, own),
        RegistryType.BUILT_IN,
        programs=False,
    )


async def _private(env: Sources, cluster: Object, wish: Registry) -> RegistrySource:
    if not wish.address:
        raise PermanentFailure(
            "RegistryAddressInvalid", "spec.onPremises.registry.address is needed with type Private; give host[:port]"
        )
    if wish.credential is None:
        return _source(RemoteRegistry(wish.address, wish.ca or ""), RegistryType.PRIVATE)
    namespace, name = str(metadata(cluster)["namespace"]), wish.credential.name
    remedy = (
        f"create it, such as with `kubectl --namespace {namespace} create secret docker-registry {name} "
        f"--docker-server={wish.address} …`"
    )
    data = await _read(env, namespace, name, missing="SecretMissing", remedy=remedy)
    docker = data.optional(DOCKER_CONFIG)
    if docker is not None:
        found = credential.read(docker.reveal(), wish.address, where=f"{data.where} ({DOCKER_CONFIG})")
    else:
        user, secret = data.optional("username"), data.optional("password")
        if user is None or secret is None:
            raise SecretInvalid(
                f"spec.onPremises.registry.credential: {data.where} of type {data.kind} has neither {DOCKER_CONFIG} "
                "nor username and password; create it anew as kubernetes.io/dockerconfigjson or "
                "kubernetes.io/basic-auth"
            )
        found = credential.Credential(user.reveal(), Masked(secret.reveal()))
    remote = RemoteRegistry(wish.address, wish.ca or "", found.username, found.password)
    return _source(remote, RegistryType.PRIVATE)


async def _read(env: Sources, namespace: str, name: str, *, missing: str, remedy: str) -> SecretData:
    try:
        return await env.secrets.read("registry", namespace, name)
    except SecretMissing as error:
        raise PermanentFailure(
            missing, f"spec.onPremises.registry: Secret {namespace}/{name} does not exist; {remedy}"
        ) from error


def _source(remote: RemoteRegistry, kind: RegistryType) -> RegistrySource:
    return RegistrySource(remote.address, remote.ca_pem, remote.username, remote.password, kind, programs=False)
