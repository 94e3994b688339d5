"""One test for each threat that touches the gateway; each fails when its defence is taken out."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import ssl
import time
from typing import Any

import pytest

from roost.gateway import front
from roost.kube.direct import Direct, not_here, reachable
from roost.kube.kubeconfig import Access, parse
from tests.contract.gateway.running import PASSWORD, Running
from tests.fixtures.apiserver import ApiServer

pytestmark = pytest.mark.programs
DEMO = "/clusters/default/demo"
SECRETS = "/api/v1/namespaces/roost-system/secrets"
CANARY = "canary-3f9c1d"


def user(gateway: Running, admin: str, name: str, *groups: str) -> str:
    """A new user's access token."""
    body = {"name": name, "groups": list(groups), "password": PASSWORD}
    made = gateway.call("POST", "/roost/v1/users", body, token=admin)
    assert made.status in {201, 409}, made
    return gateway.sign_in(name)["accessToken"]


def grant(platform: ApiServer, name: str, role: str, who: str) -> None:
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": who}],
    }
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings/{name}"
    assert platform.apply(binding, path).status in {200, 201}


def request(gateway: Running, head: str, *, body: bytes = b"") -> bytes:
    lines = head.replace("\n", "\r\n").replace("HOST", f"127.0.0.1:{gateway.gateway.port}")
    return gateway.raw(lines.encode() + b"\r\n\r\n" + body, seconds=3)


class TestIdentity:
    """A client's own words about who it is count for nothing."""

    @pytest.mark.parametrize(
        "header",
        ["Impersonate-User: system:admin", "impersonate-group: system:masters", "Impersonate-Extra-Scopes: all"],
    )
    def test_nobody_acts_as_one_of_kubernetes_own(self, gateway: Running, admin: str, header: str) -> None:
        head = f"GET {DEMO}/api/v1/secrets HTTP/1.1\nHost: HOST\nAuthorization: Bearer {admin}\n{header}"
        assert request(gateway, head).startswith(b"HTTP/1.1 403 ")

    def test_acting_as_somebody_needs_the_clusters_own_right_and_is_written_down(
        self, gateway: Running, admin: str, platform: ApiServer
    ) -> None:
        """`--as`: the cluster is asked whether the caller may, and the audit log names both."""
        path = f"{DEMO}/apis/authentication.k8s.io/v1/selfsubjectreviews"
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        named = {"Impersonate-User": "bob", "Impersonate-Group": "builders", "Impersonate-Extra-acme.com%2Fa": "b"}
        found = gateway.call("POST", path, review, token=admin, headers=named)
        who = found.body["status"]["userInfo"]
        assert who["username"] == "bob" and "builders" in who["groups"]
        assert not any(group.startswith("roost:") for group in who["groups"]), "nothing of the caller's goes along"
        assert who["extra"]["acme.com/a"] == ["b"] and who["extra"]["roost.session"]
        secrets = f"{DEMO}/api/v1/namespaces/default/secrets"
        assert gateway.call("GET", secrets, token=admin).status == 200
        assert gateway.call("GET", secrets, token=admin, headers={"Impersonate-User": "bob"}).status == 403
        event = gateway.call("GET", "/roost/v1/audit?cluster=default/demo&limit=1", token=admin).body["items"][0]
        assert (event["user"]["username"], event["impersonatedUser"]["username"]) == ("roost:user:admin", "bob")
        token = user(gateway, admin, "viewer")
        grant(platform, "viewer", "roost:cluster-viewer", "roost:user:viewer")
        for headers in ({"Impersonate-User": "bob"}, {"Impersonate-User": "roost:user:admin"}, named):
            refused = gateway.call("GET", f"{DEMO}/version", token=token, headers=headers)
            assert refused.status == 403 and refused.cause == "ImpersonationRefused"
            assert "cannot impersonate" in refused.body["message"]
        # On the platform itself, and where one acts as oneself alone.
        boss = {"Impersonate-User": "roost:user:admin"}
        assert gateway.call("GET", SECRETS, token=token, headers=boss).status == 403
        assert gateway.call("GET", "/roost/v1/session", token=admin, headers=boss).status == 403

    def test_connection_can_not_hide_an_impersonation(self, gateway: Running, admin: str) -> None:
        """CVE-2021-31999: a header that Connection names must not survive, nor make a real one vanish."""
        alice = user(gateway, admin, "alice")
        head = f"GET {DEMO}/version HTTP/1.1\nHost: HOST\nAuthorization: Bearer {admin}\nImpersonate-User: system:a\n"
        assert request(gateway, head + "Connection: Impersonate-User, close").startswith(b"HTTP/1.1 403 ")
        for named in ("Impersonate-User", "Authorization", "Impersonate-Group, Audit-Id"):
            head = (
                f"POST /apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1\nHost: HOST\n"
                f"Authorization: Bearer {alice}\nConnection: {named}, close\nContent-Type: application/json\n"
            )
            review = b'{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
            answer = request(gateway, head + f"Content-Length: {len(review)}", body=review)
            assert b'"username":"roost:user:alice"' in answer.replace(b" ", b"")

    def test_front_proxy_headers_and_client_tokens_are_dropped(self, gateway: Running, admin: str) -> None:
        headers = {
            "X-Remote-User": "system:admin",
            "X-Remote-Group": "system:masters",
            "Sec-WebSocket-Protocol": "base64url.bearer.authorization.k8s.io.YWRtaW4",
        }
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        alice = user(gateway, admin, "alice")
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        found = gateway.call("POST", path, review, token=alice, headers=headers).body["status"]["userInfo"]
        assert found["username"] == "roost:user:alice"
        assert "system:masters" not in found["groups"]

    @pytest.mark.parametrize("name", ["system:admin", "system-x:y", "a/b", "..", "A", "", "x" * 64])
    def test_no_user_gets_a_name_of_kubernetes_own(self, gateway: Running, admin: str, name: str) -> None:
        body = {"name": name, "password": PASSWORD}
        assert gateway.call("POST", "/roost/v1/users", body, token=admin).status == 422

    def test_groups_are_prefixed_so_none_is_kubernetes_own(self, gateway: Running, admin: str) -> None:
        eve = user(gateway, admin, "eve", "system:masters")
        assert gateway.call("GET", SECRETS, token=eve).status == 403


