"""What the CLI says, in English and Chinese. Every command calls `t("area.message", name=value)`, and `said` with
what the platform says.

A message's area (the part before the first dot) is one file per language: `locale/en/up.json` and
`locale/zh/up.json`; only the areas that a command uses are read, so the catalogues cost nothing at
start. A test holds that both languages have every id, with the same placeholders.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

LOCALE: Final = Path(__file__).with_name("locale")
LANGUAGES: Final = ("en", "zh")


def choose(environment: Mapping[str, str]) -> str:
    """The language that the environment asks for: ROOST_LANG, then LC_ALL, LC_MESSAGES, LANG."""
    for variable in ("ROOST_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(variable)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


@cache
def catalogue(language: str, area: str) -> Mapping[str, str]:
    """Messages of one area by full id; empty where the language has no such file."""
    file = LOCALE / language / f"{area}.json"
    return json.loads(file.read_bytes()) if file.exists() else {}


def said(message: str) -> str:
    """A message of the platform, which is English, in the person's language."""
    if choose(os.environ) == "en":
        return message
    from roost.api.sentences import in_language

    return in_language(message, "zh")


def t(message: str, /, **values: object) -> str:
    """The message in the person's language, else in English, else its id."""
    area = message.partition(".")[0]
    text = catalogue(choose(os.environ), area).get(message) or catalogue("en", area).get(message)
    if text is None:
        return message
    return text.format(**values) if values else text
