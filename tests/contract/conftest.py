"""Fixtures that the contract tests of several rooms share."""

from tests.fixtures.apiserver import apiserver

__all__ = ["apiserver"]
