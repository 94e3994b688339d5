"""How Kubernetes writes the keys and values of labels, taints and annotations. Pure; used by several rules."""

from __future__ import annotations

import re
from typing import Final

from roost.api.validation.findings import FieldError, error
from roost.api.validation.hosts import is_dns_name

_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE: Final = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def is_qualified(key: str) -> bool:
    """An optional DNS name and a slash, then at most 63 of letters, digits, -, _ and dots."""
    prefix, slash, name = key.rpartition("/")
    return _NAME.fullmatch(name) is not None and (not slash or is_dns_name(prefix))


def check_key(key: str, path: str) -> list[FieldError]:
    return [] if is_qualified(key) else [error("label.key", path, given=key, right="example.com/name")]


def check_value(value: str, path: str) -> list[FieldError]:
    return [] if _VALUE.fullmatch(value) else [error("label.value", path, given=value, right="reserved")]
