"""Whether the programs of the cluster's version take the extension parameters: each program is asked itself.

A flag that it does not know, or a value that it can't read, would show only when the component does not start.
Here it is run on the platform with these flags and `--help`: it reads the flags first and does nothing else.
Called by the provider before its first write.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Mapping
from typing import Final

from roost.api.v1alpha1.cluster import ClusterSpec
from roost.bundle.executable import executable
from roost.bundle.model import Bundle
from roost.providers.onprem import layout
from roost.providers.onprem.preflight.report import Finding

SECONDS: Final = 30.0
PROGRAMS: Final = {
    "kubeletExtraArgs": "kubelet",
    "apiServerExtraArgs": "kube-apiserver",
    "controllerManagerExtraArgs": "kube-controller-manager",
    "schedulerExtraArgs": "kube-scheduler",
}


def given(spec: ClusterSpec) -> dict[str, Mapping[str, str]]:
    """By the field's name; only fields that hold something."""
    wanted = layout.on_premises(spec)
    every = {
        "kubeletExtraArgs": wanted.kubelet_extra_args,
        "apiServerExtraArgs": wanted.api_server_extra_args,
        "controllerManagerExtraArgs": wanted.controller_manager_extra_args,
        "schedulerExtraArgs": wanted.scheduler_extra_args,
    }
    return {field: flags for field, flags in every.items() if flags}


def check(spec: ClusterSpec, bundle: Bundle, machine: str) -> list[Finding]:
    """A finding for each flag that its program refuses. Blocking; `machine` is the one that the findings name."""
    return [
        finding
        for field, flags in given(spec).items()
        for finding in _check(field, tuple(sorted(flags.items())), bundle, machine)
    ]


def _check(field: str, flags: tuple[tuple[str, str], ...], bundle: Bundle, machine: str) -> list[Finding]:
    program = PROGRAMS[field]
    version = bundle.version
    answers = _ask(_Key(bundle), program, flags)
    if answers is None:
        return [
            Finding(
                machine,
                "FlagsNotAsked",
                f"{program} {version} could not be asked whether it knows {', '.join(name for name, _ in flags)}",
                "the bundle has no program for the platform's own architecture",
                f"Compare spec.onPremises.{field} with `{program} --help` of that version",
                warning=True,
            )
        ]
    return [
        Finding(
            machine,
            "FlagRefused",
            f"{program} {version} does not take spec.onPremises.{field}.{name}",
            f"it says: {said}",
            f"Correct the flag; `{program} --help` of {version} lists those that it knows",
        )
        for name, said in answers.items()
    ]


class _Key:
    """A bundle as a key of the cache: two with the same content are the same."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def __hash__(self) -> int:
        return hash(self.bundle.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.bundle.digest == self.bundle.digest


@functools.lru_cache(maxsize=64)
def _ask(key: _Key, program: str, flags: tuple[tuple[str, str], ...]) -> dict[str, str] | None:
    """What the program says against each flag; None where it can't be asked."""
    with executable(key.bundle, program) as file:
        if file is None:
            return None
        if _refusal(str(file), flags) is None:
            return {}
        refusals = {name: _refusal(str(file), ((name, value),)) for name, value in flags}
        return {name: said for name, said in refusals.items() if said is not None}


def _refusal(program: str, flags: tuple[tuple[str, str], ...]) -> str | None:
    """The program's own words, or None when it takes the flags."""
    words = [f"--{name}={value}" for name, value in flags]
    done = subprocess.run(
        [program, *words, "--help"], capture_output=True, text=True, timeout=SECONDS, check=False, env={}
    )
    if done.returncode == 0:
        return None
    return refusal_in(done.stderr) or refusal_in(done.stdout) or f"exit status {done.returncode}"


def refusal_in(printed: str) -> str | None:
    """The line that says why, without what stands around it. Pure."""
    for line in printed.splitlines():
        for start in ("unknown flag:", "unknown shorthand flag:", "invalid argument", "bad flag syntax:"):
            if start in line:
                return line[line.index(start) :].strip().removesuffix('"').replace('\\"', '"')[:500]
    return next((line.strip()[:500] for line in printed.splitlines() if line.strip()), None)
