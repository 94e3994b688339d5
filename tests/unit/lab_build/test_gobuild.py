"""The go.mod that the lab writes, and how failures of the toolchain are told."""

from __future__ import annotations

import threading
import time

import pytest

from lab.build import ahead, gobuild, recipes
from lab.build.failure import explain

GO_MOD = """module k8s.io/kubernetes

go 1.22.0

require (
\tk8s.io/api v0.0.0
\tk8s.io/client-go v0.0.0
\tk8s.io/klog/v2 v2.130.1
\tk8s.io/utils v0.0.0-20240711033017-18e509b52bc8
)

require k8s.io/kms v0.0.0 // indirect
"""


def test_only_modules_at_exactly_v0_0_0_are_staging_modules() -> None:
    assert gobuild.staging_modules(GO_MOD) == ["k8s.io/api", "k8s.io/client-go", "k8s.io/kms"]


def test_staging_modules_are_required_and_replaced_at_the_minor_version() -> None:
    text = gobuild.lab_module(recipes.kubernetes("1.31.4"), [GO_MOD])
    assert "\tk8s.io/kubernetes v1.31.4\n" in text
    assert "\tk8s.io/api => k8s.io/api v0.31.4\n" in text
    assert "k8s.io/utils" not in text
    assert "\ngo 1.22.0\n" in text


def test_other_modules_need_no_replacements() -> None:
    text = gobuild.lab_module(recipes.etcd("3.5.15"), ["module a\n\ngo 1.21\n"])
    assert "replace" not in text
    assert "\tgo.etcd.io/etcd/server/v3 v3.5.15\n" in text


def test_the_newest_go_line_counts_by_number_not_by_letter() -> None:
    assert gobuild.max_go(["go 1.9\n", "go 1.22.4\n", "go 1.20\n"]) == "1.22.4"


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("go.etcd.io/etcd/server/v3", "server"),
        ("github.com/coredns/coredns", "coredns"),
        ("github.com/distribution/distribution/v3/cmd/registry", "registry"),
    ],
)
def test_the_file_name_of_a_main_package(package: str, name: str) -> None:
    assert gobuild.package_binary(package) == name


def test_link_flags_carry_commit_and_time() -> None:
    flags = gobuild.link_flags(recipes.kubernetes("1.31.4").ldflags, "abc", "2024-12-10T11:37:26Z")
    assert "-X k8s.io/component-base/version.gitVersion=v1.31.4" in flags
    assert "-X k8s.io/client-go/pkg/version.gitCommit=abc" in flags
    assert "{" not in flags


@pytest.mark.parametrize(
    ("output", "cause", "remedy"),
    [
        ("go: downloading a\nwrite /x: no space left on device", "the disk is full", "ROOST_LAB_CACHE"),
        ("dial tcp: lookup x: no such host", "could not be downloaded", "network"),
        ("a/b: signal: killed", "ran out of memory", "--jobs 1"),
        ("a.go:3: undefined: x", "building the.module failed", ""),
    ],
)
def test_a_failure_is_told_with_its_cause_and_remedy(output: str, cause: str, remedy: str) -> None:
    error = explain("build etcd", "the.module", output)
    assert "could not build etcd" in str(error)
    assert cause in str(error)
    assert remedy in str(error)
    assert error.evidence == output.splitlines()[-1]


def test_the_next_recipes_are_fetched_beside_the_first_and_failures_are_left_to_the_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = [recipes.etcd("3.5.15"), recipes.kubernetes("1.31.4"), recipes.kubernetes("1.28.15")]
    begun, go_on, seen = threading.Event(), threading.Event(), list[str]()

    def fetch(recipe: recipes.Recipe) -> None:
        seen.append(recipe.title)
        begun.set()
        go_on.wait(10)
        raise OSError("no network")

    monkeypatch.setattr(gobuild, "fetch", fetch)
    with ahead.fetching(wanted):
        assert begun.wait(10) and seen == [wanted[0].title], "in a thread, while the block goes on"
        go_on.set()
        while len(seen) < 3:
            time.sleep(0.001)
    begun.clear()
    go_on.clear()
    with ahead.fetching(wanted):
        assert begun.wait(10)
        threading.Timer(0.1, go_on.set).start()
    assert len(seen) == 4, "the one under way at the end is the last"
