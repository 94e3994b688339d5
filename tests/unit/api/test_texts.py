"""The words of the rules: both languages, the same placeholders, every key in use."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import roost.api.validation
from roost.api.validation.texts import TEXTS

SOURCES = "\n".join(
    path.read_text()
    for path in Path(roost.api.validation.__path__[0]).glob("*.py")
    if not path.name.startswith("texts")
)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_placeholders() -> None:
    for key, text in TEXTS.items():
        assert placeholders(text.en) == placeholders(text.zh), key
        assert re.search(r"[\u4e00-\u9fff]", text.zh) or key == "shape.other", key


def test_every_text_is_used_and_every_used_text_exists() -> None:
    """Elsewhere too: the webhook and the CLI have words of their own there."""
    room = Path(roost.api.validation.__path__[0]).parents[1]
    everywhere = SOURCES + "\n".join(
        path.read_text() for name in ("admission", "cli") for path in (room / name).glob("*.py")
    )
    used = set(re.findall(r'"([a-z][a-z0-9.]*)"', everywhere))
    assert set(TEXTS) - used == set()
    asked = set(re.findall(r'\berror\(\s*"([a-z0-9.]+)"', everywhere))
    assert asked - set(TEXTS) == set()
