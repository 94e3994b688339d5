"""Rules for spec.version: how it is written, what roost installs at all, and what is here."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from roost.api.validation.findings import FieldError, error
from roost.api.validation.texts import Term

PATH: Final = "spec.version"
SUPPORTED: Final = ((1, 28), (1, 31))
"""First and last minor version that roost installs."""
_FULL: Final = re.compile(r"1\.[0-9]{1,2}\.[0-9]{1,3}")


def check_version(given: str | None, releases: Collection[str] | None) -> list[FieldError]:
    """`releases`: what can be installed here; None: not known, so only form and range are judged."""
    present = _present(releases)
    if given is None:
        return [error("version.required", PATH, "FieldValueRequired", present=present)]
    if not _FULL.fullmatch(given):
        return [error("version.form", PATH, given=given, right=likely(given, releases))]
    minor = _numbers(given)[:2]
    if not SUPPORTED[0] <= minor <= SUPPORTED[1]:
        return [error("version.range", PATH, "FieldValueNotSupported", given=given, present=present)]
    if releases is not None and given not in releases:
        return [error("version.absent", PATH, "FieldValueNotSupported", given=given, present=present)]
    return []


def likely(given: str, releases: Collection[str] | None) -> str:
    """What was probably meant: v1.31.4 is 1.31.4, 1.31 the newest 1.31 that is here."""
    found = re.search(r"1\.[0-9]{1,2}(\.[0-9]{1,3})?", given)
    known = sorted(releases or (), key=_numbers)
    if found is None:
        return known[-1] if known else "1.31.4"
    if found[1]:
        return found[0]
    same = [version for version in known if version.startswith(f"{found[0]}.")]
    return same[-1] if same else f"{found[0]}.0"


def newest_first(versions: Collection[str]) -> list[str]:
    """Versions in the order in which they are offered: the first one is recommended."""
    return sorted(versions, key=_numbers, reverse=True)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))


def _present(releases: Collection[str] | None) -> Term:
    if releases is None:
        return Term("`roost bundle list` shows what is here", "`roost bundle list` 列出可用版本")
    if not releases:
        return Term("no release is here yet", "此处还没有任何发布包")
    newest, *others = newest_first(releases)
    english = ", ".join([f"{newest} (recommended)", *others])
    chinese = "、".join([f"{newest}（推荐）", *others])
    return Term(f"here are {english}", f"可用版本：{chinese}")
