"""The Chinese words of everything that the models say: i18n/zh.json, read once.

Keys: `kind.Cluster` (a model's docstring), `field.ClusterSpec.version` (a field's description),
`frozen.KEY`, `condition.TYPE`. tools/gen.py lists the keys, and a contract test holds the file to it.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources


@cache
def catalogue() -> dict[str, str]:
    text = resources.files("roost.api").joinpath("i18n/zh.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    return words


def translation(key: str) -> str | None:
    """The Chinese words of a key, or None."""
    return catalogue().get(key)
