"""Questions that POSIX sh can't ask: is that really the server we mean, judged by a given CA.

Called by providers' preflight. The helper is sent where it is missing and the questions are put at once, all in one
round trip; nothing outside /run is written and, unless the caller goes on with an act, nothing is left there.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from roost.api.errors import RetryLater
from roost.node import scripts
from roost.node.protocol import ActLog
from roost.node.staging import Feed, Staging, pack
from roost.node.thing import BlobSource
from roost.ssh.connection import Command, Connection

_SECONDS: Final = 5
_TIMEOUT: Final = 120.0
"""Beside the questions' own time: the helper may travel over a slow line first."""


@dataclass(frozen=True)
class Question:
    """An HTTPS address that should answer 200, and the one CA that may vouch for it."""

    url: str
    ca_pem: str


@dataclass(frozen=True)
class Answer:
    """`problem` is one of roost-probe's words (helper/cause.go), empty when all is well."""

    problem: str = ""
    evidence: str = ""


async def ask(
    connection: Connection,
    questions: Mapping[str, Question],
    *,
    cluster_id: str,
    blobs: BlobSource,
    probe: str,
    keep: bool,
) -> dict[str, Answer]:
    """By the questions' names. `probe`: digest of roost-probe; with `keep` it stays for the act that follows."""
    named = list(questions.items())
    tar = pack({f"{number}.pem": question.ca_pem.encode() for number, (_, question) in enumerate(named)})
    staging = Staging(tar, keys=[probe])
    feed = Feed(staging, blobs)
    lines: list[str] = []
    log = ActLog(on_step=lambda _step: None, on_line=lines.append, on_want=feed.want, on_staged=feed.end)
    script = scripts.ask_script(
        cluster_id,
        token=secrets.token_hex(6),
        tar_size=len(tar),
        probe=probe.removeprefix("sha256:"),
        urls=[question.url for _, question in named],
        seconds=_SECONDS,
        keep=keep,
    )
    command = Command("ask what the machine reaches", script)
    result = await connection.run(command, payload=feed.stream(), on_line=log.feed, timeout=_TIMEOUT)
    answers = [_answer(line) for line in lines]
    if result.exit_status != 0 or len(answers) != len(named):
        target = connection.target
        said = "; ".join((result.stderr or result.stdout).strip().splitlines()[-3:])
        raise RetryLater(
            "ObserveFailed",
            f"{target.name} ({target.address}:{target.port}): the helper that tries connections broke off with exit "
            f"status {result.exit_status} ({said or 'it printed nothing'}); roost tries again",
        )
    return {name: answer for (name, _), answer in zip(named, answers, strict=True)}


async def leave(connection: Connection, cluster_id: str) -> None:
    """Takes away what `keep` left, where no act follows."""
    await connection.run(Command("tidy up after preflight", scripts.control_script(cluster_id, "tidy")), timeout=30)


def _answer(line: str) -> Answer:
    """From the helper's line of JSON; where it printed none, that is the problem."""
    try:
        said = cast("dict[str, Any]", json.loads(line))
    except ValueError:
        return Answer("Other", f"the helper printed {line[:200]!r}")
    return Answer() if said.get("ok") else Answer(str(said.get("problem")), str(said.get("error", "")))
