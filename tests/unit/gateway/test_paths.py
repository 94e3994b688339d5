"""What is judged is what is sent on; what two parsers could read differently is refused."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.gateway import paths, requestinfo
from roost.gateway.refusal import Refusal

PIECES = st.sampled_from(
    [
        "/",
        "//",
        ".",
        "..",
        "%2e",
        "%2E%2e",
        "%2f",
        "%5c",
        "\\",
        "%00",
        "%",
        "%zz",
        "%252e",
        "%25252f",
        ";",
        "a",
        "api",
        "clusters",
        "default",
        "demo",
        "v1",
        "namespaces",
        "é",
        "%C3%A9",
        "%ff",
        "?",
        "#",
        "&watch=1",
        "~",
        ":",
        "@",
        " ",
        "console",
        "roost",
        "tunnel",
        "exec",
        "\n",
        "\t",
        "%0a",
        "apis",
    ]
)


@pytest.mark.parametrize(
    "target",
    [
        "/clusters/default/demo/../../other/prod/api",
        "/clusters/default/demo/%2e%2e/prod/api",
        "/clusters/default/demo/.%2E/prod/api",
        "/clusters/default/demo/api/v1/namespaces/a%2fb",
        "/clusters/default/demo/api%5cv1",
        "/clusters/default/demo/api\\v1",
        "/clusters/default/demo//api/v1",
        "//clusters/default/demo/api",
        "/clusters/default/demo/api%00",
        "/clusters/default/demo/%252e%252e/api",
        "/clusters/default/demo/a%252fb",
        "/clusters/default/demo/%ff",
        "/clusters/default/demo/%zz",
        "/clusters/default/demo/api%0d%0aHost:x",
        "/%61pi/v1/secrets",
        "/./api/v1",
        "https://elsewhere/api/v1",
        "*",
        "api/v1",
        "/api/v1#fragment",
        "/api/v1?a=\x7f",
        "/api/v1?a=%20#x",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(target: str) -> None:
    with pytest.raises(Refusal) as refused:
        paths.judge(target.encode())
    assert refused.value.code in {400, 404}


@pytest.mark.parametrize(
    "target",
    [
        "/clusters/..namespace/demo/api",
        "/clusters/default/de%6do/api",
        "/clusters/default",
        "/clusters/DEFAULT/demo/api",
        "/clusters/default/a..b/api",
        "/clusters/default/-a/api",
        "/metrics",
        "/debug/pprof",
        "/logs",
        "/healthzz",
    ],
)
def test_what_names_no_cluster_and_no_door_is_not_found(target: str) -> None:
    with pytest.raises(Refusal) as refused:
        paths.judge(target.encode())
    assert refused.value.code in {400, 404}


def test_a_cluster_gets_exactly_the_rest() -> None:
    found = paths.judge(b"/clusters/team-a/demo.b/api/v1/namespaces/a/pods/x:y/log?follow=true&a=%2F")
    assert (found.door, found.namespace, found.cluster) == ("cluster", "team-a", "demo.b")
    assert found.onward == "/api/v1/namespaces/a/pods/x:y/log?follow=true&a=%2F"
    assert found.segments == ("api", "v1", "namespaces", "a", "pods", "x:y", "log")
    assert paths.judge(b"/clusters/a/b").onward == "/"
    assert paths.judge(b"/clusters/a/b?x=1").onward == "/?x=1"


@given(st.lists(PIECES, max_size=14))
@settings(max_examples=2000, deadline=None)
def test_whatever_passes_is_sent_on_as_it_was_judged(pieces: list[str]) -> None:
    raw = ("/" + "".join(pieces)).encode()
    try:
        found = paths.judge(raw)
    except Refusal:
        return
    # The onward path is a literal end of what came, and no reader can make other segments of it.
    assert raw.endswith(found.onward.encode()) or found.onward.partition("?")[0] == "/"
    path = found.onward.partition("?")[0]
    again = tuple(unquote(part) for part in path[1:].split("/"))
    assert found.segments in {again, ()}
    for part in found.segments:
        assert part not in {".", ".."}
        assert not set(part) & {"/", "\\", "\0", "\n"}
        assert unquote(part) not in {".", ".."}
        assert "/" not in unquote(part)
    if found.door == "cluster":
        assert raw.startswith(f"/clusters/{found.namespace}/{found.cluster}".encode())


@pytest.mark.parametrize(
    ("method", "path", "query", "upgrade", "wanted"),
    [
        ("GET", "api/v1/pods", "", False, ("list", "pods", "", "", "")),
        ("GET", "api/v1/namespaces/a/pods", "watch=1", False, ("watch", "pods", "", "a", "")),
        ("GET", "api/v1/namespaces/a/pods/x", "", False, ("get", "pods", "", "a", "x")),
        ("GET", "api/v1/namespaces/a/pods/x/exec", "command=sh", True, ("create", "pods", "exec", "a", "x")),
        ("POST", "api/v1/namespaces/a/pods/x/attach", "", True, ("create", "pods", "attach", "a", "x")),
        ("GET", "api/v1/nodes/n/proxy/run", "", True, ("create", "nodes", "proxy", "", "n")),
        ("GET", "api/v1/namespaces/a/pods/x/log", "follow=true", False, ("get", "pods", "log", "a", "x")),
        (
            "DELETE",
            "apis/apps/v1/namespaces/a/deployments",
            "",
            False,
            ("deletecollection", "deployments", "", "a", ""),
        ),
        ("GET", "api/v1/namespaces/a", "", False, ("get", "namespaces", "", "a", "a")),
        ("PUT", "api/v1/namespaces/a/finalize", "", False, ("update", "namespaces", "finalize", "a", "a")),
        ("GET", "version", "", False, ("get", "", "", "", "")),
        ("GET", "api/v1/watch/pods", "", False, ("watch", "pods", "", "", "")),
    ],
)
def test_requests_are_read_as_the_api_server_reads_them(
    method: str, path: str, query: str, upgrade: bool, wanted: tuple[str, ...]
) -> None:
    info = requestinfo.parse(method, tuple(path.split("/")), query, upgrade=upgrade)
    assert (info.verb, info.resource, info.subresource, info.namespace, info.name) == wanted
