"""`python -m bench`: runs benchmarks, prints their figures and publishes them in bench/results.json.

Called by tools/bench.sh (`make bench`).
"""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import console, creation, fleet, gateway, joining, playbook, processes, results, table, up, version, wide
from bench.figures import LEAST_RUNS, Benchmark, Figure, refusal
from lab.machines.settings import Settings

MOST_LOAD: Final = 1.0
ROOT: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Entry:
    run: Callable[..., list[Figure]]
    runs: int
    least: int
    """Fewer runs are not published."""
    minutes: float
    """About, for people who wait."""


ENTRIES: Final = {
    "version": Entry(version.run, 31, 30, 1),
    "up": Entry(up.run, 9, LEAST_RUNS, 6),
    "creation": Entry(creation.run, LEAST_RUNS, LEAST_RUNS, 25),
    "gateway": Entry(gateway.run, LEAST_RUNS, LEAST_RUNS, 8),
    "fleet": Entry(fleet.run, LEAST_RUNS, LEAST_RUNS, 25),
    "wide": Entry(wide.run, LEAST_RUNS, LEAST_RUNS, 60),
    "joining": Entry(joining.run, LEAST_RUNS, LEAST_RUNS, 25),
    "console": Entry(console.run, LEAST_RUNS, LEAST_RUNS, 6),
    "playbook": Entry(playbook.run, LEAST_RUNS, LEAST_RUNS, 30),
}


def main() -> int:
    options = _options()
    # Told to end, a benchmark takes its platform and machines down as after a run.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    load = processes.load()
    settings = Settings.from_environment()
    work = Path(f"/var/lib/roost-bench-{settings.number}")
    print(f"load of the last minute: {load:.2f}; published with at most {MOST_LOAD:g}, or with --busy", flush=True)
    published = False
    for name in options.only or ENTRIES:
        entry = ENTRIES[name]
        runs = options.runs or entry.runs
        print(f"{name}: {runs} runs (about {max(1, round(entry.minutes * runs / entry.runs))} min)", flush=True)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700, parents=True)
        try:
            figures = entry.run(runs, work=work, port_base=options.port_base)
        finally:
            if not options.keep:
                shutil.rmtree(work, ignore_errors=True)
        today = datetime.date.today().isoformat()
        benchmark = Benchmark(name, runs, today, round(load, 2), os.cpu_count() or 1, tuple(figures))
        print("\n".join(table.text(benchmark)), flush=True)
        why = refusal(runs=runs, least=entry.least, load=load, limit=MOST_LOAD, busy=options.busy)
        if why is None:
            results.publish(benchmark)
            published = True
        else:
            print(f"{name}: not published: {why}", flush=True)
    if published:
        # The pages docs/*/reference/benchmarks.md are generated from what was just written.
        subprocess.run([sys.executable, "tools/gen.py"], cwd=ROOT, check=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures roost beside peers.")
    parser.add_argument("--only", action="append", choices=list(ENTRIES), help="this one; may be given again")
    parser.add_argument("--runs", type=int, default=0, help="of each, in place of its own number")
    parser.add_argument("--busy", action="store_true", help="publish although the computer has other work")
    parser.add_argument("--port-base", type=int, default=27000, help="of the platform (default 27000)")
    parser.add_argument("--keep", action="store_true", help="leave the data directory with its logs behind")
    options = parser.parse_args()
    if options.runs < 0:
        parser.error("--runs must be at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
