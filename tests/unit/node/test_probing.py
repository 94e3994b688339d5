"""What a machine reaches, asked through the helper: sent once, its answers read, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from engine_made import CLUSTER, TARGET, Blobs, sha

from roost.api.errors import RetryLater
from roost.node.probing import Answer, Question, ask, leave
from roost.ssh.fake import FakeMachine

pytestmark = pytest.mark.anyio

CA = "-----BEGIN CERTIFICATE-----\n"
PROBE = b"""#!/bin/sh
[ "$1 $3 $5 $6" = 'http-check --ca --timeout 5s' ] && grep -q BEGIN "$4" || exit 9
case $2 in
*good*) echo '{"url":"'"$2"'","ok":true,"status":200}' ;;
*odd*) echo 'no JSON' ;;
*slow*) sleep 60 ;;
*) echo '{"url":"'"$2"'","ok":false,"problem":"CertificateUnknown","error":"something else answers"}'; exit 1 ;;
esac
"""
DIGEST = f"sha256:{sha(PROBE)}"


def questions(*hosts: str) -> dict[str, Question]:
    return {host: Question(f"https://{host}:7501/v2/", CA) for host in hosts}


async def test_every_question_has_its_answer(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    connection = await machine.connect(TARGET)
    answers = await ask(
        connection, questions("good", "bad", "odd"), cluster_id=CLUSTER, blobs=Blobs(PROBE), probe=DIGEST, keep=False
    )
    assert answers["good"] == Answer()
    assert answers["bad"] == Answer("CertificateUnknown", "something else answers")
    assert answers["odd"].problem == "Other" and "no JSON" in answers["odd"].evidence
    assert not (machine.root / "run/roost").exists(), "preflight leaves nothing behind"


async def test_the_helper_stays_for_the_act_that_follows_and_travels_once(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    connection = await machine.connect(TARGET)
    blobs = Blobs(PROBE)
    for _ in range(2):
        await ask(connection, questions("good"), cluster_id=CLUSTER, blobs=blobs, probe=DIGEST, keep=True)
    assert blobs.opened == [DIGEST]
    assert [path.name for path in (machine.root / "run/roost").iterdir()] == ["bin"]
    await leave(connection, CLUSTER)
    assert not (machine.root / "run/roost").exists()


@pytest.mark.parametrize("keep", [True, False])
async def test_a_question_that_is_given_up_leaves_nothing(tmp_path: Path, keep: bool) -> None:
    """As where a Cluster is deleted while its machines are looked at: the shell is ended by a signal."""
    machine = FakeMachine(tmp_path)
    connection = await machine.connect(TARGET)
    await ask(connection, questions("good"), cluster_id=CLUSTER, blobs=Blobs(PROBE), probe=DIGEST, keep=True)
    asking = asyncio.create_task(
        ask(connection, questions("slow"), cluster_id=CLUSTER, blobs=Blobs(PROBE), probe=DIGEST, keep=keep)
    )
    directory = machine.root / "run/roost"
    async with asyncio.timeout(10):
        while not list(directory.glob("ask-*/*.said")):
            await asyncio.sleep(0.01)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    assert [path.name for path in directory.glob("*")] == (["bin"] if keep else [])


async def test_a_helper_that_can_not_be_sent_is_looked_at_again(tmp_path: Path) -> None:
    connection = await FakeMachine(tmp_path).connect(TARGET)
    blobs = Blobs(b"damaged")
    blobs.blobs = {DIGEST: b"damaged"}
    with pytest.raises(RetryLater, match="have the sum"):
        await ask(connection, questions("good"), cluster_id=CLUSTER, blobs=blobs, probe=DIGEST, keep=False)
