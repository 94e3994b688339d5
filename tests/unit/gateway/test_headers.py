"""No header of a client speaks for an identity, in whatever way it is written or named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.api.exchange import Identity
from roost.gateway import acting, headers
from roost.gateway.refusal import Refusal
from roost.kube.direct import impersonation

NAMES = st.sampled_from(
    [
        b"Connection",
        b"connection",
        b"Authorization",
        b"aUTHorization",
        b"X-Remote-User",
        b"X-Remote-Group",
        b"Cookie",
        b"X-Remote-Extra-A",
        b"X-Forwarded-For",
        b"Te",
        b"Upgrade",
        b"Accept",
        b"Content-Type",
        b"Keep-Alive",
        b"Host",
        b"Proxy-Authorization",
        b"Transfer-Encoding",
        b"Content-Length",
        b"X-Own",
        b"Forwarded",
        b"Audit-Id",
        b"Trailer",
        b"Sec-WebSocket-Protocol",
    ]
)
VALUES = st.sampled_from(
    [
        b"Authorization",
        b"x-own, Accept",
        b"close",
        b"Upgrade",
        b"admin",
        b"system:masters",
        b"websocket",
        b"chunked",
        b"base64url.bearer.authorization.k8s.io.dG9rZW4, v4.channel.k8s.io",
        b"roost-session=1",
        b"Impersonate-User",
    ]
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12), st.booleans())
@settings(max_examples=2000, deadline=None)
def test_nothing_that_identifies_or_frames_goes_on(given_: list[tuple[bytes, bytes]], upgrade: bool) -> None:
    found = headers.onward(tuple(given_), upgrade=upgrade, client="192.0.2.7")
    names = [name.lower() for name, _ in found]
    allowed = {b"upgrade"} if upgrade else set[bytes]()
    for name in names:
        assert not name.startswith((b"impersonate-", b"x-remote-"))
        assert name not in {
            b"authorization",
            b"cookie",
            b"host",
            b"content-length",
            b"transfer-encoding",
            b"audit-id",
        }
        assert name not in {b"connection", b"keep-alive", b"te", b"trailer", b"proxy-authorization"} - allowed
    assert [value for name, value in found if name.lower() == b"x-forwarded-for"] == [b"192.0.2.7"]
    named = headers.connection_names(given_) - {b"upgrade", b"x-forwarded-for"}
    assert not named & set(names)
    protocols = [value for name, value in found if name.lower() == b"sec-websocket-protocol"]
    assert not any(b"base64url.bearer" in value for value in protocols)


@pytest.mark.parametrize("connection", [b"Impersonate-User", b"close, impersonate-user", b"keep-alive"])
def test_impersonation_is_seen_even_where_connection_names_it(connection: bytes) -> None:
    """CVE-2021-31999: what `Connection` names must neither vanish before it is judged nor go on."""
    given_ = ((b"Connection", connection), (b"iMpersonate-User", b"ada"), (b"Accept", b"*/*"))
    found = acting.wanted(given_)
    assert found is not None and found.user == "ada"
    assert not any(
        name.lower().startswith(b"impersonate") for name, _ in headers.onward(given_, upgrade=False, client="")
    )


@pytest.mark.parametrize(
    "names",
    [
        ((b"Impersonate-User", b"system:admin"),),
        ((b"Impersonate-User", b"ada"), (b"Impersonate-Group", b"system:masters")),
        ((b"Impersonate-Group", b"admins"),),
        ((b"Impersonate-Extra-Scopes", b"all"),),
        ((b"Impersonate-User", b"ada"), (b"impersonate-user", b"eve")),
        ((b"Impersonate-User", b"ada"), (b"Impersonate-Uid", b"1"), (b"Impersonate-Uid", b"2")),
        ((b"Impersonate-User", b""),),
        ((b"Impersonate-User", b"a\xff"),),
        ((b"Impersonate-User", b"ada"), (b"Impersonate-Other", b"x")),
        ((b"Impersonate-User", b"ada"), *((b"Impersonate-Group", b"g"),) * 40),
    ],
)
def test_whom_nobody_acts_as(names: tuple[tuple[bytes, bytes], ...]) -> None:
    with pytest.raises(Refusal) as refused:
        acting.wanted(names)
    assert refused.value.cause == "ImpersonationRefused"


def test_each_name_is_a_question_to_the_target() -> None:
    given_ = (
        (b"Impersonate-User", b"ada"),
        (b"Impersonate-Group", b"a"),
        (b"Impersonate-Group", b"b"),
        (b"Impersonate-Uid", b"7"),
        (b"Impersonate-Extra-acme.com%2Fproject", b"x"),
    )
    found = acting.wanted(given_)
    assert found is not None
    assert [(each["resource"], each["name"]) for each in found.questions()] == [
        ("users", "ada"),
        ("groups", "a"),
        ("groups", "b"),
        ("uids", "7"),
        ("userextras", "x"),
    ]
    assert found.questions()[-1]["subresource"] == "acme.com/project"
    assert acting.wanted(((b"Accept", b"*/*"),)) is None


@pytest.mark.parametrize(
    "identity",
    [
        Identity(""),
        Identity("system:admin"),
        Identity("roost:user:a", groups=("system:masters",)),
        Identity("roost:user:a", groups=("roost:group:a", "system:nodes")),
    ],
)
def test_no_identity_of_kubernetes_own_is_ever_sent(identity: Identity) -> None:
    with pytest.raises(ValueError, match="system:"):
        impersonation(identity)


def test_a_clusters_answer_does_not_speak_for_the_gateway() -> None:
    answer = (
        (b"Set-Cookie", b"__Host-roost-session=planted; Path=/; Secure"),
        (b"Access-Control-Allow-Origin", b"*"),
        (b"Content-Security-Policy", b"default-src *"),
        (b"Clear-Site-Data", b'"*"'),
        (b"Content-Type", b"text/html"),
        (b"Connection", b"X-Hop"),
        (b"X-Hop", b"1"),
        (b"Transfer-Encoding", b"chunked"),
    )
    found = dict(headers.back(answer))
    assert found == {b"Content-Type": b"text/html", **dict(headers.SANDBOX)}


def test_only_two_upgrades_are_carried() -> None:
    def wanted(value: bytes) -> str | None:
        return headers.upgrade_wanted(((b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", value)))

    assert wanted(b"websocket") == "websocket"
    assert wanted(b"SPDY/3.1") == "spdy/3.1"
    assert headers.upgrade_wanted(((b"Upgrade", b"h2c"),)) is None
    for other in (b"h2c", b"websocket, h2c", b"TLS/1.0"):
        with pytest.raises(Refusal):
            wanted(other)


def test_a_cookie_that_stands_twice_is_none() -> None:
    assert headers.cookie(((b"Cookie", b"a=1; __Host-roost-session=roa_1_x"),), "__Host-roost-session") == "roa_1_x"
    twice = ((b"Cookie", b"__Host-roost-session=one"), (b"cookie", b"__Host-roost-session=two"))
    assert headers.cookie(twice, "__Host-roost-session") is None
