"""KubernetesRelease: a Kubernetes version that can be installed, from the bundles present. Written by roost."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from roost.api.model import Model, ObjectMeta
from roost.api.names import API_VERSION


class Component(Model):
    """A program that is installed with a version of Kubernetes."""

    name: str = Field(max_length=63, description="Such as containerd, etcd or coredns.")
    version: str = Field(max_length=63, description="As its own project writes it.")


class TestResult(Model):
    """How an end-to-end story went with this version."""

    __test__: ClassVar[bool] = False

    story: str = Field(max_length=253, description="The end-to-end story that ran.")
    date: str = Field(max_length=32, description="Day of the run.")
    outcome: Literal["Passed", "Failed"] = Field(description="How it ended.")


class KubernetesReleaseSpec(Model):
    """A version and what is installed with it."""

    version: str = Field(min_length=1, max_length=16, description="Kubernetes version.")
    recommended: bool = Field(
        default=False,
        description="The newest version that is here, which a new cluster takes unless something speaks against it.",
    )
    architectures: list[Annotated[str, StringConstraints(max_length=32)]] = Field(
        default_factory=list, max_length=16, description="Such as amd64 and arm64."
    )
    components: list[Component] = Field(default_factory=list, max_length=64, description="What is installed with it.")
    digest: str = Field(default="", max_length=80, description="Digest of the bundle's index.")
    tested: list[TestResult] = Field(
        default_factory=list, max_length=256, description="What was tested with it, in the last run."
    )


class KubernetesRelease(Model):
    """A Kubernetes version that can be installed. Written by roost."""

    api_version: Literal["cluster.alauda.io/v1alpha1"] = Field(default=API_VERSION, description="Group and version.")
    kind: Literal["KubernetesRelease"] = Field(default="KubernetesRelease", description="The kind.")
    metadata: ObjectMeta = Field(description="Name, labels and annotations.")
    spec: KubernetesReleaseSpec = Field(description="What can be installed.")
