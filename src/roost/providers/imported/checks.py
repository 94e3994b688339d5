"""The named checks of a cluster that somebody wants to import. They read only; nothing is stored.

Each gives a condition with the cause and what to do. A check that fails stops those that stand on it; all others
are still made, so that one look tells everything. Called by provider and by `roost import --dry-run`.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, cast

from roost.api import conditions as c
from roost.api.errors import PermanentFailure, RetryLater, RoostError
from roost.api.names import GROUP, SYSTEM_NAMESPACE
from roost.api.v1alpha1.cluster import Profile
from roost.kube import observe
from roost.kube.client import Client
from roost.kube.errors import answered, explain, is_status
from roost.kube.guarded import Policy, addresses, connect_guarded, place
from roost.kube.kubeconfig import Access
from roost.providers.imported import rights
from roost.providers.imported.given import Given, access
from roost.providers.imported.rights import Need
from roost.providers.imported.tls import Server, shake_hands, upgrade_passes

PLATFORM_ANNOTATION: Final = f"{GROUP}/platform"
"""On roost's namespace in a cluster: the uid of the platform that it belongs to."""
SKEW_SHOWN: Final = 60.0
SKEW_REFUSED: Final = 300.0
OTHERS: Final = {
    "cattle-system": "Rancher",
    "kubesphere-system": "KubeSphere",
    "karmada-system": "Karmada",
    "open-cluster-management-agent": "Open Cluster Management",
    "cpaas-system": "an Alauda Container Platform",
}
Status = Literal["True", "False", "Unknown"]
Json = dict[str, Any]
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Check:
    type: str
    status: Status
    reason: str = c.SUCCEEDED
    message: str = ""
    stops: bool = True
    """False: worth knowing, and no reason not to import."""
    waits: bool = False
    """It may pass by itself."""


@dataclass(frozen=True)
class Wish:
    given: Given
    profile: Profile = Profile.ADMIN
    allow_unsupported_version: bool = False
    takeover: bool = False


@dataclass(frozen=True)
class Platform:
    """Who asks, and whom it knows already."""

    uid: str = ""
    clusters: Mapping[str, str] = field(default_factory=dict[str, str])
    """UID of a known cluster's kube-system to the Cluster's namespace/name; without the one that is looked at."""


@dataclass
class Report:
    checks: list[Check] = field(default_factory=list[Check])
    access: Access | None = None
    user: str = ""
    uid: str = ""
    version: str = ""
    server: Server | None = None
    missing: tuple[Need, ...] = ()

    def add(self, check: Check) -> bool:
        """Whether what stands on it can go on."""
        self.checks.append(check)
        return check.status == "True" or not check.stops

    @property
    def problems(self) -> list[Check]:
        return [check for check in self.checks if check.status == "False" and check.stops]

    @property
    def warnings(self) -> list[str]:
        return [check.message for check in self.checks if not check.stops and check.message]

    def raise_problem(self) -> None:
        """The first that stops, as the error that decides when to look again."""
        for check in self.problems:
            error = RetryLater if check.waits else PermanentFailure
            raise error(check.reason, check.message)


async def look(wish: Wish, platform: Platform, policy: Policy, *, now: Clock) -> Report:
    """All checks, in order."""
    report = Report()
    try:
        report.access = found = access(wish.given, now=now())
    except RoostError as error:
        report.add(Check(c.PARSED, "False", error.reason, error.message))
        return report
    report.add(Check(c.PARSED, "True"))
    try:
        where = place(found)
        tested = (await addresses(where, policy))[0]
    except RetryLater as error:
        report.add(Check(c.REACHABLE, "False", error.reason, error.message, waits=True))
        return report
    except RoostError as error:
        report.add(Check(c.ADDRESS_ALLOWED, "False", error.reason, error.message))
        return report
    report.add(Check(c.ADDRESS_ALLOWED, "True", message=f"{where.host} stands for {tested}"))
    began = time.monotonic()
    try:
        report.server = await shake_hands(found, where, tested)
    except RetryLater as error:
        report.add(Check(c.REACHABLE, "False", error.reason, error.message, waits=True))
        return report
    except RoostError as error:
        report.add(Check(c.REACHABLE, "True"))
        report.add(Check(c.TLS_VERIFIED, "False", error.reason, error.message))
        return report
    milliseconds = (time.monotonic() - began) * 1000
    report.add(Check(c.REACHABLE, "True", message=f"answered in {milliseconds:.0f} ms"))
    ends = report.server.expires
    report.add(Check(c.TLS_VERIFIED, "True", message=f"valid until {ends:%Y-%m-%d}; key {report.server.pin[:16]}"))
    client = connect_guarded(found, policy)
    try:
        await _asked(client, wish, platform, report, now)
    finally:
        await client.close()
    try:
        passes = await upgrade_passes(found, where, tested)
    except (OSError, TimeoutError, ssl.SSLError):
        passes = False
    report.add(
        Check(c.UPGRADES, "True")
        if passes
        else Check(
            c.UPGRADES,
            "False",
            "UpgradesStripped",
            "connections can't be upgraded on the way to the API server: exec and port-forward will fail; let "
            "the proxy or load balancer before it pass the header Upgrade",
            stops=False,
        )
    )
    return report


