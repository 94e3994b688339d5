"""Files of people: lines, headers, sets of documents judged together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from roost.api.documents import Unreadable, load, split
from roost.api.validation.documents import Judged, judge_cluster, validate_documents
from tests.unit.api.conftest import Json, edited

Make = Callable[..., Json]


def test_split_gives_lines_and_leaves_empty_documents_out() -> None:
    documents = split("# a comment\n---\nkind: A\n---\n---\n# nothing\n---\n\nkind: B\nwhen: 2026-01-01\n")
    assert [(d.body["kind"], d.line) for d in documents] == [("A", 3), ("B", 9)]
    assert documents[1].body["when"] == "2026-01-01"


def test_a_list_is_its_items() -> None:
    assert [d.body["kind"] for d in split("kind: List\nitems: [{kind: A}, {kind: B}]")] == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "expected"),
        ("a:\n\tb: 1\n", 2, "indent with blanks"),
        ("a: 1\nb: 2\na: 3\n", 3, "the field a stands here twice"),
        ("a: !!python/object:os.system {}\n", 1, "could not determine a constructor"),
    ],
)
def test_unreadable(text: str, line: int, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        split(text)
    assert caught.value.line == line
    assert words in caught.value.problem


def test_load_wants_objects() -> None:
    with pytest.raises(Unreadable, match="not an object"):
        load("- 1\n- 2\n")


@pytest.mark.parametrize(
    ("header", "path", "words"),
    [
        ({"apiVersion": "cluster.alauda.io/v1", "kind": "Cluster"}, "apiVersion", "write cluster.alauda.io/v1alpha1"),
        ({"apiVersion": "cluster.alauda.io/v1alpha1", "kind": "Clusterr"}, "kind", "did you mean Cluster?"),
        ({"apiVersion": "cluster.alauda.io/v1alpha1", "kind": "Pod"}, "kind", "one of Cluster, Machine"),
        ({"apiVersion": "cluster.alauda.oi/v1alpha1", "kind": "Thing"}, "apiVersion", "write cluster.alauda.io"),
        ({"apiVersion": "v1", "kind": "Cluster"}, "apiVersion", "write cluster.alauda.io/v1alpha1"),
        ({"kind": "Cluster"}, "apiVersion", "is required"),
        ({"apiVersion": "cluster.alauda.io/v1alpha1"}, "kind", "is required"),
    ],
)
def test_header(header: Json, path: str, words: str) -> None:
    errors = validate_documents([header])[0].verdict.errors
    assert [error.path for error in errors] == [path]
    assert words in errors[0].message


def test_what_is_no_object() -> None:
    assert "not an object" in validate_documents(["text"])[0].verdict.errors[0].message


def test_foreign_objects_are_said_to_be_unchecked() -> None:
    judged = validate_documents([{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}])
    assert judged[0].verdict.errors == []
    assert "not checked here" in judged[0].verdict.warnings[0]


def test_a_whole_right_set(cluster: Json, machine: Make, secret: Json) -> None:
    documents = [secret, machine("n1", "192.168.10.11", "ControlPlane"), machine("n2", "192.168.10.12"), cluster]
    judged = validate_documents(documents, releases=["1.31.4"])
    assert [one.verdict.errors for one in judged] == [[], [], [], []]
    assert [one.title for one in judged][3] == "Cluster default/demo"
    assert judged[3].verdict.warnings[0].endswith("has room for 256 nodes")


@pytest.mark.parametrize("cluster_first", [True, False])
def test_each_mistake_is_told_once_in_either_order(
    cluster: Json, machine: Make, secret: Json, cluster_first: bool
) -> None:
    machines = [machine("n1", "10.16.0.11"), machine("n2", "10.16.0.12"), machine("n3", "10.16.0.12")]
    documents = [secret, *machines]
    documents.insert(0 if cluster_first else len(documents), cluster)
    errors = [(one.name, error.key) for one in validate_documents(documents) for error in one.verdict.errors]
    assert sorted(errors) == [("demo", "cidr.holds"), ("demo", "role.none"), ("n3", "machine.twice")]


def test_the_same_object_twice(cluster: Json) -> None:
    judged = validate_documents([cluster, cluster])
    assert [any(e.key == "document.twice" for e in one.verdict.errors) for one in judged] == [False, True]


def test_namespace_of_kubectl(cluster: Json, machine: Make) -> None:
    bare = edited(cluster, metadata__namespace=None)
    judged = validate_documents([machine("n1", "192.168.10.11", "ControlPlane"), bare])
    assert not any(error.key == "role.none" for error in judged[1].verdict.errors)


def test_several_errors_in_one_look(cluster: Json) -> None:
    bad = edited(
        cluster,
        spec__version="v1.31.4",
        spec__dispalyName="x",
        spec__onPremises__network={"podCIDR": "10.16.0.1/16", "ipsPerNode": 5},
    )
    errors = {error.path: error.message for error in validate_documents([bad])[0].verdict.errors}
    assert "write 1.31.4" in errors["spec.version"]
    assert "did you mean displayName?" in errors["spec.dispalyName"]
    assert "at least 16" in errors["spec.onPremises.network.ipsPerNode"]
    assert "the network is 10.16.0.0/16" in errors["spec.onPremises.network.podCIDR"]
    assert set(errors) - {"spec.onPremises"} == {
        "spec.version",
        "spec.dispalyName",
        "spec.onPremises.network.ipsPerNode",
        "spec.onPremises.network.podCIDR",
    }


def refused(judged: list[Judged]) -> list[Judged]:
    return [one for one in judged if one.verdict.errors]


def test_the_last_word_of_the_controllers(cluster: Json, machine: Make, secret: Json) -> None:
    plane = machine("n1", "192.168.10.11", "ControlPlane")
    stored = edited(cluster, metadata__annotations={"cluster.alauda.io/id": "abc"})
    assert refused(judge_cluster(stored, [plane], [secret], releases=["1.31.4"])) == []
    waiting = refused(judge_cluster(stored, [], [], releases=["1.31.4"]))
    assert [error.reason for one in waiting for error in one.verdict.errors] == ["FieldValueNotFound"]
    waiting = refused(judge_cluster(stored, [plane], [], releases=["1.31.4"]))
    assert [(one.kind, error.path) for one in waiting for error in one.verdict.errors] == [
        ("Machine", "spec.ssh.credential.name")
    ]
    rival = machine("x", "192.168.10.11", metadata__namespace="other")
    invalid = refused(judge_cluster(stored, [plane], [secret], releases=["1.31.4"], others=[rival]))
    assert [error.key for one in invalid for error in one.verdict.errors] == ["machine.twice"]
