"""Goes through all checks for all machines. Called by the provider before its first write, and by plan."""

from __future__ import annotations

from collections.abc import Sequence

from roost.providers.onprem.preflight import addresses, machine, space, systems, together
from roost.providers.onprem.preflight.machine import Subject
from roost.providers.onprem.preflight.report import Finding


def check(subjects: Sequence[Subject], *, others: Sequence[Subject] = ()) -> list[Finding]:
    """Every finding about `subjects`. `others` (nodes already in the cluster) take part in comparisons only."""
    checks = (*machine.CHECKS, *addresses.CHECKS, *space.CHECKS, systems.system)
    findings = [finding for subject in subjects for judge in checks for finding in judge(subject)]
    judged = {subject.machine.name for subject in subjects}
    # Those already in the cluster come first: of two equal names the new one is to blame.
    everyone = [*others, *subjects]
    findings += [finding for compare in together.CHECKS for finding in compare(everyone) if finding.machine in judged]
    return findings