async def _asked(client: Client, wish: Wish, platform: Platform, report: Report, now: Clock) -> None:
    """What only the API itself can tell."""
    if not report.add(await _authenticated(client, report)):
        return
    async with asyncio.TaskGroup() as group:
        made = [
            group.create_task(_safely(kind, server=client.server, work=work))
            for kind, work in (
                (c.VERSION_SUPPORTED, _version(client, report, wish)),
                (c.IDENTITY_UNIQUE, _identity(client, report, platform)),
                (c.PERMISSIONS, _permissions(client, report, wish.profile)),
                (c.NOT_MANAGED_ELSEWHERE, _managed(client, platform, takeover=wish.takeover)),
                (c.CLOCK_SKEW, _clock(client, now)),
                (c.DISCOVERY, _discovery(client)),
            )
        ]
    for task in made:
        report.add(task.result())


async def _safely(kind: str, *, server: str, work: Awaitable[Check]) -> Check:
    try:
        return await work
    except Exception as error:
        known = explain(error, server=server, doing=f"check {kind}")
        return Check(kind, "False", known.reason, worded(error, known), waits=isinstance(known, RetryLater))


def worded(error: Exception, known: RoostError) -> str:
    """Without what was answered, unless it is Kubernetes' own Status: else any server could be read through this."""
    code = answered(error)
    if code is None or is_status(error):
        return known.message
    return f"the server answered {code} to a question that every Kubernetes API answers; is it one?"


async def _authenticated(client: Client, report: Report) -> Check:
    group = "/apis/authentication.k8s.io"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = await client.call("POST", f"{group}/v1/selfsubjectreviews", body=body)
    except Exception as error:
        if answered(error) == 401:
            text = "the API server does not accept the credential: it expired, was revoked, or is another cluster's"
            return Check(c.AUTHENTICATED, "False", "CredentialNotAccepted", f"{text}; give a fresh one")
        known = explain(error, server=client.server, doing="sign in")
        waits = isinstance(known, RetryLater)
        return Check(c.AUTHENTICATED, "False", known.reason, worded(error, known), waits=waits)
    info = cast("Json", cast("Json", answer.get("status") or {}).get("userInfo") or {})
    report.user = str(info.get("username") or "")
    if report.user in ("", "system:anonymous"):
        return Check(
            c.AUTHENTICATED,
            "False",
            "CredentialNotAccepted",
            "the API server takes the caller for nobody; give a token",
        )
    return Check(c.AUTHENTICATED, "True", message=f"as {report.user}")


async def _version(client: Client, report: Report, wish: Wish) -> Check:
    answer = await client.call("GET", "/version")
    report.version = str(answer.get("gitVersion") or "").removeprefix("v")
    return version_check(report.version, allowed=wish.allow_unsupported_version)


def version_check(version: str, *, allowed: bool) -> Check:
    """Also made hourly for clusters that were imported long ago: they drift out by themselves."""
    if observe.is_supported(version):
        return Check(c.VERSION_SUPPORTED, "True", message=f"Kubernetes {version}")
    known = observe.minor(version)
    low, high = observe.SUPPORTED
    near = known is not None and (low[0], low[1] - 1) <= known <= (high[0], high[1] + 1)
    text = f"Kubernetes {version or '(unknown)'} is not in the supported range {observe.supported_range()}"
    if near and allowed:
        return Check(
            c.VERSION_SUPPORTED, "False", "VersionOutOfRange", f"{text}; it is taken all the same", stops=False
        )
    remedy = (
        "; upgrade it, or set spec.imported.allowUnsupportedVersion"
        if near
        else "; upgrade the cluster before importing"
    )
    return Check(c.VERSION_SUPPORTED, "False", "VersionOutOfRange", text + remedy)


