"""The description of the gateway's own endpoints is whole, and no request made from it makes it fail.

schemathesis draws the requests: right ones, and ones that break what the description says. Bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from roost.gateway.endpoints import app, description
from tests.contract.gateway.running import Running, fill
from tests.fixtures.apiserver import ApiServer

pytestmark = pytest.mark.programs
EXAMPLES = 25
"""Of each operation."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, apiserver: Callable[[str], ApiServer]) -> Iterator[Running]:
    """A gateway of its own: what is drawn makes users, and slows down whoever signs in from here."""
    platform = apiserver("1.31.4")
    fill(platform)
    running = Running(tmp_path_factory.mktemp("described"), platform)
    running.start()
    token = running.sign_in()["accessToken"]
    yield running
    running.call("PUT", "/roost/v1/addresses", {"added": []}, token=token)
    running.stop()


schema = schemathesis.openapi.from_dict(description.document())


@schema.parametrize()
@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
def test_no_request_makes_it_fail(case: schemathesis.Case, alone: Running) -> None:
    headers = {"Authorization": f"Bearer {signed_in(alone)}"}
    trusted = str(alone.leaf.ca)
    reply = case.call(base_url=alone.url, headers=headers, verify=trusted, timeout=30, allow_redirects=False)
    case.validate_response(reply, checks=[status_code_conformance, content_type_conformance], headers=headers)
    if reply.status_code >= 400:
        assert reply.json()["kind"] == "Status"


_tokens: dict[Path, str] = {}


def signed_in(running: Running) -> str:
    """One session for all requests; a new one where the last was ended."""
    token = _tokens.get(running.directory, "")
    if not token or running.call("GET", "/roost/v1/session", token=token).status != 200:
        token = _tokens[running.directory] = running.sign_in()["accessToken"]
    return token


def test_every_endpoint_is_described(alone: Running) -> None:
    built = app.build(alone.gateway.services)
    served = {
        (method, route.path)
        for route in built.routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert served == {(operation.method, operation.path) for operation in description.OPERATIONS}
    told = alone.call("GET", description.PATH, token=signed_in(alone)).body
    assert told == description.document()
