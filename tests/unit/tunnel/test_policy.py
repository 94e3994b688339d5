"""What the agent lets pass: the policy of its own cluster, whoever asks on the platform."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.api.exchange import Identity, RequestHead
from roost.tunnel.agent import attributes
from roost.tunnel.agent.attributes import Attributes, PathRefused
from roost.tunnel.agent.policy import Denied, Policy, PolicyInvalid, judge, read

ALL = Policy()
ADA = Identity("roost:user:ada", groups=("roost:role:administrator", "system:authenticated"))


def asks(method: str, target: str, *, identity: Identity = ADA, upgrade: bool = False) -> RequestHead:
    return RequestHead(method, target, (), identity, "a", upgrade)


def passes(policy: Policy | None, method: str, target: str, **more: object) -> bool:
    return isinstance(judge(policy, asks(method, target, **more), namespace="roost-agent"), Attributes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "identity",
    [
        Identity("system:admin"),
        Identity("admin"),
        Identity(""),
        Identity("roost:user:eve", groups=("system:masters",)),
        Identity("roost:user:eve", groups=("system:nodes", "system:authenticated")),
        Identity("system:serviceaccount:kube-system:default"),
        Identity("roost:user:eve", groups=("cluster-admins",)),
    ],
)
def test_users_and_groups_of_the_cluster_itself_never_pass(identity: Identity) -> None:
    assert not passes(ALL, "GET", "/api/v1/pods", identity=identity)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("DELETE", "/api/v1/namespaces/roost-agent"),
        ("PUT", "/api/v1/namespaces/roost-agent/configmaps/roost-agent-policy"),
        ("PATCH", "/api/v1/namespaces/roost-agent/secrets/roost-agent-identity"),
        ("POST", "/api/v1/namespaces/roost-agent/pods"),
        ("GET", "/api/v1/namespaces/roost-agent/pods/x/exec?command=sh"),
        ("POST", "/api/v1/namespaces/roost-agent/serviceaccounts/roost-agent/token"),
        ("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterroles/roost-agent"),
        ("PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/roost-agent"),
        ("DELETE", "/apis/apps/v1/namespaces/roost-agent/deployments"),
    ],
)
def test_what_the_agent_stands_on_is_not_changed_through_the_tunnel(method: str, target: str) -> None:
    assert not passes(ALL, method, target)


@pytest.mark.parametrize(
    ("policy", "method", "target", "expected"),
    [
        (ALL, "DELETE", "/api/v1/namespaces/shop/pods/x", True),
        (ALL, "GET", "/metrics", True),
        (Policy("Observe"), "GET", "/api/v1/namespaces/shop/pods", True),
        (Policy("Observe"), "GET", "/metrics", False),
        (Policy("Observe"), "GET", "/openapi/v3", True),
        (Policy("Observe"), "POST", "/api/v1/namespaces/shop/pods", False),
        (Policy("Observe"), "GET", "/api/v1/namespaces/shop/secrets/x", False),
        (Policy("Observe"), "GET", "/api/v1/namespaces/shop/pods/x/exec?command=sh", False),
        (Policy("Observe"), "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", True),
        (Policy("Operate"), "PATCH", "/apis/apps/v1/namespaces/shop/deployments/x", True),
        (Policy("Operate"), "GET", "/api/v1/namespaces/shop/pods/x/exec?command=sh", True),
        (Policy("Operate"), "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings", False),
        (Policy("Operate"), "DELETE", "/api/v1/nodes/n1", False),
        (Policy("Operate"), "DELETE", "/api/v1/namespaces/shop", False),
        (Policy(exec=False), "POST", "/api/v1/namespaces/shop/pods/x/exec?command=sh", False),
        (Policy(exec=False), "GET", "/api/v1/namespaces/shop/pods/x/portforward", False),
        (Policy(exec=False), "GET", "/api/v1/namespaces/shop/services/x/proxy/", False),
        (Policy(exec=False), "GET", "/api/v1/nodes/n1/proxy/pods", False),
        (Policy(exec=False), "GET", "/api/v1/namespaces/shop/pods/x/log", True),
        (Policy(secrets=False), "GET", "/api/v1/secrets", False),
        (Policy(secrets=False), "POST", "/api/v1/namespaces/shop/serviceaccounts/x/token", False),
        (Policy(namespaces=frozenset({"shop"})), "GET", "/api/v1/namespaces/shop/pods", True),
        (Policy(namespaces=frozenset({"shop"})), "GET", "/api/v1/namespaces/shop", True),
        (Policy(namespaces=frozenset({"shop"})), "DELETE", "/api/v1/namespaces/shop", False),
        (Policy(namespaces=frozenset({"shop"})), "GET", "/api/v1/namespaces/kube-system/pods", False),
        (Policy(namespaces=frozenset({"shop"})), "GET", "/api/v1/pods", False),
        (Policy(namespaces=frozenset({"shop"})), "GET", "/api/v1/nodes", False),
        (Policy(namespaces=frozenset({"shop"})), "GET", "/apis/apps/v1", True),
        (None, "GET", "/api/v1/namespaces/shop/pods", False),
        (None, "GET", "/version", True),
    ],
)
def test_the_policy_decides(policy: Policy | None, method: str, target: str, expected: bool) -> None:
    assert passes(policy, method, target) is expected


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/namespaces/shop/../kube-system/secrets",
        "/api/v1/namespaces/shop/%2e%2e/kube-system/secrets",
        "/api/v1/namespaces/shop%2fpods",
        "/api/v1//namespaces/shop/pods",
        "/api/v1/namespaces/shop/pods;x=/secrets",
        "/api/v1/namespaces/shop/pods/%00",
        "/api/v1/namespaces/shop/pods/\\..\\x",
        "/api/v1/namespaces/shop/pods/%252e%252e",
        "/api/v1/namespaces/shop/pods/%ff",
        "/api/v1/watch/secrets",
        "/api/v1/proxy/nodes/n1",
        "api/v1/pods",
        "https://elsewhere/api/v1/pods",
        "/api/v1/pods HTTP/1.1\r\nX: y",
        "/api/v1/pods#x",
    ],
)
def test_paths_that_two_readers_could_take_differently_are_refused(target: str) -> None:
    with pytest.raises(PathRefused):
        attributes.read("GET", target)


@given(st.text(alphabet="/%.2eEfF;\\ab?=&#\r\n\x00 ", max_size=40))
def test_no_path_that_passes_holds_another_one(tail: str) -> None:
    try:
        found = attributes.read("GET", "/api/v1/namespaces/shop/" + tail)
    except PathRefused:
        return
    assert "//" not in found.path and "\\" not in found.path and "%2" not in found.path.lower().replace("%20", "")
    assert ".." not in found.path.split("/") and "\r" not in found.path


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"maxProfile": "Root", "exec": "true", "secrets": "true"},
        {"maxProfile": "Admin", "exec": "yes", "secrets": "true"},
        {"maxProfile": "Admin", "exec": "true", "secrets": "true", "namespace": "shop"},
        {"maxProfile": "Admin", "exec": "true", "secrets": "true", "namespaces": "* shop"},
        {"maxProfile": "Admin", "exec": "true"},
    ],
)
def test_a_policy_that_does_not_say_what_it_should_is_none(data: dict[str, str]) -> None:
    with pytest.raises(PolicyInvalid):
        read(data)


def test_a_policy_is_shown_as_it_was_read() -> None:
    data = {"maxProfile": "Operate", "namespaces": "b a", "exec": "false", "secrets": "true"}
    assert read(data).shown() == {**data, "namespaces": "a b"}
    assert isinstance(judge(read(data), asks("GET", "/api/v1/nodes"), namespace="x"), Denied)
