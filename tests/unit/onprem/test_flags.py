"""Extension parameters: the program of the cluster's version says itself which flags it takes."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from roost.bundle.images import host_architecture
from roost.bundle.model import Bundle, Program
from roost.providers.onprem.preflight import flags
from tests.unit.onprem import made

PROGRAM = b"""#!/bin/sh
for word; do case $word in
--max-pods=[0-9]*|--v=*|--help) ;;
--max-pods=*) echo "E1 run.go:72] err=\\"invalid argument \\\\\\"x\\\\\\" for it\\"" >&2; exit 1 ;;
*) echo usage; echo "Error: unknown flag: ${word%%=*}" >&2; exit 1 ;;
esac; done
"""


def stored(path: Path, content: bytes, name: str) -> str:
    digest = made.digest(name)
    algorithm, _, value = digest.partition(":")
    (path / "blobs" / algorithm).mkdir(parents=True, exist_ok=True)
    (path / "blobs" / algorithm / value).write_bytes(content)
    return digest


def bundle(path: Path) -> Bundle:
    """kubelet as a program, kube-apiserver within a layer of its image; the two others are not there."""
    own = host_architecture()
    kubelet = Program("kubelet", "1.31.4", own, stored(path, PROGRAM, "k"), len(PROGRAM), "file")
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w:gz") as archive:
        member = tarfile.TarInfo("usr/local/bin/kube-apiserver")
        member.size, member.mode = len(PROGRAM), 0o755
        archive.addfile(member, io.BytesIO(PROGRAM))
    manifest = {"layers": [{"digest": stored(path, layer.getvalue(), "l")}]}
    image = replace(
        made.image("registry.k8s.io/kube-apiserver:v1.31.4", own, "control-plane"),
        manifest_digest=stored(path, json.dumps(manifest).encode(), "m"),
    )
    return replace(made.bundle(), path=path, digest=made.digest(str(path)), programs=(kubelet,), images=(image,))


def found(tmp_path: Path, **fields: dict[str, str]) -> dict[str, str]:
    findings = flags.check(made.spec(**fields), bundle(tmp_path), "cp1")
    return {finding.cause: finding.evidence for finding in findings}


def test_flags_that_the_programs_take_are_no_findings(tmp_path: Path) -> None:
    assert found(tmp_path, kubeletExtraArgs={"max-pods": "40", "v": "3"}, apiServerExtraArgs={"v": "3"}) == {}


def test_every_flag_that_a_program_refuses_is_named_with_its_words(tmp_path: Path) -> None:
    said = found(
        tmp_path,
        kubeletExtraArgs={"max-pods": "x", "max-pds": "3", "v": "2"},
        apiServerExtraArgs={"audit-log": "x"},
    )
    assert said == {
        "kubelet 1.31.4 does not take spec.onPremises.kubeletExtraArgs.max-pods":
            'it says: invalid argument "x" for it',
        "kubelet 1.31.4 does not take spec.onPremises.kubeletExtraArgs.max-pds":
            "it says: unknown flag: --max-pds",
        "kube-apiserver 1.31.4 does not take spec.onPremises.apiServerExtraArgs.audit-log":
            "it says: unknown flag: --audit-log",
    }  # fmt: skip


def test_a_program_that_is_not_there_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (finding,) = flags.check(made.spec(schedulerExtraArgs={"v": "3"}), bundle(tmp_path), "cp1")
    assert (finding.check, finding.warning) == ("FlagsNotAsked", True)


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("Usage:\n  kube-scheduler [flags]\n\nError: unknown flag: --x\n", "unknown flag: --x"),
        ("something else\n", "something else"),
        ("", None),
    ],
)
def test_the_line_that_says_why(printed: str, said: str | None) -> None:
    assert flags.refusal_in(printed) == said
