"""Rules for where machines fetch images: built-in, private or public registry."""

from __future__ import annotations

import re
from typing import Final

from roost.api.names import PUBLIC_REGISTRY_CREDENTIAL, SYSTEM_NAMESPACE
from roost.api.v1alpha1.onpremises import Registry, RegistryType
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.hosts import is_dns_name, parse_address
from roost.api.validation.secret import Wanted, check_secret
from roost.api.validation.world import World

PATH: Final = "spec.onPremises.registry"
EXAMPLE: Final = "registry.example.com"
SIGN_IN: Final = (
    Wanted("kubernetes.io/dockerconfigjson", (".dockerconfigjson",)),
    Wanted("kubernetes.io/basic-auth", ("username", "password")),
)
_ADDRESS: Final = re.compile(
    r"(?P<host>\[[0-9a-fA-F:]+\]|[^/:@\s\[\]]+)(:(?P<port>[1-9][0-9]{0,4}))?(?P<path>(/[a-z0-9]+([._-]+[a-z0-9]+)*)*)/?"
)


def check_registry(namespace: str, registry: Registry, world: World) -> Verdict:
    verdict = Verdict(check_pem(registry.ca, f"{PATH}.ca"))
    match registry.type:
        case RegistryType.PRIVATE:
            return verdict + _private(namespace, registry, world)
        case RegistryType.BUILT_IN:
            errors = _only_private(registry, ("credential",))
            if registry.address is not None:
                errors += check_address(registry.address, f"{PATH}.address", bare=True)
            return verdict + Verdict(errors)
        case RegistryType.PUBLIC:
            errors = _only_private(registry, ("address", "credential", "ca"))
            return verdict + Verdict(errors) + _uploaded(world)


def check_address(text: str, path: str, *, bare: bool = False) -> list[FieldError]:
    """host or host:port, and unless it is to be `bare` a path behind it."""
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"] or 1) > 65535 or (bare and found["path"]):
        return [error("registry.address", path, given=text, right=_likely(text))]
    host = found["host"].strip("[]")
    if parse_address(host) is None and not is_dns_name(host):
        return [error("registry.address", path, given=text, right=_likely(text))]
    return []


def _private(namespace: str, registry: Registry, world: World) -> Verdict:
    if registry.address is None:
        return Verdict([error("registry.required", f"{PATH}.address", "FieldValueRequired", right=EXAMPLE)])
    verdict = Verdict(check_address(registry.address, f"{PATH}.address"))
    if registry.credential is not None:
        verdict += check_secret(namespace, registry.credential.name, f"{PATH}.credential.name", SIGN_IN, world)
    return verdict


def _only_private(registry: Registry, fields: tuple[str, ...]) -> list[FieldError]:
    return [
        error("registry.field", f"{PATH}.{field}", "FieldValueForbidden", type=registry.type.value)
        for field in fields
        if getattr(registry, field) is not None
    ]


def _uploaded(world: World) -> Verdict:
    """The public registry's credential is uploaded before a cluster can use it."""
    valid = world.credential(SYSTEM_NAMESPACE, PUBLIC_REGISTRY_CREDENTIAL)
    facts = {"credential": PUBLIC_REGISTRY_CREDENTIAL, "namespace": SYSTEM_NAMESPACE}
    if valid is False:
        return Verdict([error("registry.public", f"{PATH}.type", "FieldValueForbidden", **facts)])
    if valid is None:
        return Verdict(notices=[error("registry.public.unknown", f"{PATH}.type", "FieldValueInvalid", **facts)])
    return Verdict()


def check_pem(text: str | None, path: str) -> list[FieldError]:
    """Certificates as PEM text, and nothing secret beside them. Whether they can be read is the dialler's to say."""
    if text is None:
        return []
    if "PRIVATE KEY" in text:
        return [error("pem.private", path, "FieldValueForbidden")]
    begins, ends = text.count("-----BEGIN CERTIFICATE-----"), text.count("-----END CERTIFICATE-----")
    return [] if begins and begins == ends else [error("pem.form", path)]


def _likely(text: str) -> str:
    """Without scheme, blanks and upper case, where that makes an address."""
    bare = re.sub(r"^[a-z]+://", "", text.strip().lower()).rstrip("/")
    found = _ADDRESS.fullmatch(bare)
    known = found is not None and (is_dns_name(found["host"]) or parse_address(found["host"].strip("[]")))
    return bare if found and known and int(found["port"] or 1) <= 65535 else EXAMPLE
