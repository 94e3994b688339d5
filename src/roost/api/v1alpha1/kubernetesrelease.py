"""KubernetesRelease: a Kubernetes version that can be installed, from the bundles present. Written by roost."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from roost.api.model import Model, ObjectMeta
from roost.api.names import API_VERSION


class Component(Model):
    name: str = Field(max_length=63, description="Such as containerd, etcd or coredns.")
    version: str = Field(max_length=63, description="As its own project writes it.")


class TestResult(Model):
    story: str = Field(max_length=253, description="The end-to-end story that ran.")
    date: str = Field(max_length=32, description="Day of the run.")
    outcome: Literal["Passed", "Failed"] = Field(description="How it ended.")


class KubernetesReleaseSpec(Model):
    version: str = Field(max_length=16, description="Kubernetes version.")
    architectures: list[str] = Field(default_factory=list, description="Such as amd64 and arm64.")
    components: list[Component] = Field(default_factory=list, description="What is installed with it.")
    digest: str = Field(default="", max_length=80, description="Digest of the bundle's index.")
    tested: list[TestResult] = Field(default_factory=list, description="What was tested with it, in the last run.")


class KubernetesRelease(Model):
    """A version that can be installed."""

    api_version: Literal["cluster.alauda.io/v1alpha1"] = API_VERSION
    kind: Literal["KubernetesRelease"] = "KubernetesRelease"
    metadata: ObjectMeta
    spec: KubernetesReleaseSpec
