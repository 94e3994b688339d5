"""Sessions, tokens, throttling: pure decisions."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from roost.gateway import records, sessions
from roost.gateway.records import User
from roost.gateway.throttle import FREE, MOST_SECONDS, Throttle

NOW = 1_000_000.0


def secret_of(bearer: str) -> str:
    parsed = records.parse_bearer(bearer)
    assert parsed is not None
    return parsed[2]


class TestSessions:
    def test_an_access_token_lives_an_hour(self) -> None:
        session, pair = sessions.begin("alice", now=NOW)
        secret = secret_of(pair.access.reveal())
        assert sessions.admits(session, secret, now=NOW + 3599)
        assert not sessions.admits(session, secret, now=NOW + 3600)
        assert not sessions.admits(session, "other", now=NOW)

    def test_no_secret_is_kept(self) -> None:
        session, pair = sessions.begin("alice", now=NOW)
        kept = (
            json.dumps(records.encode(session)) + base64.b64decode(records.encode(session)["data"]["record"]).decode()
        )
        assert secret_of(pair.access.reveal()) not in kept
        assert secret_of(pair.refresh.reveal()) not in kept

    def test_a_refresh_token_is_good_once(self) -> None:
        session, pair = sessions.begin("alice", now=NOW)
        first = secret_of(pair.refresh.reveal())
        renewed = sessions.refresh(session, first, now=NOW + 3000)
        assert renewed.session is not None and renewed.pair is not None
        assert not sessions.admits(renewed.session, secret_of(pair.access.reveal()), now=NOW + 3001)
        # A retry within some seconds is one program's, later it is somebody else's.
        assert sessions.refresh(renewed.session, first, now=NOW + 3010).pair is not None
        stolen = sessions.refresh(renewed.session, first, now=NOW + 3600)
        assert stolen.session is None and stolen.pair is None

    def test_a_session_ends_after_its_last_hour_however_often_it_is_refreshed(self) -> None:
        session, pair = sessions.begin("alice", now=NOW)
        at = NOW
        while at < NOW + sessions.SESSION_SECONDS - 1800:
            at += 1800
            renewed = sessions.refresh(session, secret_of(pair.refresh.reveal()), now=at)
            assert renewed.session is not None and renewed.pair is not None
            session, pair = renewed.session, renewed.pair
        assert pair.expires <= NOW + sessions.SESSION_SECONDS
        assert not sessions.is_live(session, now=NOW + sessions.SESSION_SECONDS)
        with pytest.raises(ValueError, match="token"):
            sessions.refresh(session, secret_of(pair.refresh.reveal()), now=NOW + sessions.SESSION_SECONDS + 1)

    def test_a_token_of_no_session_is_an_error_and_ends_nothing(self) -> None:
        session, _ = sessions.begin("alice", now=NOW)
        with pytest.raises(ValueError, match="not a token"):
            sessions.refresh(session, "guess", now=NOW)

    @pytest.mark.parametrize("days", [0, -1, 366])
    def test_a_service_token_lives_at_most_a_year(self, days: int) -> None:
        with pytest.raises(ValueError, match="days"):
            sessions.service_token("ci", "alice", now=NOW, days=days, created_by="alice")


class TestRecords:
    def test_they_come_back_as_they_were(self) -> None:
        user = User("alice", display_name="Алиса 爱丽丝", groups=("a", "b"), password="$argon2id$x", created=1.5)
        assert records.decode(records.encode(user)) == user

    def test_a_secret_can_speak_for_itself_alone(self) -> None:
        forged = records.encode(User("admin", groups=("administrators",)))
        forged["metadata"]["name"] = "roost-user-mallory"
        assert records.decode(forged) is None

    @pytest.mark.parametrize("change", [{"type": "Opaque"}, {"data": {}}, {"data": {"record": "!!"}}])
    def test_damaged_ones_are_nobody(self, change: dict[str, object]) -> None:
        assert records.decode({**records.encode(User("a")), **change}) is None

    @pytest.mark.parametrize(
        "text", ["", "roa", "roa_x_y", "abc_0123456789abcdef0123_x", "roa_0123456789abcdef01234_x"]
    )
    def test_other_texts_are_no_tokens(self, text: str) -> None:
        assert records.parse_bearer(text) is None

    def test_the_secret_may_hold_underscores(self) -> None:
        key = records.new_id()
        assert records.parse_bearer(f"roa_{key}_a_b_c") == ("roa", key, "a_b_c")

    def test_an_empty_digest_fits_nothing(self) -> None:
        assert not records.same("", "")
        user = replace(User("a"), password="")
        assert user.password == ""


class TestThrottle:
    def test_five_failures_are_free_then_each_waits_longer(self) -> None:
        throttle, at, waits = Throttle(), NOW, list[float]()
        for _ in range(FREE + 12):
            throttle.failed("alice", now=at)
            waits.append(throttle.wait("alice", now=at))
            at += waits[-1]
        assert waits[:FREE] == [0.0] * FREE
        assert waits[FREE:] == sorted(waits[FREE:])
        assert waits[-1] == MOST_SECONDS

    def test_others_are_not_held_up_and_a_success_forgets(self) -> None:
        throttle = Throttle()
        for _ in range(9):
            throttle.failed("alice", now=NOW)
        assert throttle.wait("bob", now=NOW) == 0
        assert throttle.wait("bob", "alice", now=NOW) > 0
        throttle.succeeded("alice")
        assert throttle.wait("alice", now=NOW) == 0

    def test_memory_is_bounded(self) -> None:
        throttle = Throttle()
        for number in range(30_000):
            throttle.failed(str(number), now=NOW)
        assert len(throttle._known) == 20_000  # pyright: ignore[reportPrivateUsage]
