"""Each message that the source says has Chinese words, and each entry of the catalogue is said by the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from roost.api.sentences import catalogue
from tools import sentences

FOLDER = Path(__file__).resolve().parents[3] / "src/roost/api/i18n/sentences"


def _placeholders(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{(\w+)\}", text)))


def test_every_sentence_has_chinese_words() -> None:
    found = sentences.by_room()
    assert all(len(room) > 20 for room in found.values())
    assert sentences.missing() == []


def test_the_catalogue_has_nothing_that_the_code_no_longer_says() -> None:
    assert sentences.stale() == []


def test_a_sentence_stands_in_the_file_of_its_room() -> None:
    files = {path.stem for path in FOLDER.glob("*.json")}
    assert files == {*sentences.ROOMS, "rules"}


def test_both_languages_put_in_the_same_values() -> None:
    differing = {
        english: chinese
        for english, chinese in catalogue().items()
        if _placeholders(english) != _placeholders(chinese)
    }
    assert differing == {}


def test_chinese_words_are_chinese() -> None:
    for english, chinese in catalogue().items():
        rest = re.sub(r"\{\w+\}", "", chinese)
        words = re.findall(r"(?<![\w.])[A-Za-z]{4,}(?![\w.}])", english)
        # One word is the name of something: «Secret {namespace}/{name}».
        assert len(words) < 2 or re.search(r"[\u4e00-\u9fff]", rest), english


def test_every_room_is_read_or_left_out_with_a_reason() -> None:
    rooms = {path.name for path in sentences.SOURCE.iterdir() if path.name not in {"__init__.py", "__pycache__"}}
    read = {place.split("/")[0] for places in sentences.ROOMS.values() for place in places}
    code = {room for room in rooms if room.endswith(".py") or any((sentences.SOURCE / room).rglob("*.py"))}
    assert code - read - set(sentences.LEFT_OUT) == set()


def test_choices_and_expressions_become_templates() -> None:
    source = """f"{m.name}: {len(found)} of {total} {'is' if one else 'are'} gone" + tail"""
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.Expr)
    found = [template for _, template in sentences.sentences_in(node.value)]
    assert found == ["{name}: {found} of {total} is gone{tail}", "{name}: {found} of {total} are gone{tail}"]
