"""What is believed of an identity provider's token, and whom it stands for."""

from __future__ import annotations

from typing import Any

import pytest

from roost.gateway import oidc
from roost.gateway.records import Provider
from roost.gateway.refusal import Refusal

PROVIDER = Provider("corp", "https://id.example", "roost")
NOW = 1_000_000.0
GOOD = {
    "iss": "https://id.example",
    "sub": "1234",
    "aud": "roost",
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": "n",
    "name": "Alice",
    "groups": ["admins", "system:masters", 7, "a\nb"],
}


def checked(**changes: Any) -> None:
    claims = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    oidc.check(claims, PROVIDER, issuer=PROVIDER.issuer, nonce="n", now=NOW)


def test_a_good_token_passes() -> None:
    checked()
    checked(aud=["roost"])
    checked(aud=["roost", "other"], azp="roost")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"aud": ["roost", "other"]},
        {"aud": ["roost", "other"], "azp": "other"},
        {"aud": None},
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": "never"},
        {"iat": NOW + 61},
        {"iat": None},
        {"nonce": "other"},
        {"nonce": None},
    ],
)
def test_other_tokens_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        checked(**changes)
    assert refused.value.code == 401


def test_names_carry_the_provider_so_they_collide_with_nobody() -> None:
    found = oidc.person(GOOD, PROVIDER)
    assert found.user == "corp:1234"
    assert found.groups == ("corp:admins", "corp:system:masters")
    assert oidc.person({**GOOD, "sub": "../admin\n"}, PROVIDER).user.startswith("corp:")
    assert "/" not in oidc.person({**GOOD, "sub": "../admin"}, PROVIDER).user
    assert oidc.person({"sub": "1", "email": "a@b"}, PROVIDER).display_name == "1"
    assert oidc.person({"sub": "1", "email": "a@b", "email_verified": True}, PROVIDER).display_name == "a@b"


@pytest.mark.parametrize(
    "issuer",
    ["http://id.example", "ftp://id.example", "https://", "https://a@id.example", "https://id/?x=1", "file:///x"],
)
def test_an_issuer_is_https(issuer: str) -> None:
    with pytest.raises(Refusal):
        oidc.check_issuer(issuer)


def test_no_algorithm_takes_a_shared_or_no_key() -> None:
    assert not any(name.startswith("HS") or name == "none" for name in oidc.ALGORITHMS)
