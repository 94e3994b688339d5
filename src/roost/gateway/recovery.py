"""A lost password, replaced by whoever owns the platform's machine: past the gateway, straight in the platform's API.

Only the administrator's kubeconfig in the data directory may write these records; nobody has to be signed in. The
API server's own audit log has the change. Called by `roost user reset`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, cast

from roost.api.errors import RoostError
from roost.api.masked import Masked
from roost.api.names import SYSTEM_NAMESPACE
from roost.gateway import passwords, records
from roost.gateway.endpoints.services import FIRST_USER
from roost.gateway.records import Session, User

ADMINISTRATORS = "administrators"
_PATH = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/secrets"


class Api(Protocol):
    """The platform's API with its administrator's rights. Raises RoostError, with reason NotFound for what is not."""

    def get(self, path: str) -> dict[str, Any]: ...

    def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]: ...

    def replace(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]: ...

    def delete(self, path: str) -> None: ...


def reset(api: Api, name: str, password: Masked) -> int:
    """Gives a person this password, lets a disabled one in again, and ends the sessions; how many there were.

    The platform's first administrator is made anew where it was removed. Raises RoostError for a password that is too
    short, for a service and for somebody who is not there.
    """
    hashed = passwords.hash_now(password)
    path = f"{_PATH}/{records.secret_name('user', name)}"
    try:
        kept = api.get(path)
    except RoostError as error:
        if error.reason != "NotFound":
            raise
        if name != FIRST_USER:
            raise RoostError("NotFound", f"there is no user {name!r}") from error
        fresh = User(
            name, display_name="Administrator", groups=(ADMINISTRATORS,), password=hashed, created=time.time()
        )
        api.create(_PATH, records.encode(fresh))
        return 0
    user = records.decode(kept)
    if not isinstance(user, User):
        raise RoostError("NotFound", f"the Secret of the user {name!r} is damaged; delete it and try again")
    if user.service:
        raise RoostError("BodyInvalid", f"{name} is a service; it has tokens only")
    document = records.encode(replace(user, password=hashed, disabled=False))
    document["metadata"]["resourceVersion"] = kept["metadata"]["resourceVersion"]
    api.replace(path, document)
    return _end_sessions(api, name)


def _end_sessions(api: Api, name: str) -> int:
    ended = 0
    listed = api.get(f"{_PATH}?labelSelector={records.LABEL}%3Dsession")
    for item in cast("list[dict[str, Any]]", listed.get("items") or []):
        session = records.decode(item)
        if isinstance(session, Session) and session.user == name and not session.provider:
            api.delete(f"{_PATH}/{item['metadata']['name']}")
            ended += 1
    return ended