class TestRights:
    """The platform decides which cluster, the cluster what in it."""

    def test_without_a_role_there_is_no_way_in(self, gateway: Running, admin: str) -> None:
        reply = gateway.call("GET", f"{DEMO}/version", token=user(gateway, admin, "nobody"))
        assert reply.status == 403
        assert "roost:cluster-viewer" in reply.body["message"]

    def test_a_viewer_reads_and_changes_nothing(self, gateway: Running, admin: str, platform: ApiServer) -> None:
        token = user(gateway, admin, "viewer")
        grant(platform, "viewer", "roost:cluster-viewer", "roost:user:viewer")
        assert gateway.call("GET", f"{DEMO}/api/v1/namespaces/default/configmaps", token=token).status == 200
        body = {"metadata": {"name": "never"}}
        path = f"{DEMO}/api/v1/namespaces/default/configmaps"
        assert gateway.call("POST", path, body, token=token).status == 403
        assert gateway.call("GET", f"{DEMO}/api/v1/namespaces/default/secrets", token=token).status == 403

    def test_a_reader_can_not_run_commands_by_a_websocket(
        self, gateway: Running, admin: str, platform: ApiServer, target: ApiServer
    ) -> None:
        """API servers before 1.35 check `get` for exec by GET, which a role that reads everything has."""
        token = user(gateway, admin, "reader")
        grant(platform, "reader", "roost:cluster-viewer", "roost:user:reader")
        for document in (
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": "reads-all"},
                "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}],
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "reads-all"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reads-all"},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "roost:user:reader"}],
            },
        ):
            plural = document["kind"].lower() + "s"
            target.apply(document, f"/apis/rbac.authorization.k8s.io/v1/{plural}/reads-all")
        for what in ("pods/x/exec?command=sh&stdout=1", "pods/x/attach?stdout=1", "pods/x/portforward?ports=80"):
            head = (
                f"GET {DEMO}/api/v1/namespaces/default/{what} HTTP/1.1\nHost: HOST\nAuthorization: Bearer {token}\n"
                "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
            )
            answer = request(gateway, head)
            assert answer.startswith(b"HTTP/1.1 403 "), answer[:300]
            assert b"cannot create resource" in answer
        # With the right to create there is no pod of that name, which only the cluster itself can say.
        answer = request(gateway, head.replace(token, admin))
        assert answer.startswith(b"HTTP/1.1 404 "), answer[:300]

    def test_a_right_that_is_taken_away_ends_the_watch(
        self, gateway: Running, admin: str, platform: ApiServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from roost.gateway import authorise, dispatch

        monkeypatch.setattr(dispatch, "RECHECK_SECONDS", 0.2)
        monkeypatch.setattr(authorise, "KEPT_SECONDS", 0.1)
        token = user(gateway, admin, "leaver")
        grant(platform, "leaver", "roost:cluster-viewer", "roost:user:leaver")
        connection = open_watch(gateway, token)
        platform.call("DELETE", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings/leaver")
        assert_ends(connection, within=25)

    def test_who_may_make_users_can_not_make_administrators(
        self, gateway: Running, admin: str, platform: ApiServer
    ) -> None:
        """CVE-2022-31247: nobody gives a right that he has not got himself."""
        token = user(gateway, admin, "clerk")
        for kind, extra in (
            (
                "ClusterRole",
                {"rules": [{"apiGroups": ["cluster.alauda.io"], "resources": ["users"], "verbs": ["*"]}]},
            ),
            (
                "ClusterRoleBinding",
                {
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "clerk"},
                    "subjects": [
                        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "roost:user:clerk"}
                    ],
                },
            ),
        ):
            document = {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": kind,
                "metadata": {"name": "clerk"},
                **extra,
            }
            platform.apply(document, f"/apis/rbac.authorization.k8s.io/v1/{kind.lower()}s/clerk")
        time.sleep(0.3)
        body: dict[str, Any] = {"name": "plain", "password": PASSWORD}
        assert gateway.call("POST", "/roost/v1/users", body, token=token).status == 201
        body = {"name": "boss", "password": PASSWORD, "groups": ["administrators"]}
        assert gateway.call("POST", "/roost/v1/users", body, token=token).status == 403
        change = {"groups": ["administrators"]}
        assert gateway.call("PUT", "/roost/v1/users/clerk", change, token=token).status == 403
        assert gateway.call("POST", "/roost/v1/tokens", {"name": "t", "user": "admin"}, token=token).status == 403

    def test_the_clusters_own_kubeconfig_is_for_its_administrators(
        self, gateway: Running, admin: str, platform: ApiServer
    ) -> None:
        token = user(gateway, admin, "viewer")
        grant(platform, "viewer", "roost:cluster-viewer", "roost:user:viewer")
        path = "/roost/v1/clusters/default/demo/kubeconfig"
        through = gateway.call("GET", path, token=token)
        assert through.status == 200
        assert b"token:" not in through.raw and b"client-key" not in through.raw
        assert gateway.call("GET", f"{path}?direct=1", token=token).status == 403
        assert b"certificate-authority-data" in gateway.call("GET", f"{path}?direct=1", token=admin).raw


