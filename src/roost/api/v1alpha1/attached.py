"""Imported and Registered: the two ways a cluster that exists already comes to the platform. Part of Cluster."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from roost.api.model import Model, SecretReference


class Profile(StrEnum):
    """What roost and the people behind it may do in the cluster."""

    OBSERVE = "Observe"
    OPERATE = "Operate"
    ADMIN = "Admin"


class RegistrationApproval(StrEnum):
    AUTOMATIC = "Automatic"
    MANUAL = "Manual"


class Imported(Model):
    """A cluster whose API the platform reaches directly."""

    server: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = Field(
        default=None, description="URL of the API, such as https://10.0.0.1:6443; the kubeconfig's when not given."
    )
    ca: Annotated[str, StringConstraints(min_length=1, max_length=65536)] | None = Field(
        default=None, description="Certificates that vouch for the API server, as PEM text."
    )
    tls_server_name: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = Field(
        default=None,
        alias="tlsServerName",
        description="Name that the API server's certificate is checked for, when it is not the server's.",
    )
    credential: SecretReference = Field(
        description="Secret of type Opaque with `token`, or with `kubeconfig` that holds everything itself."
    )
    profile: Profile = Field(
        default=Profile.ADMIN,
        description="What roost does there: Observe reads, Operate works, Admin does all. Another one counts once a "
        "fresh credential is put into the Secret.",
    )
    allow_unsupported_version: bool = Field(
        default=False, description="Take a cluster whose Kubernetes version is outside of the supported range."
    )
    takeover: bool = Field(
        default=False, description="Take a cluster that another platform has marked as its own; it is told so."
    )


class Registered(Model):
    """A cluster whose agent dials out to the platform, which can't reach it."""

    approval: RegistrationApproval = Field(
        default=RegistrationApproval.AUTOMATIC,
        description="Manual: a cluster that registers is let in once accepted is true.",
    )
    accepted: bool | None = Field(default=None, description="Manual: whether the cluster is let in.")
    profile: Profile = Field(
        default=Profile.ADMIN,
        description="What roost does there: Observe reads, Operate works, Admin does all. Another one counts with "
        "the next manifest; the agent holds on to what the one that was applied says.",
    )
    expected_uid: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        default=None,
        alias="expectedUID",
        description="UID of the cluster's namespace kube-system; another cluster is refused.",
    )
