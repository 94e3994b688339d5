"""Which requests the registry's external name lets through, and what a head must not hold."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.api.masked import Masked
from roost.bundle import pulling
from roost.embedded.front import rules
from roost.embedded.front.rules import Answer
from roost.embedded.front.server import BadRequest, parse

KEY = Masked("key")
HOST = "registry.example.com:7510"
NOW = 1_000_000.0


def basic(user: str = "cluster-1", password: str | None = None) -> str:
    known = pulling.password(KEY, "1").reveal() if password is None else password
    return "Basic " + base64.b64encode(f"{user}:{known}".encode()).decode()


def decide(target: str, authorization: str = "", method: str = "GET", *, now: float = NOW) -> Answer | str:
    return rules.decide(method, target, authorization, host=HOST, key=KEY, now=now)


def status(target: str, authorization: str = "", method: str = "GET") -> int:
    answer = decide(target, authorization, method)
    return 200 if isinstance(answer, str) else answer.status


PATHS = (
    "/v2/",
    "/v2/_catalog",
    "/v2/registry.k8s.io/kube-proxy/tags/list",
    "/v2/registry.k8s.io/kube-proxy/manifests/v1.31.4",
    "/v2/registry.k8s.io/coredns/coredns/manifests/sha256:" + "a" * 64,
    "/v2/docker.io/flannel/flannel/blobs/sha256:" + "b" * 64,
    "/v2/registry.k8s.io/kube-proxy/manifests/v1.31.4?ns=registry.k8s.io",
)


@pytest.mark.parametrize("target", PATHS)
def test_the_paths_of_the_reference_can_be_read_with_a_clusters_password(target: str) -> None:
    assert decide(target, basic()) == target
    assert decide(target, basic(), "HEAD") == target
    refused = decide(target)
    assert isinstance(refused, Answer) and refused.status == 401
    challenge = dict(refused.headers)["WWW-Authenticate"]
    assert challenge.startswith(f'Bearer realm="https://{HOST}/auth/token",service="roost-registry"')


@pytest.mark.parametrize(
    "target",
    ["/", "/v1/", "/v2", "/metrics", "/v2/../etc/passwd", "/v2/a/%2e%2e/manifests/x", "/v2/a/b/referrers/sha256:1",
     "/v2/UP/manifests/x", "/v2/a//manifests/x", "/v2/a/manifests/x/y", "/v2/a/blobs/../x", "//v2/", "/debug/pprof"],
)  # fmt: skip
def test_everything_else_is_not_there(target: str) -> None:
    assert status(target, basic()) == 404


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/v2/a/blobs/uploads/"),
        ("PATCH", "/v2/a/blobs/uploads/1-2"),
        ("PUT", "/v2/a/manifests/latest"),
        ("DELETE", "/v2/a/manifests/latest"),
        ("GET", "/v2/a/blobs/uploads/1-2"),
        ("MOUNT", "/v2/"),
    ],
)
def test_nobody_can_push(method: str, target: str) -> None:
    assert status(target, "", method) == 401
    assert status(target, basic(), method) == 403


@pytest.mark.parametrize(
    "authorization",
    [
        basic("cluster-2"),
        basic(password="wrong"),
        basic("root", "root"),
        "Basic %%%",
        "Basic",
        "Digest x",
        "Bearer x.y",
    ],
)
def test_a_wrong_credential_is_none(authorization: str) -> None:
    assert status("/v2/a/manifests/latest", authorization) == 401


def token(authorization: str = "", scope: str = "repository:automation/qaimages:pull,push") -> str:
    answer = decide(f"/auth/token?service=roost-registry&scope={scope}", authorization)
    assert isinstance(answer, Answer) and answer.status == 200
    return str(json.loads(answer.body)["token"])


def test_a_token_of_nobody_pulls_the_image_to_try_with_alone() -> None:
    anonymous = f"Bearer {token()}"
    assert status("/v2/automation/qaimages/manifests/hellworld", anonymous) == 200
    assert status("/v2/", anonymous) == 200
    assert status("/v2/_catalog", anonymous) == 401
    assert status("/v2/registry.k8s.io/pause/manifests/3.10", anonymous) == 401
    assert status("/v2/automation/qaimages/blobs/uploads/", anonymous, "POST") in (401, 403)
    other = f"Bearer {token(scope='repository:registry.k8s.io/pause:pull')}"
    assert status("/v2/registry.k8s.io/pause/manifests/3.10", other) == 401


def test_a_token_of_a_cluster_pulls_and_ends() -> None:
    signed = f"Bearer {token(basic())}"
    assert status("/v2/registry.k8s.io/pause/manifests/3.10", signed) == 200
    later = decide("/v2/", signed, now=NOW + rules.TOKEN_SECONDS + 1)
    assert isinstance(later, Answer) and later.status == 401
    forged = signed.replace("Bearer ", "Bearer x")
    assert status("/v2/", forged) == 401
    assert status("/auth/token", basic(password="wrong")) == 401


HEAD = b"GET /v2/ HTTP/1.1\r\nHost: registry.example.com\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"GET http://x/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v2/ HTTP/1.0\r\nHost: a\r\n\r\n",
        b"GET  /v2/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding : chunked\r\n\r\n",
        HEAD + b"Content-Length: 5\r\n\r\n",
        HEAD + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"Host: other\r\n\r\n",
        HEAD + b"X: a\n b\r\n\r\n",
        HEAD + b" folded\r\n\r\n",
        HEAD + b"X: \x00\r\n\r\n",
    ],
)
def test_heads_that_could_be_read_in_two_ways_are_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        parse(raw)


@given(st.binary(max_size=300))
def test_no_head_does_more_than_be_refused(raw: bytes) -> None:
    try:
        head = parse(raw + b"\r\n\r\n")
    except BadRequest:
        return
    assert "\r" not in head.target and "\n" not in head.target


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_request_without_a_credential_is_let_through(target: str, authorization: str) -> None:
    assert isinstance(
        rules.decide("GET", "/v2/" + target, authorization, host=HOST, key=KEY, now=time.time()), Answer
    )
