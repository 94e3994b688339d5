"""A cluster is looked at, adopted, followed and let go; afterwards every object of it is as before."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import anyio
import pytest
import yaml

from roost.api import conditions as c
from roost.api.errors import PermanentFailure
from roost.api.masked import Masked
from roost.api.v1alpha1.cluster import Profile
from roost.kube import observe, pki
from roost.kube.direct import not_here
from roost.kube.guarded import Policy
from roost.kube.kubeconfig import parse
from roost.kube.pki import utc_now
from roost.providers.imported import adopting, checks
from roost.providers.imported.adopting import Owner
from roost.providers.imported.checks import Platform, Report, Wish
from roost.providers.imported.following import follow
from roost.providers.imported.given import Given
from tests.contract.imported.conftest import POLICY, Target

pytestmark = [pytest.mark.programs, pytest.mark.anyio]
PLATFORM = Platform(uid="platform-uid")


def owner(profile: Profile) -> Owner:
    return Owner(PLATFORM.uid, "cluster-id", "cluster-uid", profile, "1.0")


async def look(given: Given, platform: Platform = PLATFORM, policy: Policy = POLICY, **wish: Any) -> Report:
    return await checks.look(Wish(given, **wish), platform, policy, now=utc_now)


def failed(report: Report) -> dict[str, str]:
    return {check.type: check.reason for check in report.problems}


def eventually(ask: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def different(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {k: (before.get(k), after.get(k)) for k in {*before, *after} if before.get(k) != after.get(k)}


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("there_before", [False, True])
@pytest.mark.parameter(
    "spec.imported.profile", "spec.imported.server", "spec.imported.credential.name", "spec.imported.ca"
)
async def test_adopted_and_let_go_without_a_trace(target: Target, profile: Profile, there_before: bool) -> None:
    namespace = "/api/v1/namespaces/roost-system"
    # The servers are shared: other tests may have left their own.
    target.server.call("DELETE", namespace)
    eventually(lambda: target.server.call("GET", namespace).status == 404)
    if there_before:
        target.server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "roost-system"}})
        eventually(lambda: target.server.call("GET", f"{namespace}/serviceaccounts/default").status == 200)
    before = target.everything()
    report = await look(target.given(), profile=profile)
    assert report.problems == [] and {check.type for check in report.checks} == set(c.IMPORT_CHECKS) - {c.ADOPTED}
    assert {check.type for check in report.checks if check.status != "True"} == set()
    assert target.everything() == before, "looking changes nothing"
    assert report.access is not None
    kubeconfig = await adopting.adopt(report.access, POLICY, owner(profile))
    found = parse(kubeconfig)
    assert found.token is not None and found.token.reveal() != target.server.tokens["admin"]
    due = adopting.renewal(found.token, chance=0.0)
    assert due is not None and timedelta(hours=7) < due - utc_now() < timedelta(hours=9)

    followed = await follow(kubeconfig, POLICY, allow_unsupported_version=False)
    assert followed.facts.version == target.server.version and followed.facts.uid == report.uid
    assert followed.version.status == "True" and followed.facts.healthy
    assert next(name for name, _ in followed.facts.certificates) == "apiserver"
    newer = await adopting.renew(kubeconfig, POLICY)
    assert newer != kubeconfig

    assert await adopting.detach(newer, POLICY, PLATFORM.uid) == []
    if not there_before:
        eventually(lambda: target.server.call("GET", namespace).status == 404)
    deadline = time.monotonic() + 20
    while (left := different(before, target.everything())) and time.monotonic() < deadline:
        await anyio.sleep(0.2)
    assert left == {}
    if profile is Profile.ADMIN and not there_before:
        await anyio.sleep(11)  # An API server remembers a token that it knew for ten seconds.
        with pytest.raises(PermanentFailure, match="not accepted"):
            await follow(newer, POLICY, allow_unsupported_version=False)
    target.server.call("DELETE", namespace)
    eventually(lambda: target.server.call("GET", namespace).status == 404)


async def test_what_others_put_into_the_namespace_stays(target: Target) -> None:
    report = await look(target.given())
    assert report.access is not None
    kubeconfig = await adopting.adopt(report.access, POLICY, owner(Profile.ADMIN))
    namespace = "/api/v1/namespaces/roost-system"
    target.server.call("POST", f"{namespace}/configmaps", {"metadata": {"name": "theirs"}, "data": {"a": "b"}})
    assert await adopting.detach(kubeconfig, POLICY, PLATFORM.uid) == []
    assert target.server.call("GET", f"{namespace}/configmaps/theirs").status == 200
    assert target.server.call("GET", f"{namespace}/serviceaccounts/roost-manager").status == 404
    binding = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/roost:manager"
    assert target.server.call("GET", binding).status == 404
    target.server.call("DELETE", namespace)
    eventually(lambda: target.server.call("GET", namespace).status == 404)


async def test_a_user_without_rights_is_told_which_are_missing(target: Target) -> None:
    report = await look(target.given("alice"))
    problems = failed(report)
    assert problems[c.PERMISSIONS] == "RightsMissing"
    message = next(check.message for check in report.problems if check.type == c.PERMISSIONS)
    assert (
        "alice lacks" in message and "impersonate users" in message and "kubectl create clusterrolebinding" in message
    )


async def test_a_token_of_another_cluster_is_refused(target: Target) -> None:
    report = await look(target.given(token=Masked("not-a-token-of-this-cluster")))
    assert failed(report) == {c.AUTHENTICATED: "CredentialNotAccepted"}


@pytest.mark.parameter("spec.imported.ca", "spec.imported.tlsServerName")
async def test_certificates_that_do_not_fit_are_told_apart(target: Target) -> None:
    other = pki.create_authority("other", now=utc_now()).certificate_pem
    assert failed(await look(target.given(ca_pem=other))) == {c.TLS_VERIFIED: "CertificateAuthority"}
    named = await look(target.given(tls_server_name="api.example.com"))
    assert failed(named) == {c.TLS_VERIFIED: "CertificateName"}
    assert "127.0.0.1" in named.problems[0].message and "tlsServerName" in named.problems[0].message
    assert failed(await look(target.given(tls_server_name="localhost"))) == {}
    ended = pki.create_authority("old", now=utc_now() - timedelta(days=20000)).certificate_pem
    assert failed(await look(target.given(ca_pem=ended))) == {c.PARSED: "CAExpired"}
    assert failed(await look(target.given(ca_pem="-----BEGIN"))) == {c.PARSED: "CAInvalid"}


async def test_the_platforms_own_loopback_is_not_dialled(target: Target) -> None:
    """The same address that the other tests use, under the policy that the platform has."""
    report = await look(target.given(), policy=Policy(allowed=not_here))
    assert failed(report) == {c.ADDRESS_ALLOWED: "AddressNotAllowed"}
    assert report.server is None


async def test_one_cluster_is_known_once(target: Target) -> None:
    uid = (await look(target.given())).uid
    again = await look(target.given(), Platform("platform-uid", {uid: "team/prod"}))
    assert failed(again) == {c.IDENTITY_UNIQUE: "ClusterKnown"}
    assert "team/prod" in again.problems[0].message
    assert failed(await look(target.given(), Platform(uid))) == {c.IDENTITY_UNIQUE: "ClusterIsPlatform"}


@pytest.mark.parameter("spec.imported.allowUnsupportedVersion")
async def test_a_version_out_of_range_is_named_and_taken_only_when_it_is_asked_for(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The range is moved, since no API server outside of it can be had here."""
    last = int(target.server.version.split(".")[1]) - 1
    monkeypatch.setattr(observe, "SUPPORTED", ((1, 20), (1, last)))
    report = await look(target.given())
    assert failed(report) == {c.VERSION_SUPPORTED: "VersionOutOfRange"}
    (check,) = [check for check in report.checks if check.type == c.VERSION_SUPPORTED]
    assert f"1.20 to 1.{last}" in check.message
    taken = await look(target.given(), allow_unsupported_version=True)
    assert failed(taken) == {} and taken.access is not None
    assert any(f"1.20 to 1.{last}" in warning for warning in taken.warnings)


