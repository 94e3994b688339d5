"""Messages in Chinese: every sentence, sentences in one another, and what is not known."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.api.sentences import LIMIT, MOST_TRIES, Sentence, catalogue, in_language, parsed

# The console's tests read the same file.
VECTORS: list[dict[str, str]] = json.loads((Path(__file__).parent / "sentences.json").read_text("utf-8"))

TEMPLATES = sorted(catalogue().items())
VALUES = st.from_regex(r"[a-z]{1,8}[0-9]{1,4}(\.[a-z]{1,4}[0-9]){0,2}", fullmatch=True)


@given(st.data())
@settings(max_examples=1000, deadline=None)
def test_a_filled_sentence_becomes_the_filled_chinese_one(data: st.DataObject) -> None:
    english, chinese = data.draw(st.sampled_from(TEMPLATES))
    _compare(english, chinese, lambda: data.draw(VALUES))


def test_every_sentence_is_found() -> None:
    for english, chinese in TEMPLATES:
        numbers = iter(range(100))
        _compare(english, chinese, lambda: f"v{next(numbers)}")  # noqa: B023


def _compare(english: str, chinese: str, value: Any) -> None:
    sentence = parsed(english, chinese)
    values = {name: "" for names in sentence.slots for name in names}
    for index, names in enumerate(sentence.slots):
        # Of several in a row one has a value: the others are additions that may be empty.
        values[names[-1 if index == 0 and not sentence.literals[0] else 0]] = value()

    def filled(text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda place: values[place[1]], text)

    assert in_language(filled(english), "zh") == filled(chinese)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["message"][:40])
def test_messages_as_they_are_stored(vector: dict[str, str]) -> None:
    assert in_language(vector["message"], "zh") == vector["expected"]
    assert in_language(vector["message"], "en") == vector["message"]


@given(st.text(alphabet="xyz0123456789()\n;:. é中", max_size=300))
def test_what_is_not_known_stays(text: str) -> None:
    assert in_language(text, "zh") == text


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    assert in_language(text, "zh") == in_language(text, "zh")
    assert in_language(text, "en") == text


def test_a_text_that_is_too_long_is_translated_up_to_its_limit() -> None:
    line = "m1: no answer within 10 s; check the address, the port and the network\n"
    text = line * (2 * LIMIT // len(line))
    shown = in_language(text, "zh")
    assert shown.startswith("m1：10 秒内没有应答；请检查地址、端口和网络\n")
    assert shown.endswith(text[LIMIT:])


def test_the_work_for_a_text_made_to_be_slow_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    match = Sentence.match

    def counted(self: Sentence, text: str, at: int) -> tuple[int, int, dict[str, str]] | None:
        tried.append(at)
        return match(self, text, at)

    monkeypatch.setattr(Sentence, "match", counted)
    for part in (" of ", "it has ", " failed with exit status ", " refused ", "set write set write "):
        tried.clear()
        in_language(part * (LIMIT // len(part)), "zh")
        assert 100 < len(tried) <= MOST_TRIES


def test_characters_of_private_use_are_left_alone() -> None:
    text = "\ue000 m1: no answer within 10 s; check the address, the port and the network"
    assert in_language(text, "zh") == text
