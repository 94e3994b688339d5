"""Messages in the reader's language: sentences that are known are replaced, what machines say stays as it is.

What is stored is English, the API's language. i18n/sentences/*.json holds the sentences that the code says
and their Chinese words, with named placeholders; rules.json is generated from what api/validation says. A message
is often made of several: «m1: DiskSpace: CAUSE (EVIDENCE). REMEDY», one a line, or one inside of another.
Called by the CLI; console/src/i18n/sentences.ts does the same, step by step, and both pass
tests/unit/api/sentences.json.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from roost.api.messages import Language

LIMIT: Final = 8000
"""Characters; a condition's message is not longer. What stands behind them stays English."""
MOST_TRIES: Final = 4000
"""Of a sentence at a place, for one message: fewer than there are private characters."""
_WIDEST: Final = 2000
"""Characters that one placeholder holds at most."""
_STRONG: Final = 14
"""Letters from which on a sentence is known inside of a longer text; a shorter one must fill its part of it."""
_DEEPEST: Final = 8
_FIRST: Final = 0xE000
_ENDS: Final = ("\n", "; ", ". ")
_STARTS: Final = ("\n", "; ", ". ", ": ", ", ", "(", "«")
_AFTER: Final = ("\n", "; ", ". ", ": ", ", ", " (", ")", "»")
_ADDED: Final = ("; ", ", ", " (")
_BEFORE: Final = " (:\n«"
"""What stands before a sentence that is inside of a value; one that adds something follows a word directly."""
_GLUE: Final = {"; ": "；", ": ": "：", ", ": "，", ". ": "。"}
_HELD: Final = "[\ue000-\uf8ff]"
_PLACE: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Sentence:
    """A template, cut at its placeholders. Between two literals stand one or more names; the first has the value,
    of those at the start the last."""

    literals: list[str]
    slots: list[list[str]]
    chinese: str
    anchor: int
    """Index of the longest literal."""
    letters: int
    words: int

    def match(self, text: str, at: int) -> tuple[int, int, dict[str, str]] | None:
        """Start, end and values, where the anchor stands at `at`."""
        values = [""] * len(self.slots)
        start, end = at, at + len(self.literals[self.anchor])
        for index in range(self.anchor, len(self.slots)):
            literal = self.literals[index + 1]
            stop = text.find(literal, end, end + _WIDEST + len(literal)) if literal else _value_end(text, end)
            if stop < 0:
                return None
            values[index], end = text[end:stop], stop + len(literal)
        for index in range(self.anchor - 1, -1, -1):
            literal = self.literals[index]
            low = max(0, start - _WIDEST - len(literal))
            begin = text.rfind(literal, low, start) if literal else _value_start(text, low, start)
            if begin < 0:
                return None
            start = begin
        # What stands before the anchor is cut from the left: a value that another program said comes last.
        begin = start + len(self.literals[0])
        for index in range(self.anchor):
            following = self.literals[index + 1]
            stop = at if index + 1 == self.anchor else text.find(following, begin, at)
            values[index], begin = text[begin:stop], stop + len(following)
        if not self._fits(text, start, end, values):
            return None
        named = {name: "" for names in self.slots for name in names}
        for index, (names, value) in enumerate(zip(self.slots, values, strict=True)):
            if index == 0 and not self.literals[0]:
                named[names[-1]] = value
                continue
            # Of several in a row, all but the first are additions such as «; it still offers publickey».
            cut = _added(value) if len(names) > 1 else len(value)
            named[names[-1]] = value[cut:]
            named[names[0]] = value[:cut]
        return start, end, named

    def _fits(self, text: str, start: int, end: int, values: list[str]) -> bool:
        # One word alone, such as «write {path}», says little: its values are short then, but behind a colon.
        if self.words < 2:
            most = 3 if self.literals[0] else 1
            own = (value for value, before in zip(values, self.literals, strict=False) if not before.endswith(": "))
            if any(len(value.split()) > most for value in own):
                return False
        if self.letters < _STRONG:
            return all(values) and _is_start(text, start) and _is_end(text, end)
        whole = not (_in_word(text, start - 1) and _in_word(text, start))
        return whole and not (_in_word(text, end - 1) and _in_word(text, end))


def in_language(message: str, language: Language) -> str:
    """A stored message as a reader of `language` should see it; what is not known stays English."""
    return message if language == "en" else _in_chinese(message)


@cache
def catalogue() -> dict[str, str]:
    """English to Chinese, of all rooms. Braces around a name are a placeholder, others are text."""
    found: dict[str, str] = {}
    folder = resources.files("roost.api").joinpath("i18n/sentences")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        entries: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        found |= entries
    return found


