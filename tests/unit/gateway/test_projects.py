"""Who belongs to a Project, and what that gives on the platform."""

from __future__ import annotations

from typing import Any

import pytest

from roost.api.exchange import Identity
from roost.gateway.projects import is_member, manifests

PROJECT: dict[str, Any] = {
    "metadata": {"name": "shop"},
    "spec": {
        "members": [{"user": "li", "role": "Admin"}, {"group": "web", "role": "Viewer"}],
        "clusters": [{"namespace": "team", "name": "a"}, {"namespace": "team", "name": "b"}],
    },
}


@pytest.mark.parametrize(
    ("user", "groups", "expected"),
    [
        ("roost:user:li", (), True),
        ("roost:user:wu", ("roost:group:web",), True),
        ("roost:user:wu", ("roost:group:other",), False),
        # A user who is called like a group is not in it, and the other way round.
        ("roost:user:web", (), False),
        ("roost:user:wu", ("roost:group:li",), False),
        ("li", (), False),
    ],
)
def test_members_are_named_by_themselves_or_by_a_group(user: str, groups: tuple[str, ...], expected: bool) -> None:
    assert is_member(PROJECT, Identity(user, groups=groups)) is expected
    assert not is_member({"metadata": {"name": "empty"}}, Identity(user, groups=groups))


def test_a_member_sees_the_clusters_of_the_project_and_no_others() -> None:
    roles = {one["metadata"]["name"]: one for one in manifests(PROJECT) if one["kind"] == "Role"}
    viewer, proxy = roles["roost:project:shop:viewer"]["rules"]
    assert viewer["resourceNames"] == proxy["resourceNames"] == ["a", "b"]
    assert viewer["verbs"] == ["get", "list", "watch"]
    assert proxy["verbs"] == ["view-project"]
    assert roles["roost:project:shop:admin"]["rules"][0]["verbs"] == ["get", "list", "watch", "update", "patch"]
