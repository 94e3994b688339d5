"""Makes a registration: the Cluster where there is none yet, a token, and the manifest that carries it.

`Platform` is whatever API the caller has: the CLI's with the administrator's kubeconfig, the gateway's. Nothing is
stored but the token's digest.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from roost.api.errors import RoostError
from roost.api.masked import Masked
from roost.api.names import API_VERSION, GROUP, ID_ANNOTATION, PLATFORM_URL_ANNOTATION, SYSTEM_NAMESPACE, VERSION
from roost.bundle import agentimage
from roost.providers.registered import manifest, records
from roost.providers.registered.manifest import Profile, Wish

ID_WITHIN: Final = 15.0
Object = dict[str, Any]


class Platform(Protocol):
    """A few calls on the platform's API. Raises RoostError, with the reason NotFound and AlreadyExists as usual."""

    async def get(self, path: str) -> Object: ...

    async def create(self, path: str, body: Mapping[str, Any]) -> Object: ...


@dataclass(frozen=True)
class Registration:
    """What somebody asks for."""

    namespace: str
    name: str
    urls: tuple[str, ...]
    ca_pem: str
    creator: str
    display_name: str = ""
    profile: Profile | None = None
    """None: what the Cluster says."""
    manual: bool = False
    expected_uid: str = ""
    image: str = ""
    """Empty: the image that ships in bundles, by its content's name."""
    life: float = records.LIFE
    proxy: Masked | None = None
    namespaces: tuple[str, ...] = ()
    exec: bool = True
    secrets: bool = True
    replicas: int = 2


async def create(
    platform: Platform, asked: Registration, *, sleep: Callable[[float], Awaitable[None]]
) -> tuple[str, records.TokenRecord]:
    """The manifest's text, which holds the token, and what is kept of that. Raises RoostError."""
    cluster_id, own, profile = await _cluster(platform, asked, sleep)
    urls = tuple(dict.fromkeys((*own, *asked.urls)))
    if not urls:
        raise RoostError(
            "RegistrationAddressMissing",
            "the platform has no address that other clusters can reach: start it with `roost up --address ADDRESS`, "
            "or name one with --url",
        )
    token, record = records.new_token(
        cluster_id=cluster_id,
        cluster=f"{asked.namespace}/{asked.name}",
        now=time.time(),
        creator=asked.creator,
        life=asked.life,
    )
    await platform.create(f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/secrets", records.encode(record))
    wish = Wish(
        cluster_id=cluster_id,
        urls=urls,
        ca_pem=asked.ca_pem,
        token=token,
        token_id=record.id,
        image=asked.image or agentimage.name(),
        profile=asked.profile or profile,
        proxy=asked.proxy,
        namespaces=asked.namespaces,
        exec=asked.exec,
        secrets=asked.secrets,
        replicas=asked.replicas,
    )
    return manifest.text(wish), record


async def _cluster(
    platform: Platform, asked: Registration, sleep: Callable[[float], Awaitable[None]]
) -> tuple[str, tuple[str, ...], Profile]:
    """The id of the Cluster, which is made where it is not there, the address of the platform that it names, and
    what the platform may do there."""
    path = f"/apis/{GROUP}/{VERSION}/namespaces/{asked.namespace}/clusters"
    try:
        found = await platform.get(f"{path}/{asked.name}")
    except RoostError as error:
        if error.reason != "NotFound":
            raise
        found = await platform.create(path, _new(asked))
    deadline = time.monotonic() + ID_WITHIN
    while True:
        registered = cast("Object", found.get("spec") or {}).get("registered")
        if registered is None:
            raise RoostError(
                "NotRegistered",
                f"{asked.namespace}/{asked.name} exists and is not a registered cluster; choose another name",
            )
        annotations = cast("Object", found["metadata"].get("annotations") or {})
        if annotations.get(ID_ANNOTATION):
            profile = cast("Profile", cast("Object", registered).get("profile") or "Admin")
            return str(annotations[ID_ANNOTATION]), _platform_url(found), profile
        if time.monotonic() > deadline:
            raise RoostError(
                "NotReady",
                f"{asked.namespace}/{asked.name} has no id yet; the controllers give it one: `roost status`",
            )
        await sleep(0.2)
        found = await platform.get(f"{path}/{asked.name}")


def _platform_url(cluster: Object) -> tuple[str, ...]:
    """Where the cluster reaches the platform when it is on another network: it comes before the platform's own."""
    given = cast("Object", cast("Object", cluster.get("spec") or {}).get("annotations") or {})
    named = given.get(PLATFORM_URL_ANNOTATION)
    return (str(named).rstrip("/"),) if named else ()


def _new(asked: Registration) -> Object:
    registered: Object = {"approval": "Manual" if asked.manual else "Automatic", "profile": asked.profile or "Admin"}
    if asked.expected_uid:
        registered["expectedUID"] = asked.expected_uid
    spec: Object = {"registered": registered}
    if asked.display_name:
        spec["displayName"] = asked.display_name
    return {
        "apiVersion": API_VERSION,
        "kind": "Cluster",
        "metadata": {"name": asked.name, "namespace": asked.namespace},
        "spec": spec,
    }
