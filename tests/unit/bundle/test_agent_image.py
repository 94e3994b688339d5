"""The agent's image: what is in it, and that the same material gives the same bytes."""

from __future__ import annotations

import ast
from pathlib import Path

from roost.bundle import agentimage
from roost.bundle.layout import Layout
from tests.contract.bundle.fake_mirror import debian_package

FILES = {
    "./usr/bin/python3.11": b"python",
    "./usr/lib/python3.11/asyncio/base_events.py": b"x",
    "./usr/lib/python3.11/idlelib/idle.py": b"x",
    "./usr/lib/python3/dist-packages/cryptography/x509/base.py": b"x",
    "./usr/lib/python3/dist-packages/other/base.py": b"x",
    "./lib/x86_64-linux-gnu/libc.so.6": b"c",
    "./usr/share/man/x.1": b"x",
}


def test_holds_the_interpreter_and_what_it_loads() -> None:
    files = agentimage.files_of({"p": debian_package(FILES)})
    assert {
        "usr/bin/python3.11",
        "usr/lib/python3.11/asyncio/base_events.py",
        "usr/lib/python3/dist-packages/cryptography/x509/base.py",
        "usr/lib/x86_64-linux-gnu/libc.so.6",
        "usr/lib/roost/roost/tunnel/agent/__main__.py",
        "usr/lib/roost/websockets/client.py",
    } <= set(files)
    left_out = {
        "usr/lib/python3.11/idlelib/idle.py",
        "usr/lib/python3/dist-packages/other/base.py",
        "usr/share/man/x.1",
    }
    assert not left_out & set(files)
    assert not any("/gateway/" in path or "/cli/" in path for path in files)


def test_holds_every_module_of_roost_that_the_agent_imports() -> None:
    own = {path for path in agentimage.own_files() if path.startswith("usr/lib/roost/roost/")}
    for path in own:
        source = agentimage.own_files()[path].decode()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("roost"):
                base = "usr/lib/roost/" + node.module.replace(".", "/")
                for name in node.names:
                    found = {f"{base}.py", f"{base}/__init__.py", f"{base}/{name.name}.py"}
                    assert found & own, f"{path} imports {node.module}.{name.name}"


def test_the_same_material_gives_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        (tmp_path / name / "blobs/sha256").mkdir(parents=True)
        layout = Layout(tmp_path / name)
        made.append(agentimage.write(layout, ("amd64",), fetch=lambda _: debian_package(FILES)).digest)
    assert made[0] == made[1]
    assert agentimage.name().startswith("cluster.alauda.io/roost/agent:0.1.0-")
