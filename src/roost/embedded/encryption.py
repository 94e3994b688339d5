"""Encryption at rest, from etcd's first start: Secrets and roost's own kinds.

secretbox, since its random nonces need no rotation after a number of writes. The key is part of the
directory's backup and is printed nowhere. Called by start.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any, cast

from roost.api.errors import PermanentFailure
from roost.api.masked import Masked
from roost.api.names import GROUP
from roost.api.registry import KINDS
from roost.embedded.files import write_if_changed
from roost.embedded.layout import Layout


def resources() -> list[str]:
    """What is encrypted, as an EncryptionConfiguration names it."""
    return ["secrets", *(f"{kind.plural}.{GROUP}" for kind in KINDS)]


def configuration(key: Masked) -> str:
    """An EncryptionConfiguration as JSON. `identity` reads what a kind's first release stored in the clear."""
    return json.dumps(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [
                {
                    "resources": resources(),
                    "providers": [
                        {"secretbox": {"keys": [{"name": "key1", "secret": key.reveal()}]}},
                        {"identity": {}},
                    ],
                }
            ],
        },
        indent=2,
    )


def is_current(layout: Layout) -> bool:
    """The kept configuration covers every kind of this roost."""
    document = json.loads(layout.encryption.read_text())
    return document["resources"][0]["resources"] == resources()


def ensure(layout: Layout) -> None:
    """Writes the configuration with the kept key, or with a new one at the first start."""
    path = layout.encryption
    if path.exists():
        key = _key(json.loads(path.read_text()))
    elif (layout.etcd / "member").exists():
        raise PermanentFailure(
            "EncryptionKeyMissing",
            f"{path} is missing and etcd's data is encrypted with its key; restore it from a backup of the directory",
        )
    else:
        key = Masked(base64.b64encode(os.urandom(32)).decode())
    write_if_changed(path, configuration(key))


def _key(document: dict[str, Any]) -> Masked:
    providers = cast("list[dict[str, Any]]", document["resources"][0]["providers"])
    return Masked(str(providers[0]["secretbox"]["keys"][0]["secret"]))