def parsed(english: str, chinese: str) -> Sentence:
    literals, slots = [""], list[list[str]]()
    for index, piece in enumerate(_PLACE.split(english)):
        if index % 2 == 0:
            literals[-1] = piece
        elif slots and not literals[-1]:
            slots[-1].append(piece)
        else:
            slots.append([piece])
            literals.append("")
    longest = max(range(len(literals)), key=lambda index: (len(literals[index]), -index))
    letters = sum(character.isalpha() for literal in literals for character in literal)
    words = sum(len(re.findall("[A-Za-z]+", literal)) for literal in literals)
    return Sentence(literals, slots, chinese, longest, letters, words)


@cache
def _sentences() -> tuple[Sentence, ...]:
    """The longest literal text first; of equals the one first in the alphabet."""
    ordered = sorted(catalogue().items(), key=lambda pair: (-len(_PLACE.sub("", pair[0])), pair[0]))
    return tuple(parsed(english, chinese) for english, chinese in ordered)


@lru_cache(maxsize=4096)
def _in_chinese(message: str) -> str:
    text = message[:LIMIT]
    if re.search(_HELD, text):
        return message
    work = _Work(tuple(one for one in _sentences() if one.literals[one.anchor] in text))
    return work.expanded(work.marked(text, 0)) + message[LIMIT:]


@dataclass
class _Work:
    """One message. A sentence that was found becomes one private character in the text, so that it can stand inside
    of another, whichever of the two is the longer one."""

    candidates: tuple[Sentence, ...]
    held: list[str] = field(default_factory=list[str])
    """Chinese words of the sentence with the private character `_FIRST` + index."""
    tries: int = 0

    def marked(self, text: str, depth: int) -> str:
        for one in self.candidates:
            at = text.find(one.literals[one.anchor])
            while at >= 0 and self.tries < MOST_TRIES:
                self.tries += 1
                found = one.match(text, at)
                if found:
                    start, end, values = found
                    if depth < _DEEPEST:
                        values = {name: self.marked(value, depth + 1) for name, value in values.items()}
                    text = text[:start] + self._hold(one.chinese, values) + text[end:]
                    at = start
                at = text.find(one.literals[one.anchor], at + 1)
        return text

    def _hold(self, chinese: str, values: dict[str, str]) -> str:
        self.held.append(_PLACE.sub(lambda place: values[place[1]], chinese))
        return chr(_FIRST + len(self.held) - 1)

    def expanded(self, text: str) -> str:
        text = re.sub(rf" \(({_HELD})\)", r"（\1）", text)
        text = re.sub(rf"({_HELD}|（{_HELD}）)(; |: |, |\. )", lambda found: found[1] + _GLUE[found[2]], text)
        text = re.sub(rf"(; |: |, |\. )(?={_HELD})", lambda found: _GLUE[found[1]], text)
        return re.sub(_HELD, lambda found: self.expanded(self.held[ord(found[0]) - _FIRST]), text)


def _added(value: str) -> int:
    """Where a value ends to which something is added."""
    found = [at for mark in _ADDED if (at := value.find(mark)) >= 0]
    held = [at for at in range(1, len(value)) if _is_held(value, at) and value[at - 1] not in _BEFORE]
    return min([len(value), *found, *held])


def _value_end(text: str, start: int) -> int:
    """Where a value at the end of a sentence ends: with its part of the text, outside of brackets.

    Behind a colon stands what another program says, which may hold further colons.
    """
    ends = _ENDS if text.endswith(": ", 0, start) else (*_ENDS, ": ")
    high = min(len(text), start + _WIDEST)
    stop = min([high, *(at for end in ends if (at := text.find(end, start, high)) >= 0)])
    depth = 0
    for index in range(start, stop):
        if index > start and _is_held(text, index) and text[index - 1] not in _BEFORE:
            return index
        if text[index] == "(":
            depth += 1
        elif text[index] == ")":
            depth -= 1
            if depth < 0:
                return index
    return stop


def _value_start(text: str, low: int, end: int) -> int:
    """Where a value at the start of a sentence starts."""
    start = max([low, *(at + len(s) for s in (*_ENDS, ": ") if (at := text.rfind(s, low, end)) >= 0)])
    depth = 0
    for index in range(end - 1, start - 1, -1):
        if text[index] == ")":
            depth += 1
        elif text[index] == "(":
            depth -= 1
            if depth < 0:
                return index + 1
    return start


def _is_start(text: str, at: int) -> bool:
    return (
        at == 0 or _is_held(text, at - 1) or any(text.endswith(s, 0, at) or text.startswith(s, at) for s in _STARTS)
    )


def _is_end(text: str, at: int) -> bool:
    return at == len(text) or _is_held(text, at) or any(text.startswith(end, at) for end in _AFTER)


def _is_held(text: str, at: int) -> bool:
    return "\ue000" <= text[at] <= "\uf8ff"


def _in_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at] in "_-" or (text[at].isascii() and text[at].isalnum()))
