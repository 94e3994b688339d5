"""bench/results.json: what was published, committed with the code that it was measured on.

Each benchmark replaces its own part only. Written by `python -m bench`, read by page.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, cast

from bench.figures import Benchmark, Figure, Sample

RESULTS: Final = Path(__file__).with_name("results.json")


def encode(benchmark: Benchmark) -> dict[str, Any]:
    """With medians, spread and ratio beside the values, for readers that don't compute."""
    found = asdict(benchmark)
    found["figures"] = [_figure(each) for each in benchmark.figures]
    del found["name"]
    return found


def decode(name: str, value: dict[str, Any]) -> Benchmark:
    figures = tuple(
        Figure(
            each["key"],
            each["unit"],
            Sample(tuple(each["own"]["values"])),
            Sample(tuple(each["peer"]["values"])) if "peer" in each else None,
            each.get("target"),
            each.get("part", ""),
            each.get("limit"),
            each.get("least"),
        )
        for each in value["figures"]
    )
    return Benchmark(name, value["runs"], value["date"], value["load"], value["cores"], figures)


def load(path: Path = RESULTS) -> list[Benchmark]:
    """Nothing where no file is."""
    if not path.exists():
        return []
    found = cast("dict[str, dict[str, Any]]", json.loads(path.read_text("utf-8")))
    return [decode(name, value) for name, value in found.items()]


def publish(benchmark: Benchmark, path: Path = RESULTS) -> None:
    kept = {each.name: each for each in load(path)} | {benchmark.name: benchmark}
    text = json.dumps({name: encode(kept[name]) for name in sorted(kept)}, indent=1) + "\n"
    path.write_text(text, "utf-8")


def _figure(figure: Figure) -> dict[str, Any]:
    found: dict[str, Any] = {"key": figure.key, "unit": figure.unit, "own": _sample(figure.own)}
    if figure.part:
        found["part"] = figure.part
    if figure.peer is not None:
        found["peer"] = _sample(figure.peer)
    if figure.ratio is not None:
        found["ratio"] = round(figure.ratio, 3)
    if figure.target is not None:
        found["target"] = figure.target
    if figure.limit is not None:
        found["limit"] = figure.limit
    if figure.least is not None:
        found["least"] = figure.least
    return found


def _sample(sample: Sample) -> dict[str, Any]:
    values = [round(value, 4) for value in sample.values]
    return {"median": round(sample.median, 4), "min": min(values), "max": max(values), "values": values}
