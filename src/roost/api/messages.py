"""What reasons and types of conditions mean, in English and Chinese: i18n/{reasons,conditions}.json, read once.

A condition's message is written where the cause is known and is English, the API's language; beside it
the CLI, the console and the reference docs show these words for the reason. Each reason in the code
has an entry, [English, Chinese]; a contract test looks for them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True)
class ConditionWords:
    """A condition's title and explanation."""

    title: dict[Language, str]
    explanation: dict[Language, str]


@cache
def condition_types() -> dict[str, ConditionWords]:
    """Type of a condition to its words, in the order of a creation."""
    entries: dict[str, list[str]] = json.loads(_read("conditions"))
    return {
        name: ConditionWords({"en": title, "zh": title_zh}, {"en": text, "zh": text_zh})
        for name, (title, title_zh, text, text_zh) in entries.items()
    }


def condition_title(condition: str, language: Language) -> str:
    """What a person calls a condition; its type when it is not known."""
    known = condition_types().get(condition)
    return known.title[language] if known else condition


@cache
def reasons() -> dict[str, tuple[str, str]]:
    """Reason to its explanation in English and Chinese."""
    entries: dict[str, list[str]] = json.loads(_read("reasons"))
    return {reason: (english, chinese) for reason, (english, chinese) in entries.items()}


def explain_reason(reason: str, language: Language) -> str | None:
    """The explanation of a reason; None for one of a newer or older roost."""
    known = reasons().get(reason)
    if known is None:
        return None
    return known[0] if language == "en" else known[1]


def _read(name: str) -> str:
    return resources.files("roost.api").joinpath(f"i18n/{name}.json").read_text(encoding="utf-8")
