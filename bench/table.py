"""Figures as text: numbers people can read, a table for the terminal. Pure. Called by the command and by page."""

from __future__ import annotations

from collections.abc import Iterator

from bench import words
from bench.figures import Benchmark, Figure, Sample, Unit


def number(value: float, unit: Unit) -> str:
    match unit:
        case "s":
            return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
        case "ms":
            return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
        case "percent":
            return f"{value:.1f} %"
        case "count":
            return f"{value:.0f}" if value == round(value) else f"{value:.1f}"
        case "bytes":
            for size, name in ((1e6, "MB"), (1e3, "kB")):
                if value >= size:
                    return f"{value / size:.1f} {name}" if value < 100 * size else f"{value / size:.0f} {name}"
            return f"{value:.0f} B"


def spread(sample: Sample, unit: Unit) -> str:
    """Lowest to highest; nothing where all runs agree."""
    low, high = number(sample.low, unit), number(sample.high, unit)
    if low == high:
        return ""
    left, right = low.rsplit(" ", 1), high.rsplit(" ", 1)
    return f"{left[0]}–{high}" if left[1:] == right[1:] else f"{low}–{high}"


def cells(figure: Figure, language: int) -> list[str]:
    """What, median, spread, peer, its median, its spread, ratio, target."""
    own = [words.label(figure.key, figure.part, language), number(figure.own.median, figure.unit)]
    own.append(spread(figure.own, figure.unit))
    if figure.peer is None:
        return [*own, "", "", "", "", target(figure, language)]
    peer = [
        words.peer(figure.key, figure.part, language),
        number(figure.peer.median, figure.unit),
        spread(figure.peer, figure.unit),
    ]
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    return [*own, *peer, ratio, target(figure, language)]


def target(figure: Figure, language: int) -> str:
    if figure.limit is not None:
        wanted = f"≤ {number(figure.limit, figure.unit)}"
    elif figure.least is not None:
        wanted = f"≥ {number(figure.least, figure.unit)}"
    elif figure.target is not None:
        wanted = f"≤ {figure.target:g}"
    else:
        return ""
    met = {None: ("", ""), True: (", met", "，达到"), False: (", missed", "，未达到")}[figure.met]
    return f"{wanted}{met[language]}"


def text(benchmark: Benchmark) -> Iterator[str]:
    """Lines for a terminal."""
    yield (
        f"{words.TITLES[benchmark.name][0]}: {benchmark.runs} runs each on {benchmark.date}, "
        f"{benchmark.cores} processors, load before the start {benchmark.load:.2f}"
    )
    heads = ["", "median", "spread", "beside", "median", "spread", "ratio", "target"]
    rows = [heads, *(cells(each, 0) for each in benchmark.figures)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(heads))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
