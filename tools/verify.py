"""Runs the stories that `make test` leaves out, one process each, and keeps what came out.

Resumable: a story that passed on the same tree is not run again (artifacts/verify.json). The outcome
of every story, with its day and its time, goes to tests/results/stories.json, which is committed; the
pages docs/*/reference/stories.md are made from it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / "artifacts" / "verify.json"
RESULTS = ROOT / "tests" / "results" / "stories.json"
STORIES = ("tests/e2e", "tests/console")
TESTED = ("src", "lab", "helper", "console", *STORIES)


class Outcome(TypedDict):
    outcome: str
    date: str
    seconds: int
    title: str


def tree() -> str:
    """Hash of what the stories test: sources, console, tests and the lab."""
    listing = subprocess.run(
        ["git", "ls-files", "-s", *TESTED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    dirty = subprocess.run(["git", "diff", *TESTED], cwd=ROOT, capture_output=True, check=True)
    import hashlib

    return hashlib.sha256(listing.encode() + dirty.stdout).hexdigest()[:16]


def collect(markers: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-m", markers, *STORIES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in done.stdout.splitlines() if "::" in line]


def title(story: str) -> str:
    """The story's name as words."""
    name = story.rsplit("::", maxsplit=1)[-1]
    return re.sub(r"_", " ", name.removeprefix("test_"))


def load(path: Path) -> dict[str, Outcome]:
    return json.loads(path.read_text()) if path.exists() else {}


def save(path: Path, value: dict[str, Outcome]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--soak", action="store_true", help="the stories that take hours, in place of the others")
    parser.add_argument("--all", action="store_true", help="the stories of `make test` too")
    parser.add_argument("--only", default="", help="only stories whose name has this in it")
    options = parser.parse_args()
    markers = "soak" if options.soak else "lab and not soak" if options.all else "verify and not soak"
    stories = [story for story in collect(markers) if options.only in story]
    done = load(STATE)
    results = load(RESULTS)
    now = tree()
    failed = 0
    for number, story in enumerate(stories, 1):
        key = f"{now} {story}"
        if key in done:
            print(f"[{number}/{len(stories)}] {title(story)}: passed before on this tree")
            continue
        print(f"[{number}/{len(stories)}] {title(story)} …", flush=True)
        started = time.monotonic()
        code = subprocess.run([sys.executable, "-m", "pytest", "-x", "-rP", story], cwd=ROOT, check=False).returncode
        outcome = Outcome(
            outcome="passed" if code == 0 else "failed",
            date=datetime.date.today().isoformat(),
            seconds=round(time.monotonic() - started),
            title=title(story),
        )
        results[story] = outcome
        save(RESULTS, results)
        if code == 0:
            done[key] = outcome
            save(STATE, done)
        failed += code != 0
    # The pages docs/*/reference/stories.md are generated from what was just written.
    subprocess.run([sys.executable, "tools/gen.py"], cwd=ROOT, check=True)
    print(f"{len(stories) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
