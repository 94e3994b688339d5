"""Rules for a Cluster's own annotations, which are copied to its metadata and into the managed cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from roost.api.names import GROUP, PLATFORM_URL_ANNOTATION
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.labels import check_key
from roost.api.validation.shape import join

PATH: Final = "spec.annotations"
_OTHERS: Final = (f"{GROUP}/", "kubectl.kubernetes.io/")
"""Prefixes that mean something to others on this very object."""


def check_annotations(annotations: Mapping[str, str], platform: Sequence[str] | None) -> Verdict:
    """`platform`: host:port of every address of the gateway; None where they are not known."""
    errors: list[FieldError] = []
    for key, value in annotations.items():
        path = join(PATH, key)
        found = check_key(key, path)
        if not found and key.startswith(_OTHERS):
            found = [error("annotation.taken", path, "FieldValueForbidden", given=key)]
        if not found and key == PLATFORM_URL_ANNOTATION and not is_https(value):
            found = [error("annotation.url", path, given=value, right="https://platform.example.com")]
        errors += found
    url = annotations.get(PLATFORM_URL_ANNOTATION)
    if url is None or platform is None or not is_https(url) or host_and_port(url) in platform:
        return Verdict(errors)
    # Only a warning: an address translation in front of the platform may lead to it all the same.
    path = join(PATH, PLATFORM_URL_ANNOTATION)
    if platform:
        known = ", ".join(f"https://{one}" for one in platform)
        return Verdict(
            errors, [error("annotation.platform", path, given=url, addresses=known, add=host_and_port(url))]
        )
    return Verdict(errors, [error("annotation.platform.none", path, given=url)])


def host_and_port(url: str) -> str:
    """As the gateway's addresses are written: in lower case, with the port."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or 443}"


def is_https(text: str) -> bool:
    """An https URL with a host and without user, password, query and fragment."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    plain = not parts.query and not parts.fragment and parts.username is None and parts.password is None
    return parts.scheme == "https" and bool(parts.hostname) and plain and text == text.strip()
