"""Builds the programs of one recipe with a Go toolchain of its own and a throw-away build cache.

The build cache is shared by the recipes of one run that use the same toolchain, for they share
the standard library; it goes when the run ends, or earlier where it has grown large.

A module of the lab's own requires the modules of the recipe, and `go build` names their main
packages; go.sum starts from the modules' own and what is missing is checked by the toolchain
against the checksum database. Called by `programs`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, cast

from lab.build import cache, tools
from lab.build.progress import Progress
from lab.build.recipes import LAB_MODULE, Recipe

GOCACHE_LIMIT = 5_000_000_000


class Downloaded(TypedDict):
    Path: str
    Version: str
    Info: str
    GoMod: str
    Dir: str


def build(recipe: Recipe, out: Path, jobs: int, progress: Progress) -> None:
    """Build all programs of the recipe into `out`."""
    cache.require_space(f"build {recipe.title}", recipe.work_bytes)
    tools.require_apt(("ca-certificates", *recipe.apt))
    progress.note(f"looking for the Go toolchain {recipe.go}, downloading modules")
    toolchain = tools.go_toolchain(recipe.go)
    work = cache.work(f"{recipe.name}-{recipe.version}")
    module = work / "module"
    env = go_environment(toolchain, gocache(recipe.go), cgo=recipe.cgo)
    commit, time = lay_out(recipe, module, env)

    arrived: set[str] = set()
    names = {package_binary(package): name for name, package in recipe.programs}

    def watch() -> None:
        for built, name in names.items():
            if name not in arrived and (out / built).exists():
                arrived.add(name)
                if len(names) < 10:
                    progress.note(f"{name} is linked")
        progress.beat(f"compiling, {len(arrived)} of {len(names)} programs are there")

    tools.run(
        [
            "go",
            "build",
            *([f"-p={jobs}"] if jobs else []),
            "-trimpath",
            "-buildvcs=false",
            f"-tags={','.join(recipe.tags)}",
            # What debuggers read would be stripped at the link anyway; not to make it saves compiling time.
            "-gcflags=all=-dwarf=false",
            f"-ldflags={link_flags(recipe.ldflags, commit, time)}",
            f"-o={out}/",
            *[package for _, package in recipe.programs],
        ],
        step=f"build {recipe.title}",
        what=" ".join(recipe.modules),
        log=work / "build.log",
        env=env,
        cwd=module,
        watch=watch,
    )
    for built, name in names.items():
        (out / built).rename(out / name)


def lay_out(recipe: Recipe, module: Path, env: dict[str, str]) -> tuple[str, str]:
    """Writes the recipe's module, from which `go build` builds; commit and time of what is built."""
    module.mkdir(exist_ok=True)
    downloads = [download(wanted, env, module) for wanted in recipe.modules]
    (module / "go.mod").write_text(lab_module(recipe, [_text(d["GoMod"]) for d in downloads]))
    (module / "go.sum").write_text("".join(_module_sums(d) for d in downloads))
    for name, text in recipe.own:
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text(text)
    return _origin(downloads[0]) if downloads else ("unknown", "unknown")


def fetch(recipe: Recipe) -> None:
    """Downloads the toolchain and every module that building the recipe will read; builds nothing."""
    toolchain = tools.go_toolchain(recipe.go)
    work = cache.work(f"ahead-{recipe.name}-{recipe.version}")
    # A build cache of its own: the builds' is removed between two of them.
    env = go_environment(toolchain, cache.work("gocache-ahead"), cgo=recipe.cgo)
    lay_out(recipe, work / "module", env)
    tools.capture(
        ["go", "list", "-deps", f"-tags={','.join(recipe.tags)}", *[package for _, package in recipe.programs]],
        step=f"fetch the modules of {recipe.title}",
        what=" ".join(recipe.modules),
        env=env,
        cwd=work / "module",
    )


def gocache(go: str) -> Path:
    return cache.work(f"gocache-{go}")


