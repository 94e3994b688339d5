"""The list of what may differ on a machine stands in the docs as it stands in the lab's comparison."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.machines.snapshot import IGNORED, RUNNING

ROOT = Path(__file__).resolve().parents[3]
MOST = 12


def trees(language: str) -> list[str]:
    """First column of the table whose second column says whose a tree is."""
    text = (ROOT / f"docs/{language}/explanation/what-changes-on-a-machine.md").read_text()
    head = {"en": "| Tree | Whose |", "zh": "| 目录 | 属于 |"}[language]
    table = text.split(head, 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", table, flags=re.MULTILINE)


def keys(tree: str) -> list[str]:
    return [f"{kind}:{tree}{below}" for kind in ("file", "run", "mount") for below in ("", "/below")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_tree_is_one_that_the_comparison_leaves_out(language: str) -> None:
    named = trees(language)
    assert 0 < len(named) <= MOST
    patterns = [re.compile(each.pattern) for each in (*RUNNING, *IGNORED)]
    unknown = [tree for tree in named if not any(p.fullmatch(key) for p in patterns for key in keys(tree))]
    assert unknown == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_tree_that_the_comparison_leaves_out_is_named(language: str) -> None:
    named = [key for tree in trees(language) for key in keys(tree)]
    of_trees = [each for each in RUNNING if not each.pattern.startswith("process:")]
    lacking = [each.pattern for each in of_trees if not any(re.fullmatch(each.pattern, key) for key in named)]
    assert lacking == []


def test_both_languages_name_the_same_trees() -> None:
    assert trees("en") == trees("zh")
