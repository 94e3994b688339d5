"""The sentences that the code says in messages, read from its source: what src/roost/api/i18n/sentences translates.

A sentence is a string or f-string with words in it; what an f-string puts in becomes a placeholder that is
named after the expression. `python tools/sentences.py` prints those without Chinese words, and entries that
the code no longer says; tests/contract/repo/test_sentences.py holds both to none.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, cast

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from roost.api import validation  # noqa: E402
from roost.api.registry import KINDS  # noqa: E402
from roost.api.sentences import catalogue  # noqa: E402
from roost.api.translations import texts, translation  # noqa: E402
from roost.api.validation.terms import Term  # noqa: E402
from roost.api.validation.texts import TEXTS  # noqa: E402

SOURCE: Final = ROOT / "src/roost"
ROOMS: Final = {
    "ssh": ("ssh",),
    "node": ("node",),
    "kube": ("kube",),
    "preflight": ("providers/onprem/preflight",),
    "onprem": ("providers/onprem",),
    "imported": ("providers/imported",),
    "registered": ("providers/registered",),
    "controllers": ("controllers",),
    "bundle": tuple(
        f"bundle/{name}.py"
        for name in ("artifact", "credential", "external", "layout", "look", "model", "push", "remote", "store")
    ),
    "tunnel": tuple(f"tunnel/{name}.py" for name in ("proof", "server", "session", "upstream")),
}
"""File of the catalogue to the files whose sentences it holds; a sentence stands in the first that says it."""

LEFT_OUT: Final = {
    "api": "judgements carry both languages themselves (api/validation/texts*.py), and in_language knows them too",
    "wire": "errors of a protocol, told inside of other sentences as evidence",
    "gateway": "answers to single requests, no conditions",
    "admission": "passes on what api judges",
    "embedded": "errors of `roost up` in a terminal, no conditions",
    "cli": "errors of commands in a terminal, no conditions",
    "bundle": "making and carrying bundles: errors of `roost bundle` in a terminal; the rest is in ROOMS",
    "tunnel": "errors of the protocol, and the agent's log and answers to single requests; the rest is in ROOMS",
    "main.py": "errors in a terminal",
}
"""Rooms, or parts of them, whose sentences stay English, and why; docs/adr/0007 names them too."""

_FILES_LEFT_OUT: Final = {
    "ssh/fake.py",  # The fake of the tests.
    "node/quote.py",  # Mistakes of roost's own.
    "node/scripts.py",  # Shell.
    "providers/onprem/vip/render.py",  # Files of haproxy and keepalived.
    "providers/onprem/phases/registry.py",  # Files of containerd.
    "controllers/runtime/queue.py",  # Mistakes of roost's own.
    "controllers/runtime/status.py",
    "controllers/metrics.py",  # Help of metrics.
}
_NO_MESSAGE: Final = frozenset(
    {
        # Of strings, types and patterns.
        *("split", "rsplit", "partition", "rpartition", "replace", "removeprefix", "removesuffix", "startswith"),
        *("endswith", "count", "strftime", "strip", "find", "index", "cast", "compile", "TypeVar", "Literal"),
        *("fullmatch", "match", "search", "frozenset", "KeyError", "write_text"),
        # Mistakes of roost's own, logs, names of acts and tasks, shell.
        *("AssertionError", "TypeError", "RuntimeError", "ProtocolError", "debug", "add", "create_task", "frame"),
        *("launch_script", "undo_launch_script", "Produced"),
        # What has both languages itself.
        "Way",
    }
)
"""Functions that are given no messages."""
_LOGS: Final = re.compile(r"(_log|_LOG|logger\(\)|owner\.log|self\.log)(\.(info|warning|error|exception|debug))?$")
_SHELL: Final = re.compile(
    r"""\$\(|\$[A-Za-z@?]|"\$|&&|\|\||/dev/null|\|\ grep|\ &$|;\ then\ field\ |='?\{word\}
    |^-|^"|^\#\ |^\S+\ =\ |^(exec|field\ state)\ |\\n|\n.*\n|\}\n$|=%
    |^\s*[A-Z][\w-]+:\ (\S+|Basic\ .*|Bearer\ .*)\r?$
    |^\s*(echo|exec|systemctl|cat|test|if|mkdir|rm|ls|cp|explain|printf|kubeadm|ask|ask_begin|hold|call|step|together
    |start|data|docker|kill|resolve|reach|etcdctl|kubectl\ --kubeconfig)\ [{"-]""",
    re.VERBOSE,
)
"""Shell, headers and lines of files."""
_OTHER: Final = frozenset(
    {
        # Arguments of kubeadm.
        *("certs all", "kubeconfig all", "etcd local", "control-plane all", "upload-config all"),
        *("kubelet-finalize all", "control-plane-prepare certs", "control-plane-prepare kubeconfig"),
        "control-plane-join etcd",
        # What is looked for in the words of others.
        *("digital signature", "key encipherment", "server auth", "cni plugin not initialized"),
        *("cni config uninitialized", "unknown flag:", "unknown shorthand flag:", "invalid argument"),
        *("bad flag syntax:", "Open Cluster Management", "Red Hat Enterprise Linux", "CentOS Stream", "Rocky Linux"),
        *("Kylin Linux Advanced Server", "SUSE Linux Enterprise Server"),
        # Keys and values of files and requests.
        *("Bearer {reveal}", "Basic {encoded}", "Bearer {token}", "roost.tunnel.v1 hello"),
        "{status} to HEAD {path}",
        # Names of what a reconcile does, in its log.
        *("init {name}", "prepare {name}", "join {name}", "token {name}"),
        "kubectl create clusterrolebinding roost-import --clusterrole=cluster-admin --user={user}",
        "kubectl --namespace {namespace} create secret generic {secret}",
        "What the platform may do here. Only people of this cluster can change it: nothing that comes through the "
        "tunnel may write to this namespace.",
        "made by kubeadm's phase bootstrap-token, deleted right after it",
        "roost: join of machine {machine}",
        "an act that fetches from a registry needs the digest of roost-probe",
        "nothing was given that could read {key}",
        *("apt-get install", "dnf install", "zypper install", "every machine", "systemctl daemon-reload"),
        "an identity has a user, and no name of its begins with system:",
        *("{kind} {name} needs a namespace", "check {kind}", "check {name}"),
        *("control planes", "load balancer", "external access"),
    }
)
"""Strings with words that are no messages."""


@dataclass(frozen=True)
class Said:
    """One sentence and where the code says it."""

    template: str
    file: str
    line: int


Part = str | tuple[str]
"""Literal text, or a placeholder: a tuple of its name."""


def said(under: str) -> list[Said]:
    """The sentences of a file or of all files below a directory of src/roost."""
    base = SOURCE / under
    found: list[Said] = []
    for path in [base] if base.suffix else sorted(base.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name not in _FILES_LEFT_OUT:
            tree = ast.parse(path.read_text("utf-8"))
            found += [Said(template, name, line) for line, template in sentences_in(tree)]
    for path in sorted(base.rglob("*.sh")):
        lines = enumerate(path.read_text("utf-8").splitlines(), 1)
        steps = ((number, re.search(r"\bsay step .* '([^']+)'$", line)) for number, line in lines)
        found += [Said(step[1], path.relative_to(SOURCE).as_posix(), number) for number, step in steps if step]
    return found


def by_room() -> dict[str, dict[str, Said]]:
    """File of the catalogue to its sentences, in the order of the source; shapes that differ in names only once."""
    found: dict[str, dict[str, Said]] = {}
    seen: set[str] = set()
    for room, places in ROOMS.items():
        found[room] = {}
        for sentence in (one for place in places for one in said(place)):
            if shape(sentence.template) not in seen:
                seen.add(shape(sentence.template))
                found[room][sentence.template] = sentence
    return found


def rules() -> dict[str, str]:
    """What the rules of api/validation say and put into their texts, English to Chinese: generated as rules.json."""
    marks = {
        english: translation(key) or english
        for key, english in texts([kind.model for kind in KINDS]).items()
        if key.startswith(("frozen.", "says."))
    }
    terms = {term.en: term.zh.strip() for term in _terms() if " " in term.en}
    found = {**terms, **marks, **{text.en: text.zh for text in TEXTS.values()}}
    return {_single(en): _single(zh) for en, zh in found.items() if re.search("[A-Za-z]", shape(en))}


def _single(text: str) -> str:
    """Without the doubled braces of str.format."""
    return text.replace("{{", "{").replace("}}", "}")


def _terms() -> Iterator[Term]:
    for module in pkgutil.iter_modules(validation.__path__, "roost.api.validation."):
        for value in vars(importlib.import_module(module.name)).values():
            inner = cast("dict[object, object]", value).values() if isinstance(value, dict) else (value,)
            yield from (one for one in inner if isinstance(one, Term))


def shape(template: str) -> str:
    """A template without the names of its placeholders."""
    return re.sub(r"\{\w+\}", "{}", template)


def sentences_in(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        if _LOGS.search(called) or called.split(".")[-1] in _NO_MESSAGE:
            yield from sentences_in(node.func)
            return
    if _is_text(node):
        for parts in _alternatives(node):
            template = _written(parts).strip("\n")
            if _is_sentence(template):
                yield getattr(node, "lineno", 0), template
        for inner in ast.walk(node):
            if isinstance(inner, ast.FormattedValue) and not isinstance(inner.value, ast.IfExp):
                yield from sentences_in(inner.value)
        return
    for child in _children(node):
        yield from sentences_in(child)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What may hold messages: no docstrings, comparisons, patterns and annotations."""
    if isinstance(node, ast.Compare) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return
    if isinstance(node, ast.AnnAssign):
        yield from [node.value] if node.value else []
    elif isinstance(node, ast.match_case):
        yield from node.body
    else:
        yield from ast.iter_child_nodes(node)


def _is_text(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _alternatives(node: ast.AST) -> list[list[Part]]:
    """All that an expression can say; a choice between texts gives one for each."""
    if isinstance(node, ast.Constant):
        return [[node.value]] if isinstance(node.value, str) else [[("value",)]]
    if isinstance(node, ast.JoinedStr):
        pieces = [_alternatives(value) for value in node.values]
        return [[part for piece in choice for part in piece] for choice in product(*pieces)]
    if isinstance(node, ast.FormattedValue):
        return _alternatives(node.value)
    if isinstance(node, ast.BinOp) and _is_text(node):
        return [[*left, *right] for left in _alternatives(node.left) for right in _alternatives(node.right)]
    if isinstance(node, ast.IfExp) and (_is_text(node.body) or _is_text(node.orelse)):
        return _alternatives(node.body) + _alternatives(node.orelse)
    return [[(_name(node).strip("_").lower() or "value",)]]


def _name(node: ast.AST) -> str:
    """The word that names an expression best."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(key))) if key.isidentifier():
            return key
        case ast.Subscript(value=inner) | ast.BinOp(left=inner) | ast.IfExp(body=inner) | ast.Await(value=inner):
            return _name(inner)
        case ast.GeneratorExp(elt=inner) | ast.ListComp(elt=inner):
            return _name(inner)
        case ast.BoolOp(values=[inner, *_]):
            return _name(inner)
        case ast.Call(func=ast.Attribute(attr="join"), args=[inner, *_]):
            return _name(inner)
        case ast.Call(func=ast.Attribute(value=inner, attr="strip" | "rstrip" | "lower")):
            return _name(inner)
        case ast.Call(func=ast.Name(id="len" | "str" | "sorted" | "round" | "int" | "abs" | "map"), args=[*_, inner]):
            return _name(inner)
        case ast.Call(func=inner):
            return _name(inner)
        case _:
            return "value"


def _written(parts: list[Part]) -> str:
    """`{name}` for each placeholder, numbered from the second of a name on."""
    seen: Counter[str] = Counter()
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        seen[part[0]] += 1
        text += "{" + part[0] + (str(seen[part[0]]) if seen[part[0]] > 1 else "") + "}"
    return text


def _is_sentence(template: str) -> bool:
    literal = re.sub(r"\{\w+\}", "\0", template)
    words = re.findall(r"(?<![\w/.$-])[A-Za-z][a-z']+(?![\w/=-])", literal)
    return bool(words) and " " in literal.strip() and template not in _OTHER and not _SHELL.search(template)


def missing() -> list[str]:
    """Where a sentence has no Chinese words."""
    known = {shape(template) for template in catalogue()}
    return [
        f"{room}.json: {one.file}:{one.line}: {one.template!r}"
        for room, sentences in by_room().items()
        for one in sentences.values()
        if shape(one.template) not in known
    ]


def stale() -> list[str]:
    """Entries of the catalogue that the code no longer says."""
    told = {shape(template) for sentences in by_room().values() for template in sentences}
    told |= {shape(template) for template in rules()}
    return [template for template in catalogue() if shape(template) not in told]


def main() -> None:
    for one in missing():
        print(f"no Chinese words in {one}")
    for template in stale():
        print(f"nothing in the code says {template!r}")


if __name__ == "__main__":
    main()
