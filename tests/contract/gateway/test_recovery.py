"""A lost password is replaced past the gateway, and the gateway follows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from roost.api.errors import RoostError
from roost.api.masked import Masked
from roost.gateway import recovery
from tests.contract.gateway.running import PASSWORD, Running
from tests.fixtures.apiserver import ApiServer

pytestmark = pytest.mark.programs
NEW = "another long password"


@dataclass
class Direct:
    """The platform's API as its administrator sees it; refusals are raised as `roost user reset` has them."""

    server: ApiServer

    def get(self, path: str) -> dict[str, Any]:
        return self._call("GET", path)

    def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._call("POST", path, body)

    def replace(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._call("PUT", path, body)

    def delete(self, path: str) -> None:
        self._call("DELETE", path)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = self.server.call(method, path, body)
        if answer.status >= 400:
            raise RoostError(str(answer.body["reason"]), str(answer.body["message"]))
        return answer.body


@pytest.fixture
def api(platform: ApiServer) -> Direct:
    return Direct(platform)


@pytest.fixture
def person(gateway: Running, admin: str) -> str:
    """Somebody who has signed in; their access token."""
    body = {"name": "forgetful", "password": PASSWORD, "groups": []}
    assert gateway.call("POST", "/roost/v1/users", body, token=admin).status == 201
    return str(gateway.sign_in("forgetful")["accessToken"])


@pytest.fixture(autouse=True)
def gone(gateway: Running, admin: str) -> Any:
    yield
    gateway.call("DELETE", "/roost/v1/users/forgetful", token=admin)


def soon(gateway: Running, path: str, token: str, status: int) -> None:
    """The gateway follows its records by watch."""
    end = time.monotonic() + 10
    while (found := gateway.call("GET", path, token=token).status) != status:
        assert time.monotonic() < end, found
        time.sleep(0.05)


def test_the_new_password_counts_and_old_sessions_end(gateway: Running, api: Direct, person: str) -> None:
    assert gateway.call("GET", "/roost/v1/session", token=person).status == 200
    assert recovery.reset(api, "forgetful", Masked(NEW)) == 1
    soon(gateway, "/roost/v1/session", person, 401)
    old = gateway.call("POST", "/roost/v1/login", {"username": "forgetful", "password": PASSWORD})
    assert old.status == 401
    assert gateway.sign_in("forgetful", NEW)["accessToken"]


def test_who_was_disabled_may_come_back(gateway: Running, admin: str, api: Direct, person: str) -> None:
    assert gateway.call("PUT", "/roost/v1/users/forgetful", {"disabled": True}, token=admin).status == 200
    assert gateway.call("POST", "/roost/v1/login", {"username": "forgetful", "password": PASSWORD}).status == 401
    recovery.reset(api, "forgetful", Masked(NEW))
    end = time.monotonic() + 10
    while (
        gateway.call("POST", "/roost/v1/login?mode=token", {"username": "forgetful", "password": NEW}).status != 200
    ):
        assert time.monotonic() < end
        time.sleep(0.5)


def test_nobody_a_service_and_a_short_password_are_refused(gateway: Running, admin: str, api: Direct) -> None:
    with pytest.raises(RoostError, match="no user 'nobody'"):
        recovery.reset(api, "nobody", Masked(NEW))
    assert gateway.call("POST", "/roost/v1/users", {"name": "robot", "service": True}, token=admin).status == 201
    with pytest.raises(RoostError, match="robot is a service"):
        recovery.reset(api, "robot", Masked(NEW))
    assert gateway.call("DELETE", "/roost/v1/users/robot", token=admin).status == 200
    with pytest.raises(RoostError):
        recovery.reset(api, "admin", Masked("short"))
    assert gateway.sign_in()["accessToken"]
