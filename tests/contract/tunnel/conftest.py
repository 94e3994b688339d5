import pytest

from tests.fixtures.apiserver import apiserver

__all__ = ["apiserver"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
