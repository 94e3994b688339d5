"""YAML files of people: cut into documents, each with the line where it begins. No I/O.

Read the way the API server does: plain scalars as kubectl turns them into JSON, so a date stays text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import yaml


@dataclass(frozen=True)
class Document:
    """One document of a file."""

    body: Any
    """What YAML gives; a mapping when it is an object."""
    line: int


class Unreadable(Exception):
    """Why a text is no YAML, and where."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


class _Loader(yaml.SafeLoader):
    """SafeLoader without dates, and with a key that stands twice refused (the second would win silently)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if isinstance(key_node, yaml.ScalarNode) and key in seen and key != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the field {key} stands here twice; keep one of them", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, expression) for tag, expression in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def split(text: str) -> list[Document]:
    """The documents of a text; empty ones are left out. Raises Unreadable."""
    # The stubs leave the loader's own methods untyped.
    loader = cast("Any", _Loader(text))
    documents: list[Document] = []
    try:
        while loader.check_node():
            node = loader.get_node()
            line = int(node.start_mark.line) + 1
            body = loader.construct_document(node)
            if body is not None:
                documents.append(Document(body, line))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(mark.line + 1 if mark else 1, _words(error)) from error
    except yaml.YAMLError as error:
        raise Unreadable(1, str(error).splitlines()[0]) from error
    finally:
        loader.dispose()
    return [item for document in documents for item in _unfolded(document)]


def load(text: str) -> list[dict[str, Any]]:
    """The objects of a text, without their lines. Raises Unreadable, also for a document that is no mapping."""
    objects: list[dict[str, Any]] = []
    for document in split(text):
        if not isinstance(document.body, dict):
            raise Unreadable(document.line, "this is not an object with fields")
        objects.append(cast("dict[str, Any]", document.body))
    return objects


def _unfolded(document: Document) -> list[Document]:
    """A `kind: List` is its items."""
    body = document.body
    if isinstance(body, dict):
        fields = cast("dict[str, Any]", body)
        if fields.get("kind") == "List" and isinstance(fields.get("items"), list):
            return [Document(item, document.line) for item in cast("list[Any]", fields["items"])]
    return [document]


def _words(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    words = ", ".join(parts) or "unreadable"
    if "found character '\\t'" in words:
        words += "; indent with blanks, not with tabs"
    return words
