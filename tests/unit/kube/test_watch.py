"""list_and_watch against a scripted server: whatever the connection does, the reader's picture becomes true."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import httpx2
import pytest

from roost.api.errors import RoostError
from roost.kube import watch
from roost.kube.client import Client, connect
from roost.kube.resources import SECRET
from roost.kube.watch import EventType, list_and_watch

KUBECONFIG = {
    "current-context": "x",
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://api.test:6443"}}],
}
Answer = Callable[[httpx2.Request], httpx2.Response]


def item(name: str, version: int, uid: str = "") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "n", "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    }


def listed(version: int, *items: dict[str, Any], go_on: str = "") -> Answer:
    metadata = {"resourceVersion": str(version)} | ({"continue": go_on} if go_on else {})
    return lambda _request: httpx2.Response(200, json={"metadata": metadata, "items": list(items)})


def watched(*events: tuple[str, dict[str, Any]]) -> Answer:
    lines = "".join(json.dumps({"type": kind, "object": body}) + "\n" for kind, body in events)
    return lambda _request: httpx2.Response(200, content=lines.encode())


def refused(code: int, reason: str) -> Answer:
    status = {"kind": "Status", "code": code, "reason": reason, "message": f"{reason} it is"}
    return lambda _request: httpx2.Response(code, json=status)


def broken(_request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ReadError("connection reset")


EXPIRED = ("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})


class Server:
    """Answers one after the other, and keeps what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[httpx2.QueryParams] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.params)
        if not self.answers:
            raise EndOfScript
        return self.answers.pop(0)(request)

    def client(self) -> Client:
        return connect(KUBECONFIG, transport=httpx2.MockTransport(self))


class EndOfScript(Exception):
    pass


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Back-off without time passing."""
    found: list[float] = []

    async def no_sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(watch.asyncio, "sleep", no_sleep)
    return found


async def events(server: Server, problems: list[RoostError] | None = None) -> list[str]:
    """What a reader gets until the script ends, as «TYPE name» words."""
    found: list[str] = []
    keep = problems.append if problems is not None else (lambda _problem: None)
    try:
        async for kind, body in list_and_watch(server.client(), SECRET, on_problem=keep):
            found.append(f"{kind} {body['metadata'].get('name', '')}".strip())
    except EndOfScript:
        return found
    raise AssertionError("the stream must not end by itself")


pytestmark = pytest.mark.anyio


async def test_list_then_events(waits: list[float]) -> None:
    server = Server(
        listed(5, item("a", 3)),
        watched(
            ("ADDED", item("b", 6)), ("MODIFIED", item("a", 7)), ("BOOKMARK", item("", 9)), ("DELETED", item("b", 10))
        ),
    )
    assert await events(server) == ["ADDED a", "SYNCED", "ADDED b", "MODIFIED a", "DELETED b"]
    assert server.asked[1]["resourceVersion"] == "5"
    # The next watch starts from what was seen last.
    assert server.asked[2]["resourceVersion"] == "10"


async def test_a_bookmark_moves_the_start_of_the_next_watch(waits: list[float]) -> None:
    server = Server(listed(5), watched(("BOOKMARK", item("", 99))))
    assert await events(server) == ["SYNCED"]
    assert server.asked[2]["resourceVersion"] == "99"


async def test_an_old_version_is_listed_again_and_losses_are_told(waits: list[float]) -> None:
    server = Server(
        listed(5, item("kept", 1), item("changed", 2), item("gone", 3), item("again", 4)),
        watched(EXPIRED),
        listed(50, item("kept", 1), item("changed", 40), item("again", 41, uid="another"), item("new", 42)),
    )
    assert await events(server) == [
        "ADDED kept",
        "ADDED changed",
        "ADDED gone",
        "ADDED again",
        "SYNCED",
        "MODIFIED changed",
        "DELETED again",
        "ADDED again",
        "ADDED new",
        "DELETED gone",
        "SYNCED",
    ]


async def test_pages_are_followed_and_an_expired_one_starts_over(waits: list[float]) -> None:
    server = Server(
        listed(5, item("a", 1), go_on="token"),
        refused(410, "Expired"),
        listed(6, item("a", 1), go_on="token"),
        listed(6, item("b", 2)),
    )
    assert await events(server) == ["ADDED a", "ADDED b", "SYNCED"]
    assert [query.get("continue") for query in server.asked[:4]] == [None, "token", None, "token"]


async def test_a_cut_connection_goes_on_from_where_it_was(waits: list[float]) -> None:
    problems: list[RoostError] = []
    server = Server(listed(5), watched(("ADDED", item("a", 7))), broken, broken, watched(("ADDED", item("b", 8))))
    assert await events(server, problems) == ["SYNCED", "ADDED a", "ADDED b"]
    assert [query.get("resourceVersion") for query in server.asked[1:5]] == ["5", "7", "7", "7"]
    assert [problem.reason for problem in problems] == ["ApiUnreachable", "ApiUnreachable"]


@pytest.mark.parametrize(("code", "reason"), [(401, "NotSignedIn"), (403, "Forbidden"), (500, "ApiAnswersWithError")])
async def test_a_refusal_is_told_and_tried_again(waits: list[float], code: int, reason: str) -> None:
    problems: list[RoostError] = []
    server = Server(refused(code, "Refused"), listed(5, item("a", 1)))
    assert await events(server, problems) == ["ADDED a", "SYNCED"]
    assert [problem.reason for problem in problems] == [reason]
    assert "Refused it is" in problems[0].message
    assert "watch secrets" in problems[0].message


async def test_a_server_that_always_forgets_is_not_asked_in_a_hot_loop(waits: list[float]) -> None:
    again: Iterable[Answer] = [answer for n in range(6) for answer in (listed(n), watched(EXPIRED))]
    await events(Server(*again))
    assert len(waits) >= 4
    assert waits[-1] > waits[0]


async def test_watches_that_end_at_once_back_off(waits: list[float]) -> None:
    await events(Server(listed(5), *[watched() for _ in range(5)]))
    assert len(waits) == 5
    assert max(waits[2:]) > 1


def test_delay_grows_to_half_a_minute_and_is_spread() -> None:
    assert watch.delay(1, 1.0) == 0.5
    assert watch.delay(1, 0.0) == 0.25
    assert watch.delay(50, 1.0) == 30.0


def test_a_late_delete_of_a_former_object_is_left_out() -> None:
    picture = watch.Picture()
    assert picture.take(EventType.ADDED, item("a", 2, uid="new")) != []
    assert picture.take(EventType.DELETED, item("a", 1, uid="old")) == []
