"""The page of threats names tests that are there, and the same ones in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def named(language: str) -> list[str]:
    text = (ROOT / f"docs/{language}/explanation/threats.md").read_text()
    return re.findall(r"`([a-z0-9_/]+\.py::[A-Za-z0-9_:]+)`", text)


@pytest.mark.parametrize("test", named("en"))
def test_a_named_test_is_there(test: str) -> None:
    file, *scopes, name = test.split("::")
    source = (ROOT / "tests" / file).read_text()
    for scope in scopes:
        assert re.search(rf"^class {scope}\b", source, flags=re.MULTILINE)
    assert re.search(rf"^ *(async )?def {name}\(", source, flags=re.MULTILINE)


def test_every_threat_has_a_test_and_both_languages_the_same_ones() -> None:
    assert len(named("en")) > 40 and named("en") == named("zh")
    for language in ("en", "zh"):
        lines = (ROOT / f"docs/{language}/explanation/threats.md").read_text().splitlines()
        rows = [line for line in lines if line.startswith("|")][2:]
        assert all("::" in row for row in rows)
