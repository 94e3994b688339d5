"""Signing in through a real OpenID Connect provider that runs here: by code with PKCE, and by device code."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.gateway.running import Running
from tests.fixtures.apiserver import free_port

pytestmark = pytest.mark.programs
SOURCE = Path(__file__).resolve().parents[2] / "fixtures" / "oidc"
CACHE = Path(os.environ.get("ROOST_LAB_CACHE", "/var/cache/roost-lab")) / "clients"


def built() -> Path:
    """The provider, built from Go modules once."""
    program = CACHE / "oidc-provider"
    newest = max(file.stat().st_mtime for file in SOURCE.iterdir())
    if not program.exists() or program.stat().st_mtime < newest:
        work = CACHE / "oidc-source"
        work.mkdir(parents=True, exist_ok=True)
        for file in SOURCE.iterdir():
            shutil.copy(file, work)
        go = str(Path(sys.executable).parent / "go")
        environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
        for words in (("mod", "tidy"), ("build", "-p", "1", "-o", str(program), ".")):
            done = subprocess.run(
                [go, *words], cwd=work, env=environment, capture_output=True, text=True, timeout=1200, check=False
            )
            if done.returncode != 0:
                pytest.skip(f"the provider can't be built here: {done.stderr[-300:]}")
    return program


class Browser:
    """Follows redirects and keeps cookies, as a browser does; trusts the gateway's CA."""

    def __init__(self, gateway: Running) -> None:
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=gateway.tls()),
            urllib.request.HTTPCookieProcessor(self.jar),
            urllib.request.ProxyHandler({}),
        )

    def open(self, url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """(status, last URL, body)."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            with self.opener.open(url, data, timeout=20) as answer:
                return answer.status, answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.url, error.read().decode()

    def cookie(self, name: str) -> str | None:
        return next((one.value for one in self.jar if one.name == name), None)


@pytest.fixture(scope="module")
def issuer(gateway: Running, admin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    found = f"http://localhost:{port}/"
    redirect = f"{gateway.url}/roost/v1/oidc/web/callback"
    users = tmp_path_factory.mktemp("oidc") / "users.json"
    # Its device flow takes the name for the subject, so both are the same here.
    person = {"ID": "tester", "Username": "tester", "Password": "verysecure", "FirstName": "Test", "LastName": "User"}
    users.write_text(json.dumps({"tester": person}))
    process = subprocess.Popen(
        [built()],
        env={**os.environ, "PORT": str(port), "REDIRECT_URI": redirect, "USERS_FILE": str(users)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"{found}.well-known/openid-configuration", timeout=5).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
    for name in ("web", "device"):
        body = {
            "name": name,
            "issuer": found,
            "clientID": name,
            "clientSecret": "secret",
            "scopes": ["openid", "profile", "email"],
        }
        made = gateway.call("POST", "/roost/v1/providers", body, token=admin)
        assert made.status == 201, made
        assert b"secret" not in made.raw
    yield found
    process.terminate()
    process.wait(20)


def sign_in(gateway: Running, browser: Browser) -> tuple[int, str, str]:
    status, url, page = browser.open(f"{gateway.url}/roost/v1/oidc/web/start")
    assert status == 200 and "/login/username" in url, (status, url, page)
    request = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["authRequestID"][0]
    form = {"username": "tester", "password": "verysecure", "id": request}
    return browser.open(url.partition("?")[0], form)


def test_a_browser_signs_in_by_code_with_pkce(gateway: Running, issuer: str) -> None:
    browser = Browser(gateway)
    status, url, _ = sign_in(gateway, browser)
    assert status == 200 and url == f"{gateway.url}/console/"
    status, _, body = browser.open(f"{gateway.url}/roost/v1/session")
    assert status == 200
    assert '"identity":"roost:user:web:tester"' in body
    assert browser.cookie("__Host-roost-oidc") is None


def test_another_browsers_code_is_refused(gateway: Running, issuer: str) -> None:
    """Login CSRF: the state must be the one that this browser was given."""
    victim = Browser(gateway)
    status, _, body = victim.open(f"{gateway.url}/roost/v1/oidc/web/callback?code=stolen&state=guess")
    assert status == 401 and "not begun in this browser" in body
    victim.open(f"{gateway.url}/roost/v1/oidc/web/start")
    status, _, _ = victim.open(f"{gateway.url}/roost/v1/oidc/web/callback?code=stolen&state=guess")
    assert status == 401
    assert victim.cookie("__Host-roost-session") is None


def test_a_terminal_signs_in_by_device_code(gateway: Running, issuer: str) -> None:
    begun = gateway.call("POST", "/roost/v1/device", {"provider": "device"})
    assert begun.status == 200, begun
    poll = {"deviceCode": begun.body["deviceCode"]}
    waiting = gateway.call("POST", "/roost/v1/device/token", poll)
    assert waiting.status == 202 and waiting.body == {"pending": True}
    browser = Browser(gateway)
    form = {
        "user_code": begun.body["userCode"],
        "username": "tester",
        "password": "verysecure",
    }
    status, _, page = browser.open(f"{issuer}device/login", form)
    assert status == 200, page
    status, _, page = browser.open(f"{issuer}device/confirm?action=allowed")
    assert status == 200, page
    time.sleep(begun.body["interval"])
    done = gateway.call("POST", "/roost/v1/device/token", poll)
    assert done.status == 200, done
    found = gateway.call("GET", "/roost/v1/session", token=done.body["accessToken"])
    assert re.fullmatch(r"roost:user:device:\S+", found.body["user"]["identity"])
    assert gateway.call("POST", "/roost/v1/device/token", poll).status == 401


def test_a_provider_that_is_away_stops_nobody_else(gateway: Running, admin: str) -> None:
    body = {"name": "away", "issuer": f"http://localhost:{free_port()}/", "clientID": "x"}
    assert gateway.call("POST", "/roost/v1/providers", body, token=admin).status == 201
    reply = gateway.call("GET", "/roost/v1/oidc/away/start")
    assert reply.status == 503 and reply.cause == "ProviderUnusable"
    assert gateway.sign_in()["accessToken"]


def test_a_removed_provider_ends_its_sessions(gateway: Running, admin: str, issuer: str) -> None:
    browser = Browser(gateway)
    sign_in(gateway, browser)
    assert browser.open(f"{gateway.url}/roost/v1/session")[0] == 200
    assert gateway.call("DELETE", "/roost/v1/providers/web", token=admin).status == 200
    assert browser.open(f"{gateway.url}/roost/v1/session")[0] == 401
