"""Kube-OVN's manifest out of its installer, a shell script that writes YAML with here documents. Never run.

Called by extras when a bundle is created. Variables get the values that the script itself gives them; those that
it asks a cluster for get a stand-in, since roost sets what depends on the cluster (providers/onprem/network/kubeovn).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from roost.bundle.errors import ChecksumMismatch

ASKED: Final = {"addresses": "127.0.0.1", "count": "1"}
"""Variables that the script reads from a cluster."""
_ASSIGNMENT: Final = re.compile(r"""^([A-Za-z_][A-Za-z0-9_]*)=(?:"([^"]*)"|'([^']*)'|([^\s#"'`(]*))\s*(?:#.*)?$""")
_HERE: Final = re.compile(r"^\s*cat\s+<<\s*(-?)\s*(['\"]?)(\w+)\2\s*>\s*(\S+\.ya?ml)\s*$")
_APPLIED: Final = re.compile(r"kubectl\s+(?:apply|create|replace)\s+(?:\S+\s+)*?-f\s+(\S+\.ya?ml)")
_USE: Final = re.compile(r"\\\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$([A-Za-z_][A-Za-z0-9_]*)|\$\(|`")


def manifest(script: bytes) -> bytes:
    """Every document that the script applies, in its order. Raises ChecksumMismatch for another kind of file."""
    lines = script.decode(errors="replace").splitlines()
    values = {**assignments(lines), **ASKED}
    # Where a file is written in two ways, the last one is that of a plain installation.
    written = {name: (text, literal) for name, text, literal in _documents(lines)}
    applied = list(dict.fromkeys(match.group(1) for line in lines for match in _APPLIED.finditer(line)))
    chosen = [name for name in applied if name in written]
    if not chosen:
        raise ChecksumMismatch("the file writes and applies no YAML, so it is not Kube-OVN's installer")
    texts = [text if literal else expand(text, values, name) for name in chosen for text, literal in [written[name]]]
    return "\n---\n".join(texts).encode()


def assignments(lines: list[str]) -> dict[str, str]:
    """Variables with a plain value, outside of branches: the defaults. The first one counts."""
    found: dict[str, str] = {}
    for line in lines:
        match = _ASSIGNMENT.match(line)
        if match is None:
            continue
        name = match.group(1)
        value = next((group for group in match.groups()[1:] if group is not None), "")
        if name not in found:
            found[name] = _USE.sub(lambda use: _value(use, found) or "", value)
    return found


def expand(text: str, values: Mapping[str, str], where: str) -> str:
    """A here document with its variables. Raises ChecksumMismatch where one is unknown."""

    def replaced(use: re.Match[str]) -> str:
        if use.group() == r"\$":
            return "$"
        value = _value(use, values)
        if value is None:
            raise ChecksumMismatch(f"{where} in Kube-OVN's installer uses {use.group()}, which roost does not know")
        return value

    return _USE.sub(replaced, text)


def _value(use: re.Match[str], values: Mapping[str, str]) -> str | None:
    name = use.group(1) or use.group(3)
    if name is None:
        return None
    return values.get(name) or use.group(2) or values.get(name)


def _documents(lines: list[str]) -> Iterator[tuple[str, str, bool]]:
    """File name, text, and whether the text is literal (a quoted delimiter)."""
    rest = iter(lines)
    for line in rest:
        match = _HERE.match(line)
        if match is None:
            continue
        _, quote, end, name = match.groups()
        body: list[str] = []
        for inner in rest:
            if inner.strip() == end:
                break
            body.append(inner)
        yield name, "\n".join(body), bool(quote)
