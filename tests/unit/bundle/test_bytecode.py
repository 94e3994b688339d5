"""Bytecode in an image: what its Python loads in place of the sources."""

from __future__ import annotations

import importlib.util
import marshal

import pytest

from roost.bundle import agentimage, bytecode
from tests.contract.bundle.fake_mirror import debian_package

pytestmark = pytest.mark.skipif(not bytecode.is_possible(), reason="the image's Python reads other bytecode")


def test_each_module_has_bytecode_that_is_loaded_without_looking_at_its_source() -> None:
    files = agentimage.files_of({"p": debian_package({"./usr/lib/python3.11/json.py": b"X = {'a', 'b'}"})})
    own = files["usr/lib/roost/roost/tunnel/agent/__pycache__/agent.cpython-311.pyc"].content
    library = files["usr/lib/python3.11/__pycache__/json.cpython-311.pyc"].content
    for made in (own, library):
        assert made is not None and made[:4] == importlib.util.MAGIC_NUMBER
        assert made[4:8] == b"\x01\0\0\0", "bytecode that the interpreter would compare with its source"
    assert library is not None
    assert marshal.loads(library[16:]).co_filename == "/usr/lib/python3.11/json.py"


def test_the_same_sources_give_the_same_bytes_and_broken_ones_none() -> None:
    sources = {"usr/a.py": b"def f(x):\n    return x in {'one', 'two', 'three'}\n", "usr/b.py": b"def"}
    assert bytecode.compiled(sources) == bytecode.compiled(sources)
    assert set(bytecode.compiled(sources)) == {"usr/__pycache__/a.cpython-311.pyc"}
