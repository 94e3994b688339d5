"""Finds the objects of an upstream manifest that roost patches, and says what is missing where its shape is new.

Called by each network plugin. Everything that is not patched stays as upstream wrote it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import yaml

from roost.api.errors import PermanentFailure

Document = dict[str, Any]


@dataclass
class Manifest:
    """The documents of one manifest, which `patch` changes in place."""

    plugin: str
    documents: list[Document]

    def patch(self, kind: str, name: str, change: Callable[[Document], None]) -> None:
        """Raises PermanentFailure ManifestUnknown where there is no such object, or it is of another shape."""
        for document in self.documents:
            if document.get("kind") == kind and document["metadata"]["name"] == name:
                try:
                    change(document)
                except (KeyError, IndexError, ValueError, TypeError, StopIteration) as error:
                    raise self.unknown(f"{kind} {name} is not as expected ({error!r})") from error
                return
        raise self.unknown(f"there is no {kind} {name}")

    def unknown(self, cause: str) -> PermanentFailure:
        return PermanentFailure(
            "ManifestUnknown",
            f"{self.plugin}'s manifest in the release bundle can't be used: {cause}; create the bundle again",
        )


def load(plugin: str, text: bytes) -> Manifest:
    loaded = [cast("Document", item) for item in yaml.safe_load_all(text) if isinstance(item, dict)]
    return Manifest(plugin, copy.deepcopy(loaded))


def container(workload: Document, name: str) -> Document:
    """One container of a DaemonSet or Deployment. Raises StopIteration when there is none of that name."""
    containers = cast("list[Document]", workload["spec"]["template"]["spec"]["containers"])
    return next(item for item in containers if item["name"] == name)


def set_environment(of: Document, values: dict[str, str]) -> None:
    """Replaces variables where they stand and adds the others at the end."""
    given = cast("list[Document]", of.get("env") or [])
    left = dict(values)
    env: list[Document] = []
    for item in given:
        value = left.pop(str(item["name"]), None)
        env.append(item if value is None else {"name": item["name"], "value": value})
    of["env"] = [*env, *({"name": name, "value": value} for name, value in left.items())]


def set_arguments(of: Document, values: dict[str, str]) -> None:
    """Sets `--NAME=VALUE` among a container's arguments, where they stand or at the end."""
    left = dict(values)
    arguments: list[str] = []
    for argument in cast("list[str]", of["args"]):
        name = argument.removeprefix("--").partition("=")[0]
        value = left.pop(name, None) if argument.startswith("--") else None
        arguments.append(argument if value is None else f"--{name}={value}")
    of["args"] = [*arguments, *(f"--{name}={value}" for name, value in left.items())]
