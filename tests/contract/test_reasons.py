"""Every reason in the code has words in both languages, and no words are left of one that went."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from roost.api import conditions
from roost.api.messages import condition_title, condition_types, explain_reason, reasons

SOURCE = Path(__file__).resolve().parents[2] / "src/roost"
REASON = re.compile(r"[A-Z][a-z]+([A-Z][a-z]+)*")
# Where a call takes its reason: the name of what is called, and the position.
POSITIONS = {
    "RetryLater": 0,
    "PermanentFailure": 0,
    "RoostError": 0,
    "NotReady": 0,
    "__init__": 0,
    "Blocked": 1,
    "Finding": 1,
    "event": 1,
    "UpstreamUnavailable": 0,
    "cluster": 2,
    "machine": 3,
    "say": 3,
}
PREFLIGHT = {"error": 0, "warning": 0}
"""Findings, in providers/onprem/preflight alone; elsewhere these are other functions."""
NOT_REASONS = {"True", "False", "Unknown"}


def found_in(path: Path) -> Iterator[str]:
    positions = POSITIONS | (PREFLIGHT if "preflight" in path.parts else {})
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            at = positions.get(called)
            if at is not None and at < len(node.args):
                yield from words(node.args[at])
            for keyword in node.keywords:
                if keyword.arg in {"reason", "cause"}:
                    yield from words(keyword.value)
        elif isinstance(node, ast.Assign) and any("reason" in ast.unparse(target) for target in node.targets):
            yield from words(node.value)
        elif path.parts[-2:] == ("kube", "errors.py") and is_reason_with_remedy(node):
            yield from words(node.elts[0])


def is_reason_with_remedy(node: ast.AST) -> TypeGuard[ast.Tuple]:
    """A tuple whose second member is a sentence."""
    if not isinstance(node, ast.Tuple) or len(node.elts) != 2:
        return False
    remedy = node.elts[1]
    return isinstance(remedy, ast.Constant) and " " in str(remedy.value)


def words(node: ast.expr) -> Iterator[str]:
    """Literal reasons in an expression: itself, the branches of a choice, the members of a tuple."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and REASON.fullmatch(node.value):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from words(node.body)
        yield from words(node.orelse)
    elif isinstance(node, ast.Tuple):
        for element in node.elts:
            yield from words(element)


def all_found() -> dict[str, str]:
    return {
        reason: str(path.relative_to(SOURCE))
        for path in sorted(SOURCE.rglob("*.py"))
        for reason in found_in(path)
        if reason not in NOT_REASONS and not reason.startswith("FieldValue")
    }


def test_every_reason_has_words() -> None:
    found = all_found()
    assert len(found) > 80, "the search does not find what it should"
    missing = {reason: where for reason, where in found.items() if reason not in reasons()}
    assert missing == {}, "add them to src/roost/api/i18n/reasons.json"


def test_constants_have_words() -> None:
    assert {
        conditions.WAITING,
        conditions.IN_PROGRESS,
        conditions.SUCCEEDED,
        conditions.PAUSED,
        conditions.AWAITING_APPROVAL,
        conditions.NETWORK_PLUGIN_MISSING,
    } <= set(reasons())


def test_no_words_without_a_reason() -> None:
    text = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    assert [reason for reason in reasons() if f'"{reason}"' not in text] == []


def test_both_languages_say_something() -> None:
    for reason, (english, chinese) in reasons().items():
        assert len(english) > 15 and english.endswith("."), reason
        assert re.search(r"[\u4e00-\u9fff]", chinese) and chinese.endswith("。"), reason
    assert explain_reason("Paused", "zh") == reasons()["Paused"][1]
    assert explain_reason("FromTheFuture", "en") is None


def test_every_type_of_condition_has_words() -> None:
    types = [*conditions.CLUSTER_PHASES, *conditions.MACHINE_PHASES, conditions.DELETING, *conditions.OTHERS]
    assert list(condition_types()) == types
    for name, words in condition_types().items():
        assert re.search(r"[\u4e00-\u9fff]", words.title["zh"]) and words.explanation["zh"].endswith("。"), name
        assert words.title["en"] and words.explanation["en"].endswith("."), name
    assert condition_title("Available", "zh") == "可用"
    assert condition_title("FromTheFuture", "zh") == "FromTheFuture"
