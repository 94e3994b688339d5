"""Nothing that a client sends to the gateway's own endpoints makes it answer 500. Bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.gateway.running import Running

pytestmark = pytest.mark.programs
ENDPOINTS = (
    ("POST", "/roost/v1/login"),
    ("POST", "/roost/v1/refresh?mode=token"),
    ("POST", "/roost/v1/users"),
    ("PUT", "/roost/v1/users/admin"),
    ("POST", "/roost/v1/password"),
    ("POST", "/roost/v1/tokens"),
    ("POST", "/roost/v1/providers"),
    ("POST", "/roost/v1/device"),
    ("POST", "/roost/v1/device/token"),
    ("PUT", "/roost/v1/addresses"),
    ("POST", "/roost/v1/validate"),
    ("GET", "/roost/v1/audit?limit=x&before=%C2%B2"),
    ("GET", "/roost/v1/oidc/%C3%A9/callback?state=%00"),
    ("GET", "/roost/v1/clusters/default/absent/kubeconfig"),
    ("POST", "/roost/v1/clusters/%C3%A9/%F1%AD%92%A7%60/registration"),
)
FIELDS = ("username", "password", "refreshToken", "name", "groups", "days", "user", "issuer", "clientID", "provider")
FIELDS += ("deviceCode", "added", "documents", "current", "new", "displayName", "service", "disabled", "scopes", "ca")
VALUES: tuple[Any, ...] = (None, True, -1, 1e308, "", "\ud800", "a\0b", "x" * 3000, [], [[]], [None], {}, {"a": []})
BODIES = (b"", b"[]", b"null", b"{", b'"a"', b"\xff\xfe", b"[" * 20_000, b'{"a":' * 5_000)


def bodies() -> list[bytes]:
    made = [json.dumps(dict.fromkeys(FIELDS, value)).encode() for value in VALUES]
    documents = [[{}], [{"kind": "Cluster"}], [{"kind": "Machine", "spec": 1}], [{"kind": [], "metadata": []}], ["x"]]
    return [*BODIES, *made, *(json.dumps({"documents": one}).encode() for one in documents)]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_no_body_makes_it_fail(gateway: Running, method: str, path: str) -> None:
    token = gateway.sign_in()["accessToken"]
    for body in bodies() if method != "GET" else [None]:
        reply = gateway.call(method, path, body, token=token, headers={"Content-Type": "application/json"})
        assert reply.status < 500, (body and body[:80], reply)
        if reply.status >= 400:
            assert reply.body["kind"] == "Status"
