"""What a rule finds: an error at a field, with words in both languages. Used by every rule and by whoever shows them.

The words stand in texts.py, so that a finding is a key and its parameters; `message` is English (the
API's language), `text("zh")` is for the CLI and the console.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from roost.api.validation.texts import TEXTS, Language, Term

Reason = Literal[
    "FieldValueInvalid",
    "FieldValueRequired",
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueNotSupported",
    "FieldValueNotFound",
    "FieldValueTooLong",
]
"""The causes of Kubernetes' own Status. NotFound: something that may still come."""


@dataclass(frozen=True)
class FieldError:
    """One thing that is wrong (or, in a Verdict's notices, worth saying) and what would be right."""

    path: str
    """Such as spec.onPremises.network.podCIDR; empty for the object as a whole."""
    message: str
    reason: Reason
    key: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict[str, object], compare=False, hash=False)

    def text(self, language: Language) -> str:
        """The message in a language."""
        if language == "en" or not self.key:
            return self.message
        words = {key: value.zh if isinstance(value, Term) else value for key, value in self.parameters.items()}
        return TEXTS[self.key].zh.format(**words)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def error(key: str, path: str, reason: Reason = "FieldValueInvalid", **parameters: object) -> FieldError:
    """A finding with the words of `key` from texts.py."""
    return FieldError(path, TEXTS[key].en.format(**parameters), reason, key, parameters)


@dataclass(frozen=True)
class Verdict:
    """Errors refuse the object; notices are said beside it (as warnings) and refuse nothing."""

    errors: list[FieldError] = field(default_factory=list[FieldError])
    notices: list[FieldError] = field(default_factory=list[FieldError])

    @property
    def warnings(self) -> list[str]:
        """Notices as the lines that Kubernetes' clients print."""
        return [str(notice) for notice in self.notices]

    @property
    def allowed(self) -> bool:
        return not self.errors

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict([*self.errors, *other.errors], [*self.notices, *other.notices])