class TestSessions:
    def test_signing_out_ends_what_runs(self, gateway: Running) -> None:
        token = gateway.sign_in()["accessToken"]
        connection = open_watch(gateway, token)
        assert gateway.call("POST", "/roost/v1/logout", {}, token=token).status == 200
        assert_ends(connection, within=2)
        assert gateway.call("GET", "/roost/v1/session", token=token).status == 401

    def test_a_removed_user_is_gone_at_once(self, gateway: Running, admin: str) -> None:
        """GHSA-9ghh-mmcq-8phc: who is removed must not stay."""
        tokens = [user(gateway, admin, "gone")]
        made = gateway.call("POST", "/roost/v1/tokens", {"name": "t"}, token=tokens[0])
        tokens.append(made.body["token"])
        assert gateway.call("GET", "/roost/v1/session", token=tokens[1]).status == 200
        assert gateway.call("DELETE", "/roost/v1/users/gone", token=admin).status == 200
        assert [gateway.call("GET", "/roost/v1/session", token=one).status for one in tokens] == [401, 401]

    def test_a_revoked_token_ends_what_runs(self, gateway: Running, admin: str) -> None:
        made = gateway.call("POST", "/roost/v1/tokens", {"name": "revoked"}, token=admin).body
        connection = open_watch(gateway, made["token"])
        assert gateway.call("DELETE", f"/roost/v1/tokens/{made['id']}", token=admin).status == 200
        assert_ends(connection, within=2)

    def test_a_stolen_refresh_token_ends_the_session(self, gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        from roost.gateway import sessions

        monkeypatch.setattr(sessions, "GRACE_SECONDS", -1.0)
        first = gateway.sign_in()
        path = "/roost/v1/refresh?mode=token"
        renewed = gateway.call("POST", path, {"refreshToken": first["refreshToken"]}).body
        assert gateway.call("GET", "/roost/v1/session", token=renewed["accessToken"]).status == 200
        assert gateway.call("POST", path, {"refreshToken": first["refreshToken"]}).status == 401
        assert gateway.call("GET", "/roost/v1/session", token=renewed["accessToken"]).status == 401

    def test_guessing_passwords_is_slowed_down(self, gateway: Running, admin: str) -> None:
        user(gateway, admin, "guessed")
        body = {"username": "guessed", "password": "wrong password"}
        codes = [gateway.call("POST", "/roost/v1/login", body).status for _ in range(8)]
        assert codes[:5] == [401] * 5
        assert 429 in codes[5:]
        right = gateway.call("POST", "/roost/v1/login", {"username": "guessed", "password": PASSWORD})
        assert right.status == 429
        assert int(right.headers["retry-after"]) >= 1

    def test_an_unknown_user_gets_the_same_answer(self, gateway: Running) -> None:
        wrong = gateway.call("POST", "/roost/v1/login", {"username": "admin", "password": "wrong password"})
        unknown = gateway.call("POST", "/roost/v1/login", {"username": "unknown", "password": "wrong password"})
        assert (wrong.status, wrong.body) == (unknown.status, unknown.body)

    def test_the_platforms_own_token_is_no_person(self, gateway: Running) -> None:
        own = "own-token-of-the-test-platform"
        assert gateway.call("GET", f"{DEMO}/version", token=own).status == 200
        assert gateway.call("GET", SECRETS, token=own).status == 403


@pytest.fixture(scope="module")
def cookie(gateway: Running) -> str:
    reply = gateway.call("POST", "/roost/v1/login", {"username": "admin", "password": PASSWORD})
    found = reply.headers["set-cookie"]
    assert all(word in found for word in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"))
    assert "Domain" not in found
    return found.partition(";")[0]


class TestBrowser:
    """What another site can make a browser send."""

    def test_a_change_needs_a_header_that_other_sites_can_not_set(self, gateway: Running, cookie: str) -> None:
        path, body = "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "forged"}}
        assert gateway.call("GET", "/roost/v1/session", headers={"Cookie": cookie}).status == 200
        assert gateway.call("POST", path, body, headers={"Cookie": cookie}).status == 403
        allowed = {"Cookie": cookie, "X-Roost-Request": "1"}
        assert gateway.call("POST", path, body, headers=allowed).status == 201
        assert gateway.call("DELETE", f"{path}/forged", headers=allowed).status == 200

    def test_a_websocket_must_come_from_our_own_pages(self, gateway: Running, cookie: str) -> None:
        head = (
            "GET /api/v1/namespaces?watch=1&timeoutSeconds=1 HTTP/1.1\nHost: HOST\nConnection: Upgrade\n"
            "Upgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
            f"Cookie: {cookie}\n"
        )
        assert request(gateway, head + "Origin: https://elsewhere.example").startswith(b"HTTP/1.1 403 ")
        assert request(gateway, head.rstrip()).startswith(b"HTTP/1.1 403 ")
        assert request(gateway, head + "Origin: https://HOST").startswith(b"HTTP/1.1 101 ")

    def test_sign_in_takes_no_form(self, gateway: Running) -> None:
        body = json.dumps({"username": "admin", "password": PASSWORD}).encode()
        headers = {"Content-Type": "text/plain"}
        assert gateway.call("POST", "/roost/v1/login", body, headers=headers).status == 415

    def test_a_clusters_page_runs_nothing_under_our_name(self, gateway: Running, admin: str) -> None:
        reply = gateway.call("GET", f"{DEMO}/version", token=admin)
        assert "sandbox" in reply.headers["content-security-policy"]
        assert reply.headers["x-content-type-options"] == "nosniff"

    def test_the_console_runs_only_its_own_scripts(self, gateway: Running) -> None:
        policy = gateway.call("GET", "/console/").headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy


class TestPathsAndFraming:
    @pytest.mark.parametrize(
        "path",
        [
            "/clusters/default/demo/%2e%2e/%2e%2e/%2e%2e/api/v1/secrets",
            "/clusters/default/demo/..%2f..%2fapi",
            "/clusters/default/demo//api/v1/secrets",
            "/clusters/default/demo/../../api/v1/secrets",
        ],
    )
    def test_another_api_is_not_reached_by_the_path(self, gateway: Running, admin: str, path: str) -> None:
        """GHSA-c534-2w9c-x7fm."""
        head = f"GET {path} HTTP/1.1\nHost: HOST\nAuthorization: Bearer {admin}"
        assert request(gateway, head).startswith(b"HTTP/1.1 400 ")

    @pytest.mark.parametrize(
        "framing",
        [
            "Content-Length: 5\nTransfer-Encoding: chunked",
            "Content-Length: 5\nContent-Length: 6",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: xchunked",
            "Content-Length: +5",
            "Transfer-Encoding : chunked",
            "Content-Length: 5\n Folded: yes",
        ],
    )
    def test_no_request_hides_in_another(self, gateway: Running, admin: str, framing: str) -> None:
        head = f"POST {DEMO}/api/v1/namespaces HTTP/1.1\nHost: HOST\nAuthorization: Bearer {admin}\n{framing}"
        hidden = b"0\r\n\r\nGET /roost/v1/users HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = request(gateway, head, body=hidden)
        assert answer.count(b"HTTP/1.1 ") <= 1
        assert answer[9:12] in {b"400", b"501", b""}, answer[:200]

    def test_an_upgrade_that_is_refused_opens_nothing(self, gateway: Running, admin: str) -> None:
        """CVE-2018-1002105: after an answer other than 101 nothing reaches the connection behind."""
        head = (
            f"GET {DEMO}/api/v1/namespaces/default/pods/absent/exec?command=sh HTTP/1.1\nHost: HOST\n"
            f"Authorization: Bearer {admin}\nConnection: Upgrade\nUpgrade: websocket\n"
            "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        )
        smuggled = b"GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = request(gateway, head, body=smuggled)
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"SecretList" not in answer

    def test_headers_that_never_end_are_cut(self, gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(front, "HEAD_SECONDS", 0.5)
        with socket.create_connection(("127.0.0.1", gateway.gateway.port), timeout=10) as plain:
            with gateway.tls().wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
                began = time.monotonic()
                try:
                    while connection.recv(1000):
                        pass
                except (ssl.SSLError, ConnectionError):
                    pass
                assert time.monotonic() - began < 5

    def test_headers_and_bodies_have_limits(self, gateway: Running, admin: str) -> None:
        assert request(gateway, "GET / HTTP/1.1\nHost: HOST\nX: " + "a" * 80_000).startswith(b"HTTP/1.1 431 ")
        head = f"POST /roost/v1/validate HTTP/1.1\nHost: HOST\nAuthorization: Bearer {admin}\nContent-Length: 5000000"
        large = request(gateway, head)
        assert large.startswith(b"HTTP/1.1 413 ")
        assert b'"kind": "Status"' in large


class TestClusterAddresses:
    """SSRF: where a kubeconfig may lead."""

    @pytest.mark.parametrize(
        "server",
        [
            "https://127.0.0.1:1",
            "https://localhost:1",
            "https://[::1]:1",
            "https://169.254.169.254",
            "https://0.0.0.0:1",
            "https://[::ffff:127.0.0.1]:1",
            "https://224.0.0.1",
            "https://[fe80::1]:1",
        ],
    )
    @pytest.mark.anyio
    async def test_never_to_the_platform_itself_or_a_metadata_service(self, server: str) -> None:
        from roost.api.exchange import UpstreamUnavailable

        direct = Direct(Access(server), allowed=not_here)
        with pytest.raises(UpstreamUnavailable) as refused:
            await direct.open_own("GET", "/")
        assert refused.value.reason == "AddressNotAllowed"

    @pytest.mark.anyio
    async def test_an_answer_that_redirects_is_not_followed(self, gateway: Running, admin: str) -> None:
        connection = http.client.HTTPSConnection("127.0.0.1", gateway.gateway.port, context=gateway.tls())
        connection.request("GET", "/", headers={"Authorization": f"Bearer {admin}"})
        assert connection.getresponse().status == 302
        access = Access(gateway.url, ca_pem=gateway.leaf.ca.read_text())
        direct = Direct(access, allowed=reachable)
        exchange = await direct.open_own("GET", "/")
        assert (await exchange.head()).status == 302
        await exchange.abort()

    @pytest.mark.parametrize("plugin", ["exec", "auth-provider"])
    def test_a_kubeconfig_runs_no_program(self, plugin: str) -> None:
        from roost.api.errors import PermanentFailure

        document = {
            "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1"}}],
            "users": [{"name": "u", "user": {plugin: {"command": "/bin/true"}}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        with pytest.raises(PermanentFailure, match="never run"):
            parse(document)


class TestSecrets:
    def test_no_secret_reaches_a_log(self, gateway: Running, admin: str, caplog: pytest.LogCaptureFixture) -> None:
        """A canary in every place that a secret can stand in; the audit log, and what the process itself says."""
        caplog.set_level(logging.DEBUG)
        gateway.call("POST", "/roost/v1/login", {"username": "admin", "password": CANARY})
        gateway.call("POST", "/roost/v1/users", {"name": "canary", "password": CANARY * 2}, token=admin)
        secret = {"metadata": {"name": "canary"}, "stringData": {"a": CANARY}}
        gateway.call("POST", f"{DEMO}/api/v1/namespaces/default/secrets", secret, token=admin)
        gateway.call("GET", f"/api/v1/namespaces?access_token={CANARY}", token=admin)
        gateway.call("GET", f"/roost/v1/session?token={CANARY}", token=CANARY)
        made = gateway.call("POST", "/roost/v1/tokens", {"name": "canary"}, token=admin).body["token"]
        text = caplog.text + "".join(path.read_text() for path in gateway.gateway.settings.audit.iterdir())
        assert "/roost/v1/users" in text
        # roa_ID_SECRET, of which the audit log may name the id; the random letters may hold an underscore too.
        _, _, secret_part = admin.split("_", 2)
        for hidden in (CANARY, admin, secret_part[:20], secret_part[-20:], made, PASSWORD):
            assert hidden not in text

    def test_every_request_to_a_cluster_is_written_down_once(self, gateway: Running, admin: str) -> None:
        gateway.call("GET", f"{DEMO}/api/v1/namespaces/default/configmaps/traced", token=admin)
        found = gateway.call("GET", "/roost/v1/audit?cluster=default/demo&limit=1", token=admin).body["items"][0]
        assert found["objectRef"]["name"] == "traced"
        assert found["user"]["username"] == "roost:user:admin"
        assert found["responseStatus"]["code"] == 404
        assert found["annotations"]["audit.cluster.alauda.io/role"] == "administrator"
        assert gateway.call("GET", "/roost/v1/audit/verify", token=admin).body["whole"] is True


def open_watch(gateway: Running, token: str) -> http.client.HTTPSConnection:
    connection = http.client.HTTPSConnection("127.0.0.1", gateway.gateway.port, context=gateway.tls(), timeout=30)
    connection.request(
        "GET", f"{DEMO}/api/v1/namespaces/default/configmaps?watch=1", headers={"Authorization": f"Bearer {token}"}
    )
    connection.answer = connection.getresponse()  # type: ignore[attr-defined]
    assert connection.answer.status == 200  # type: ignore[attr-defined]
    return connection


def assert_ends(connection: http.client.HTTPSConnection, *, within: float) -> None:
    connection.sock.settimeout(within)
    began = time.monotonic()
    try:
        while connection.answer.read1():  # type: ignore[attr-defined]
            pass
    except (http.client.IncompleteRead, ssl.SSLError, ConnectionError):
        pass
    assert time.monotonic() - began < within
    connection.close()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def test_a_slow_reader_stalls_nobody_else(gateway: Running, admin: str) -> None:
    """One connection that asks for much and reads nothing; others are answered as before."""
    path = f"{DEMO}/api/v1/namespaces/default/configmaps"
    for number in range(3):
        body = {"metadata": {"name": f"bulk{number}"}, "data": {"a": "x" * 900_000}}
        assert gateway.call("POST", path, body, token=admin).status in {201, 409}
    stuck = http.client.HTTPSConnection("127.0.0.1", gateway.gateway.port, context=gateway.tls(), timeout=30)
    stuck.connect()
    stuck.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.request("GET", path, headers={"Authorization": f"Bearer {admin}"})
    began = time.monotonic()
    for _ in range(20):
        assert gateway.call("GET", f"{DEMO}/version", token=admin).status == 200
    assert time.monotonic() - began < 20
    stuck.close()
    for number in range(3):
        gateway.call("DELETE", f"{path}/bulk{number}", token=admin)
