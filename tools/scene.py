"""A platform with something to look at, for pictures of the console: clusters of every kind, one in trouble.

Real as in tests: lab machines, API servers, an agent; all of it ends with the scene. Called by tools/screenshots.py.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
# A lab of its own beside that of the tests.
os.environ.setdefault("ROOST_LAB_NUMBER", "92")
sys.path[:0] = [str(ROOT), str(ROOT / "tests/e2e")]
VERSION: Final = "1.31.4"


@contextlib.contextmanager
def scene() -> Generator[Path]:
    """The data directory of the platform."""
    harness: Any = importlib.import_module("harness")
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="roost-pictures-")))
        story: Any = harness.Story(harness.Platform(work / "platform", harness.Bundles()), "pictures")
        stack.callback(story.end)
        machines = story.make_machines(3, prefix="rack")
        story.platform.start(VERSION)
        _created(story, machines)
        _attached(story, work, stack)
        # A Project takes in Clusters that are Available.
        for name in ("cluster/shop", "cluster/edge"):
            story.platform.kubectl("wait", name, "--for=condition=Available", "--timeout=900s", timeout=920)
        _around(story)
        yield story.platform.data_dir


def _created(story: Any, machines: list[Any]) -> None:
    """`shop` becomes Available; `billing` waits for a right password."""
    harness: Any = importlib.import_module("harness")
    story.platform.kubectl("create", "namespace", "team")
    text = harness.cluster_file(machines[:2], name="shop", version=VERSION)
    story.platform.kubectl("apply", "-f", "-", stdin=text)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"name": "billing-ssh"},
        "stringData": {"password": "not-this-one"},
    }
    last = machines[2]
    story.platform.kubectl(
        "apply",
        "-n",
        "team",
        "-f",
        "-",
        stdin=harness.as_file(
            secret,
            harness.machine_object(last, "billing", "ControlPlane", "billing-ssh"),
            harness.cluster_object("billing", VERSION, last.ipv4),
        ),
    )


def _attached(story: Any, work: Path, stack: ExitStack) -> None:
    """`archive` is imported, `edge` registered and connected, `harbour` waits for its agent."""
    from tests.console.agents import agent
    from tests.fixtures import apiserver

    imports: Any = importlib.import_module("test_import")
    server, url = stack.enter_context(imports.api_server(work / "archive"))
    token = work / "token"
    token.write_text(server.tokens["admin"])
    words = ["--server", url, "--ca", str(server.ca), "--tls-server-name", "localhost", "--token-file", str(token)]
    story.platform.roost("import", "archive", *words)
    (work / "edge").mkdir()
    other = apiserver._start("1.28.15", work / "edge", stack)  # pyright: ignore[reportPrivateUsage]
    manifest = story.platform.roost("register", "edge", "--display-name", "Edge, hall 3").stdout
    stack.enter_context(agent(other, work / "agent", manifest, apiserver.free_port()))
    story.platform.roost("register", "harbour", "--display-name", "Harbour")


def _around(story: Any) -> None:
    """A project, the public registry's credential, and a gate."""
    group = "cluster.alauda.io/v1alpha1"
    project = {
        "apiVersion": group,
        "kind": "Project",
        "metadata": {"name": "retail"},
        "spec": {
            "displayName": "Retail",
            "clusters": [{"namespace": "default", "name": "shop"}, {"namespace": "default", "name": "edge"}],
            "members": [
                {"user": "roost:user:li.wei", "role": "Admin"},
                {"group": "roost:group:support", "role": "Viewer"},
            ],
        },
    }
    file = json.dumps({"address": "registry.invalid", "user": "customer", "token": "of-no-use-anywhere"})
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": "public-registry-credential", "namespace": "roost-system"},
        "stringData": {"credential.json": file},
    }
    both = {"apiVersion": "v1", "kind": "List", "items": [project, secret]}
    story.platform.kubectl("apply", "-f", "-", stdin=json.dumps(both))