def go_environment(toolchain: Path, gocache: Path, *, cgo: bool) -> dict[str, str]:
    """The machine's own Go settings (proxy, checksum database) with ours on top."""
    env = {key: value for key, value in os.environ.items() if key not in ("GOROOT", "GOPATH")}
    return env | {
        "PATH": f"{toolchain}/bin:{env.get('PATH', '/usr/sbin:/usr/bin:/sbin:/bin')}",
        "HOME": env.get("HOME", "/root"),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GO111MODULE": "on",
        "GOFLAGS": "-mod=mod",
        "GOMODCACHE": str(cache.go_modules()),
        "GOCACHE": str(gocache),
        "GOOS": "linux",
        "GOARCH": "amd64",
        "CGO_ENABLED": "1" if cgo else "0",
        # Compilers and linkers collect garbage less often, up to a size of which a small computer bears two.
        "GOGC": env.get("GOGC", "300"),
        "GOMEMLIMIT": env.get("GOMEMLIMIT", "2GiB"),
    }


def download(wanted: str, env: dict[str, str], work: Path) -> Downloaded:
    answer = tools.capture(
        ["go", "mod", "download", "-json", wanted],
        step=f"download {wanted}",
        what=f"the Go module {wanted}",
        env=env,
        cwd=work,
    )
    return cast(Downloaded, json.loads(answer))


def lab_module(recipe: Recipe, go_mods: Sequence[str]) -> str:
    """The go.mod from which the recipe's programs are built.

    Kubernetes names its staging modules at v0.0.0 and replaces them by folders that the module
    does not carry; here exactly these are replaced by their published versions. A prefix would
    also catch pseudo-versions such as v0.0.0-2024….
    """
    staging: list[str] = []
    if recipe.staging_version:
        staging = sorted({name for text in go_mods for name in staging_modules(text)})
    lines = [f"module {LAB_MODULE}", "", f"go {max_go(go_mods)}", "", "require ("]
    lines += [f"\t{wanted.replace('@', ' ')}" for wanted in recipe.modules]
    lines += [f"\t{name} {recipe.staging_version}" for name in staging]
    lines += [")"]
    if staging:
        lines += ["", "replace ("]
        lines += [f"\t{name} => {name} {recipe.staging_version}" for name in staging]
        lines += [")"]
    return "\n".join(lines) + "\n"


def staging_modules(go_mod: str) -> list[str]:
    found = re.findall(r"^\s*(?:require\s+)?(\S+) v0\.0\.0(?:\s*//.*)?$", go_mod, re.MULTILINE)
    return [str(name) for name in found]


def max_go(go_mods: Sequence[str]) -> str:
    """The newest `go` line: it fixes the language and run-time defaults of the main package."""
    found = [str(version) for text in go_mods for version in re.findall(r"^go (\d[\d.]*)", text, re.MULTILINE)]
    return max(found or ["1.21"], key=lambda version: [int(part) for part in version.split(".")])


def link_flags(flags: Sequence[str], commit: str, time: str) -> str:
    return " ".join(["-s", "-w", *(flag.format(commit=commit, time=time) for flag in flags)])


def package_binary(package: str) -> str:
    """The file name that `go build` gives a main package: a last /v2 is not part of it."""
    parts = package.split("/")
    return parts[-2] if re.fullmatch(r"v[0-9]+", parts[-1]) else parts[-1]


def _origin(downloaded: Downloaded) -> tuple[str, str]:
    """Commit and time of the module as its index tells them; some modules carry no commit."""
    info = json.loads(_text(downloaded["Info"]))
    commit = str(info.get("Origin", {}).get("Hash") or "unknown")
    return commit, str(info.get("Time") or "unknown")


def _module_sums(downloaded: Downloaded) -> str:
    own = Path(downloaded["Dir"]) / "go.sum"
    return own.read_text() if own.exists() else ""


def _text(path: str) -> str:
    return Path(path).read_text()


def clean(recipe: Recipe) -> None:
    """Remove what a finished recipe leaves, and the build cache once it is several gigabytes.

    Each Kubernetes version adds some three, of which the next one can use next to nothing.
    """
    cache.remove_tree(cache.work(f"{recipe.name}-{recipe.version}"))
    if cache.size(gocache(recipe.go)) > GOCACHE_LIMIT:
        cache.remove_tree(gocache(recipe.go))
