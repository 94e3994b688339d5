"""`python -m lab build` and `python -m lab mirror`: options, locking, and what is printed."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType

from lab.build import cache, mirror, plan
from lab.build.ahead import fetching
from lab.build.failure import BuildError, explain
from lab.build.progress import Progress, in_words
from lab.build.versions import DEFAULT_KUBERNETES, RELEASES, release


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    build = verbs.add_parser("build", help="build programs and images into the cache")
    build.add_argument(
        "--kubernetes",
        action="append",
        metavar="VERSION",
        help=f"one of {', '.join(RELEASES)}; may be repeated; {DEFAULT_KUBERNETES} by default",
    )
    build.add_argument("--jobs", type=int, default=0, metavar="N", help="compilers at once (default: all cores)")
    serve = verbs.add_parser("mirror", help="serve the cache as a mirror of the upstream sites")
    serve.add_argument("--listen", default=mirror.DEFAULT_LISTEN, metavar="ADDRESS:PORT", help="default: %(default)s")
    how = serve.add_mutually_exclusive_group()
    how.add_argument("--detach", action="store_true", help="serve in the background; print the URL")
    how.add_argument("--stop", action="store_true", help="end the mirror of this cache")
    how.add_argument("--url", action="store_true", help="print the URL if the mirror runs")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        if options.verb == "mirror":
            return run_mirror(options)
        return run_build(options.kubernetes or [DEFAULT_KUBERNETES], options.jobs)
    except BuildError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; the same command goes on from here", file=sys.stderr)
        return 130


def _terminate(_number: int, _frame: FrameType | None) -> None:
    """Let SIGTERM unwind as Ctrl-C does, so that compilers are stopped with it."""
    raise KeyboardInterrupt


def run_mirror(options: argparse.Namespace) -> int:
    if options.stop:
        print("the mirror is stopped" if mirror.stop() else "no mirror was running")
    elif options.url:
        known = mirror.running()
        if known is None:
            print("no mirror is running; start it: python -m lab mirror --detach", file=sys.stderr)
            return 1
        print(known.url)
    elif options.detach:
        print(mirror.ensure_running(options.listen))
    else:
        mirror.serve(options.listen)
    return 0


def carry_out(step: plan.Step, progress: Progress) -> None:
    """Do a step; a full disk met by our own writing is told as one met by a tool is."""
    try:
        step.act(progress)
    except OSError as error:
        raise explain(step.title, error.filename or "the cache", error.strerror or str(error)) from error


def run_build(versions: list[str], jobs: int) -> int:
    rows = [release(version) for version in versions]
    if os.geteuid() != 0:
        raise BuildError(
            step="build",
            cause="it has to run as root",
            remedy="root is needed to install packages and to make root file systems",
        )
    with cache.exclusive("build", "another build is running"):
        steps = plan.steps_for(rows, jobs)
        missing = [step for step in steps if not step.is_done()]
        expected = sum(step.expected_seconds for step in missing)
        print(
            f"lab build: Kubernetes {', '.join(row.kubernetes for row in rows)}; "
            f"{len(steps)} steps, {len(steps) - len(missing)} of them in the cache "
            f"({cache.root()}); about {in_words(expected)}",
            flush=True,
        )
        progress = Progress(total=len(steps))
        with fetching(plan.unbuilt(rows)[1:]):
            for step in steps:
                if step.is_done():
                    progress.skip(step.title)
                    continue
                progress.begin(step.title, step.expected_seconds)
                carry_out(step, progress)
                progress.end()
        print("lab build: removing modules and compiled packages", flush=True)
        cache.tidy()
    print(f"lab build: done; the cache holds {cache.size(cache.root()) / 1e9:.1f} GB")
    return 0
