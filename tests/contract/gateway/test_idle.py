"""A watch on which nothing happens for an hour, every idle timer on its way shortened 60 times."""

from __future__ import annotations

import http.client
import json
import time

import pytest

from roost.gateway import authorise, clusters, dispatch, front
from tests.contract.gateway.running import Running
from tests.fixtures.apiserver import ApiServer

pytestmark = pytest.mark.programs
SCALE = 60
HOUR = 3600 / SCALE
MAPS = "/api/v1/namespaces/default/configmaps"


def test_a_watch_lives_through_an_hour_of_silence(
    gateway: Running, admin: str, target: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, names in (
        (front, ("IDLE_SECONDS", "BODY_SECONDS", "STALLED_SECONDS")),
        (clusters, ("KEPT_SECONDS",)),
        (authorise, ("KEPT_SECONDS",)),
        (dispatch, ("RECHECK_SECONDS",)),
    ):
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name) / SCALE)
    # They count: who says nothing after a request is let go within the shortened time.
    silent = connect(gateway, timeout=30)
    silent.request("GET", "/roost/v1/session", headers={"Authorization": f"Bearer {admin}"})
    assert silent.getresponse().read()
    began = time.monotonic()
    assert silent.sock.recv(1) == b"" and time.monotonic() - began < 10
    silent.close()
    # Without bookmarks, and for one name that nobody uses: the API server says nothing.
    watch = connect(gateway, timeout=HOUR + 20)
    path = f"/clusters/default/demo{MAPS}?watch=1&fieldSelector=metadata.name%3Dafter-an-hour"
    watch.request("GET", path, headers={"Authorization": f"Bearer {admin}"})
    answer = watch.getresponse()
    assert answer.status == 200
    time.sleep(HOUR)
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "after-an-hour"}}
    assert target.call("POST", MAPS, document).status == 201
    event = json.loads(answer.readline())
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "after-an-hour")
    target.call("DELETE", f"{MAPS}/after-an-hour")
    watch.close()


def connect(gateway: Running, *, timeout: float) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("127.0.0.1", gateway.gateway.port, context=gateway.tls(), timeout=timeout)
