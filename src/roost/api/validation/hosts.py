"""Addresses, DNS names and host:port as people write them. Pure; used by the rules of both kinds."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from roost.api.v1alpha1.onpremises import IPFamily
from roost.api.validation import cidr
from roost.api.validation.findings import FieldError, error
from roost.api.validation.texts import LOOPBACK, OWN_ADDRESS

_LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_LOOPBACK_NAMES: Final = ("localhost", "localhost.localdomain", "ip6-localhost")


def parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_dns_name(text: str) -> bool:
    """A lower-case DNS name that can't be mistaken for a mistyped IPv4 address."""
    return len(text) <= 253 and _NAME.fullmatch(text) is not None and not re.fullmatch(r"[0-9.]+", text)


def check_address(text: str, path: str, version: cidr.Version, *, other: str, example: str) -> list[FieldError]:
    """An address of that version that other machines can reach. `other`: the field for the other version."""
    address = parse_address(text)
    name = f"IPv{version}"
    if address is None:
        return [error("address.form", path, given=text, version=name, right=_likely(text) or example)]
    if address.version != version:
        return [error("address.version", path, given=text, version=name, other=other)]
    what = cidr.special_address(address)
    if what is not None:
        return [error("address.special", path, given=text, what=what, right=OWN_ADDRESS)]
    return []


def check_host(
    text: str, path: str, *, example: str, own: bool = False, family: IPFamily | None = None
) -> list[FieldError]:
    """An address or a DNS name. `own`: roost alone uses it, so that a forwarded port on loopback is fine.
    `family`: what an address has to be of.
    """
    address = parse_address(text)
    if address is not None:
        if family is not None and address.version not in cidr.VERSIONS[family]:
            return [error("address.family", path, "FieldValueNotSupported", given=text, family=family.value)]
        what = cidr.special_address(address)
        if what is not None and not (own and what is LOOPBACK):
            return [error("address.special", path, given=text, what=what, right=OWN_ADDRESS)]
        return []
    if (text in _LOOPBACK_NAMES or text.endswith(".localhost")) and not own:
        return [error("host.loopback", path, given=text, right=OWN_ADDRESS)]
    if is_dns_name(text):
        return []
    right = _bare(text)
    if right is not None:
        return [error("host.url", path, given=text, right=right)]
    return [error("host.form", path, given=text, right=_likely(text) or example)]


def check_host_port(text: str, path: str) -> list[FieldError]:
    """host:port with a port from 1 to 65535; an IPv6 host stands in brackets."""
    found = re.fullmatch(r"(\[(?P<six>[0-9a-fA-F:]+)\]|(?P<host>[^:/@\[\]]+)):(?P<port>[1-9][0-9]{0,4})", text)
    if found is None or int(found["port"]) > 65535:
        bare = _bare(text) or (text if parse_address(text) or is_dns_name(text) else "192.168.10.1")
        return [error("proxy.form", path, given=text, right=f"{bare}:1080")]
    host = found["six"] or found["host"]
    if parse_address(host) is None and not is_dns_name(host):
        return [
            error("host.form", path, given=host, right=host.lower() if is_dns_name(host.lower()) else "192.168.10.1")
        ]
    return []


def _bare(text: str) -> str | None:
    """The host inside a URL, host:port, address/length or user@host."""
    found = re.fullmatch(
        r"([a-zA-Z0-9]+://)?([^@/]*@)?(\[(?P<six>[0-9a-fA-F:]+)\]|(?P<host>[a-zA-Z0-9.-]+))(:[0-9]*)?(/.*)?", text
    )
    if found is None:
        return None
    host = (found["six"] or found["host"]).lower()
    return host if host != text.lower() and (parse_address(host) or is_dns_name(host)) else None


def _likely(text: str) -> str | None:
    """What was probably meant, where that is plain: leading zeros, blanks, upper case."""
    trimmed = text.strip().lower().rstrip(".")
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", trimmed):
        plain = ".".join(str(int(part)) for part in trimmed.split("."))
        return plain if parse_address(plain) else None
    if trimmed != text and is_dns_name(trimmed):
        return trimmed
    return None
