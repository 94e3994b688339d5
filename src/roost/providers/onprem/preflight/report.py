"""A finding, and how all findings of all machines become one bounded text for a condition.

Called by the checks (which make findings) and by the provider (which reports them).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MESSAGE_LIMIT: Final = 8000
"""Of a condition's message; Kubernetes allows 32768, a person reads far less."""


@dataclass(frozen=True)
class Finding:
    """One thing that stands in the way (error) or that one should know (warning)."""

    machine: str
    check: str
    """CamelCase; the reason of a condition when it is the first error."""
    cause: str
    evidence: str
    remedy: str
    warning: bool = False

    @property
    def text(self) -> str:
        evidence = f" ({self.evidence})" if self.evidence else ""
        remedy = f". {self.remedy}" if self.remedy else ""
        return f"{self.machine}: {self.check}: {self.cause}{evidence}{remedy}"


def errors(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if not finding.warning]


def warnings(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.warning]


def message(findings: Sequence[Finding], *, limit: int = MESSAGE_LIMIT) -> str:
    """All findings, one a line, errors first; what does not fit is counted."""
    ordered = [*errors(findings), *warnings(findings)]
    lines: list[str] = []
    size = 0
    for index, finding in enumerate(ordered):
        line = f"warning: {finding.text}" if finding.warning else finding.text
        if size + len(line) > limit:
            lines.append(f"and {len(ordered) - index} more")
            break
        lines.append(line)
        size += len(line) + 1
    return "\n".join(lines)