async def _identity(client: Client, report: Report, platform: Platform) -> Check:
    namespace = await client.call("GET", "/api/v1/namespaces/kube-system")
    report.uid = str(cast("Json", namespace["metadata"])["uid"])
    if report.uid == platform.uid:
        return Check(
            c.IDENTITY_UNIQUE,
            "False",
            "ClusterIsPlatform",
            "this is the platform's own API, the Cluster global already",
        )
    if report.uid in platform.clusters:
        return Check(
            c.IDENTITY_UNIQUE,
            "False",
            "ClusterKnown",
            f"this cluster is here already as {platform.clusters[report.uid]} (uid {report.uid} of kube-system); use "
            "that one. A cluster restored from another's backup must get a kube-system namespace of its own first",
        )
    return Check(c.IDENTITY_UNIQUE, "True", message=f"uid {report.uid}")


async def _permissions(client: Client, report: Report, profile: Profile) -> Check:
    needs = rights.needs(profile)
    allowed = await asyncio.gather(*(may(client, need) for need in needs))
    report.missing = tuple(need for need, ok in zip(needs, allowed, strict=True) if not ok)
    if not report.missing:
        return Check(c.PERMISSIONS, "True", message=f"{report.user} can hand out what profile {profile} needs")
    listed = ", ".join(str(need) for need in report.missing)
    return Check(
        c.PERMISSIONS,
        "False",
        "RightsMissing",
        f"{report.user} lacks, for profile {profile}: {listed}. {rights.role_for(report.missing, report.user)}",
    )


async def may(client: Client, need: Need) -> bool:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": need.attributes()},
    }
    answer = await client.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=body)
    return bool(cast("Json", answer.get("status") or {}).get("allowed"))


async def _managed(client: Client, platform: Platform, *, takeover: bool) -> Check:
    listed = await client.call("GET", "/api/v1/namespaces")
    names = {str(item["metadata"]["name"]): item for item in cast("list[Json]", listed.get("items") or [])}
    own = names.get(SYSTEM_NAMESPACE)
    holder = str(cast("Json", own["metadata"].get("annotations") or {}).get(PLATFORM_ANNOTATION) or "") if own else ""
    if holder and holder != platform.uid:
        text = f"another roost platform (uid {holder}) has this cluster: namespace {SYSTEM_NAMESPACE} says so"
        if not takeover:
            return Check(
                c.NOT_MANAGED_ELSEWHERE,
                "False",
                "ManagedElsewhere",
                f"{text}; detach it there first, or set spec.imported.takeover",
            )
        return Check(c.NOT_MANAGED_ELSEWHERE, "True", "TakenOver", f"{text}; it is taken over", stops=False)
    found = [f"{OTHERS[name]} ({name})" for name in names if name in OTHERS]
    if found:
        return Check(
            c.NOT_MANAGED_ELSEWHERE,
            "True",
            "OtherManager",
            f"{', '.join(sorted(found))} looks after this cluster too; what both do there may disagree",
            stops=False,
        )
    return Check(c.NOT_MANAGED_ELSEWHERE, "True")


async def _clock(client: Client, now: Clock) -> Check:
    response = await client.http.get("/version")
    try:
        theirs = parsedate_to_datetime(response.headers["date"])
    except (KeyError, ValueError):
        return Check(c.CLOCK_SKEW, "True", message="the API server tells no time")
    return clock_check((theirs.astimezone(UTC) - now()).total_seconds())


def clock_check(seconds: float) -> Check:
    """`seconds`: by which the API server's clock is ahead."""
    text = f"the API server's clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the platform's"
    if abs(seconds) > SKEW_REFUSED:
        return Check(
            c.CLOCK_SKEW,
            "False",
            "ClocksDisagree",
            f"{text}: tokens would be taken for expired or not valid yet; set both by NTP",
            waits=True,
        )
    if abs(seconds) > SKEW_SHOWN:
        return Check(c.CLOCK_SKEW, "True", "ClocksApart", f"{text}; set both by NTP", stops=False)
    return Check(c.CLOCK_SKEW, "True")


async def _discovery(client: Client) -> Check:
    try:
        answer = await client.call("GET", "/apis/apiregistration.k8s.io/v1/apiservices")
    except Exception as error:
        if answered(error) not in (403, 404):
            raise
        return Check(c.DISCOVERY, "True", message="API services can't be listed with this credential")
    broken: list[str] = []
    for item in cast("list[Json]", answer.get("items") or []):
        for condition in cast("list[Json]", cast("Json", item.get("status") or {}).get("conditions") or []):
            if condition.get("type") == "Available" and condition.get("status") == "False":
                broken.append(str(item["metadata"]["name"]))
    if broken:
        return Check(
            c.DISCOVERY,
            "False",
            "APIServicesBroken",
            f"API services that do not answer: {', '.join(sorted(broken))}; deleting namespaces will hang until they "
            "are repaired or removed",
            stops=False,
        )
    return Check(c.DISCOVERY, "True")
