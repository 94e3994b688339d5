"""Every message exists in English and Chinese, with the same placeholders, and every id that is used exists."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest

from roost.cli import i18n
from roost.cli.command_map import COMMANDS

DESCRIBED = "area.message"
"""The example in i18n's own docstring."""
CLI = Path(i18n.__file__).parent
USED = re.compile(r"""\bt\(\s*(f?)"([a-z0-9][a-z0-9-]*\.[^"]+)\"""")


def messages(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted((i18n.LOCALE / language).glob("*.json")):
        content = json.loads(file.read_text())
        assert all(key.partition(".")[0] == file.stem for key in content), f"{file}: an id of another area"
        found |= content
    return found


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_ids() -> None:
    assert messages("en").keys() == messages("zh").keys()


def test_both_languages_have_the_same_placeholders() -> None:
    english, chinese = messages("en"), messages("zh")
    assert {k for k in english if placeholders(english[k]) != placeholders(chinese[k])} == set()


def test_chinese_is_chinese() -> None:
    """A message may be only a word of the trade and placeholders, then both languages say the same."""
    english, chinese = messages("en"), messages("zh")
    plain = {k for k, text in chinese.items() if not re.search(r"[\u4e00-\u9fff]", text)}
    assert {k for k in plain if len(re.sub(r"{[^}]*}|\W", "", english[k])) > 12} == set()


def test_every_id_that_is_used_exists() -> None:
    known = set(messages("en"))
    used: set[str] = set()
    for file in CLI.rglob("*.py"):
        for dynamic, message in USED.findall(file.read_text()):
            if dynamic and "{" in message:
                prefix = message.partition("{")[0]
                assert any(key.startswith(prefix) for key in known), f"{file.name}: {message}"
            else:
                used.add(message)
    used |= {help_id for _, help_id in COMMANDS.values()}
    assert len(used) > 40
    assert used - known == {DESCRIBED}


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "ROOST_LANG": "zh"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_environment_chooses_the_language(environment: dict[str, str], language: str) -> None:
    assert i18n.choose(environment) == language


def test_an_unknown_id_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOST_LANG", "zh")
    assert i18n.t("nowhere.at-all") == "nowhere.at-all"
    assert i18n.t("up.already", data_dir="/d") == "/d 中的平台已在运行。"
