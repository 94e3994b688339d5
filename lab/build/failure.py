"""Why a build stopped, told so that a person knows what to do; raised everywhere in this room."""

from __future__ import annotations

NETWORK_SIGNS = (
    "no such host",
    "temporary failure in name resolution",
    "connection refused",
    "network is unreachable",
    "i/o timeout",
    "tls handshake timeout",
    "connection reset by peer",
    "could not resolve",
    "failed to fetch",
    "403 forbidden",
    "404 not found",
    "410 gone",
    "502 bad gateway",
    "503 service unavailable",
    "could not find a version that satisfies",
    "no matching distribution found",
)
DISK_SIGNS = ("no space left on device", "disk quota exceeded")
MEMORY_SIGNS = ("signal: killed", "cannot allocate memory")


class BuildError(Exception):
    """A build step that failed: what was done, why it failed, what shows it, what helps."""

    def __init__(self, *, step: str, cause: str, evidence: str = "", remedy: str = "") -> None:
        self.step = step
        self.cause = cause
        self.evidence = evidence
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [f"could not {self.step}: {self.cause}"]
        if self.evidence:
            lines.append(f"  seen: {self.evidence}")
        if self.remedy:
            lines.append(f"  what to do: {self.remedy}")
        return "\n".join(lines)


def explain(step: str, what: str, output: str) -> BuildError:
    """Turn the output of a failed tool into a named cause with a remedy.

    `what` is the module, package or file that the step was working on.
    """
    lowered = output.lower()
    evidence = _telling_line(output)
    if any(sign in lowered for sign in DISK_SIGNS):
        return BuildError(
            step=step,
            cause=f"the disk is full (working on {what})",
            evidence=evidence,
            remedy="free space, or put the cache elsewhere with ROOST_LAB_CACHE; "
            "a build of one Kubernetes version needs about 8 GB while it runs",
        )
    if any(sign in lowered for sign in NETWORK_SIGNS):
        return BuildError(
            step=step,
            cause=f"{what} could not be downloaded",
            evidence=evidence,
            remedy="check the network and the settings of the package client (pip, Go's GOPROXY, "
            "apt); what is already in the cache stays, run the same command again",
        )
    if any(sign in lowered for sign in MEMORY_SIGNS):
        return BuildError(
            step=step,
            cause=f"the machine ran out of memory (working on {what})",
            evidence=evidence,
            remedy="give it at least 4 GiB free, or build with --jobs 1",
        )
    return BuildError(step=step, cause=f"building {what} failed", evidence=evidence)


def _telling_line(output: str) -> str:
    """The last line that looks like the reason; a tool's output ends with it as a rule."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in reversed(lines):
        lowered = line.lower()
        if lowered.startswith(("go: downloading", "make:")):
            continue
        return line[:400]
    return "no output"
