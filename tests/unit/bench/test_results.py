"""What is published is read back as it was, a benchmark at a time, and stands on the pages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench import page, results, table, words
from bench.__main__ import ENTRIES
from bench.figures import ONCE, Benchmark, figure

UP = Benchmark(
    "up",
    7,
    "2026-01-02",
    0.25,
    2,
    (
        figure("up.time", "s", [3.0, 4.0, 5.0], [2.0, 2.5, 4.0], target=1.3),
        figure("up.memory", "bytes", [60e6], [58e6], part="etcd"),
        figure("up.first", "s", [9.0]),
    ),
)


def test_what_was_published_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.publish(UP, path)
    assert results.load(path) == [UP]


def test_a_benchmark_replaces_only_its_own_part(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    version = Benchmark("version", 31, "2026-01-01", 0.1, 2, (figure("version.time", "ms", [40.0], [80.0]),))
    later = Benchmark("up", 9, "2026-01-03", 0.1, 2, (figure("up.first", "s", [8.0]),))
    for each in (version, UP, later):
        results.publish(each, path)
    assert results.load(path) == [later, version]


def test_the_file_says_median_spread_and_ratio(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.publish(UP, path)
    first = json.loads(path.read_text())["up"]["figures"][0]
    assert first["own"] == {"median": 4.0, "min": 3.0, "max": 5.0, "values": [3.0, 4.0, 5.0]}
    assert (first["ratio"], first["target"]) == (1.6, 1.3)


def test_nothing_published_gives_nothing(tmp_path: Path) -> None:
    assert results.load(tmp_path / "results.json") == []


def test_the_published_file_is_whole() -> None:
    for each in results.load():
        assert each.name in words.TITLES
        assert each.runs >= ENTRIES[each.name].least
        for item in each.figures:
            assert len(item.own.values) == (1 if item.key in ONCE else each.runs), item.key
            assert words.label(item.key, item.part, 0)
            assert (item.peer is None) == (words.peer(item.key, item.part, 0) == "") or item.part


@pytest.mark.parametrize(("language", "met"), [("en", "≤ 1.3, missed"), ("zh", "≤ 1.3，未达到")])
def test_a_page_shows_each_figure_beside_its_peer(language: str, met: str) -> None:
    text = page.page(language, [UP])
    row = next(line for line in text.splitlines() if met in line)
    assert "4.00 s" in row and "3.00–5.00 s" in row and "2.50 s" in row and "1.60" in row
    assert "2026-01-02" in text
    assert text.count(page.TEXTS["absent"][language == "zh"]) == len(words.TITLES) - 1


def test_both_pages_have_the_same_rows() -> None:
    rows = [re.findall(r"^\|", page.page(language, [UP]), flags=re.MULTILINE) for language in ("en", "zh")]
    assert len(rows[0]) == len(rows[1]) == 5


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (3.456, "s", "3.46 s"),
        (34.56, "s", "34.6 s"),
        (47.2, "ms", "47 ms"),
        (3, "count", "3"),
        (2.5, "count", "2.5"),
        (640, "bytes", "640 B"),
        (36200, "bytes", "36.2 kB"),
        (453e6, "bytes", "453 MB"),
        (3.92, "percent", "3.9 %"),
    ],
)
def test_numbers_for_people(value: float, unit: table.Unit, text: str) -> None:
    assert table.number(value, unit) == text


def test_the_terminal_shows_the_same() -> None:
    lines = list(table.text(UP))
    assert "7 runs" in lines[0] and "load before the start 0.25" in lines[0]
    assert len({line.index("≤ 1.3") for line in lines if "≤ 1.3" in line}) == 1
    assert any("bare etcd" in line and "1.03" in line for line in lines)