@pytest.mark.parameter("spec.imported.takeover")
async def test_another_platforms_cluster_needs_to_be_taken_over(target: Target) -> None:
    report = await look(target.given())
    assert report.access is not None
    kubeconfig = await adopting.adopt(report.access, POLICY, owner(Profile.ADMIN))
    second = Platform("second-platform")
    assert failed(await look(target.given(), second)) == {c.NOT_MANAGED_ELSEWHERE: "ManagedElsewhere"}
    taken = await look(target.given(), second, takeover=True)
    assert failed(taken) == {} and "platform-uid" in " ".join(taken.warnings)
    await adopting.detach(kubeconfig, POLICY, PLATFORM.uid)
    eventually(lambda: target.server.call("GET", "/api/v1/namespaces/roost-system").status == 404)


def kubeconfig_of(target: Target, user: dict[str, Any], **cluster: Any) -> Masked:
    inner = {"server": target.server.url, "certificate-authority-data": "", **cluster}
    return Masked(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": inner}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )


@pytest.mark.parametrize(
    ("user", "cluster", "reason"),
    [
        ({"exec": {"command": "touch", "args": ["MARK"]}}, {}, "KubeconfigUnsupported"),
        ({"auth-provider": {"name": "gcp", "config": {"cmd-path": "MARK"}}}, {}, "KubeconfigUnsupported"),
        ({"tokenFile": "/etc/hostname"}, {}, "KubeconfigInvalid"),
        ({"client-certificate": "../../etc/hostname", "client-key": "/etc/hostname"}, {}, "KubeconfigInvalid"),
        ({"token": "t"}, {"certificate-authority": "/etc/hostname"}, "KubeconfigInvalid"),
        ({"token": "t"}, {"proxy-url": "http://10.0.0.1:3128"}, "KubeconfigUnsupported"),
        ({"token": "t"}, {"insecure-skip-tls-verify": True}, "KubeconfigInsecure"),
        ({"username": "u", "password": "p"}, {}, "KubeconfigUnsupported"),
        ({"token": "t", "as": "system:admin"}, {}, "KubeconfigUnsupported"),
        ({}, {}, "CredentialMissing"),
    ],
)
async def test_what_a_kubeconfig_asks_for_is_not_done(
    target: Target, tmp_path: Any, user: dict[str, Any], cluster: dict[str, Any], reason: str
) -> None:
    mark = tmp_path / "ran"
    text = json.dumps(user).replace("MARK", str(mark))
    report = await look(Given(kubeconfig=kubeconfig_of(target, json.loads(text), **cluster)))
    assert failed(report) == {c.PARSED: reason}
    assert not mark.exists()
    assert "hostname" not in (report.problems[0].message.replace("/etc/hostname", "").replace("etc/hostname", ""))
