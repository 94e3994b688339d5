"""A cluster reached through the gateway, as somebody who signed in with `roost login`."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import time
from pathlib import Path

from harness import ROOST, Managed, Platform, eventually, run


class SignedIn:
    """One person: a home of their own, signed in at a platform."""

    def __init__(self, platform: Platform, home: Path) -> None:
        self.platform = platform
        self.home = home
        self.environment = {
            "ROOST_DATA_DIR": str(platform.data_dir),
            "XDG_CONFIG_HOME": str(home),
            "ROOST_LANG": "en",
            # The kubeconfig calls `roost`.
            "PATH": f"{Path(ROOST).parent}:{os.environ['PATH']}",
        }

    def roost(self, *words: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run(ROOST, *words, stdin=stdin, check=check, env=self.environment)

    def login(self, user: str, password: str, *, server: str = "") -> None:
        where = ["--server", server] if server else []
        self.roost("login", "--user", user, *where, stdin=password + "\n")

    def kubeconfig(self, name: str) -> Path:
        path = self.home / f"{name}.kubeconfig"
        self.roost("kubeconfig", name, "-f", str(path))
        return path


class Through(Managed):
    """The same cluster, by the kubeconfig that leads through the gateway and a kubectl of one's choice."""

    def __init__(self, person: SignedIn, name: str, program: Path) -> None:
        super().__init__(person.platform, name)
        self.person = person
        self.program = program
        self.kubeconfig = person.home / f"{name}.kubeconfig"
        if not self.kubeconfig.exists():
            self.kubeconfig = person.kubeconfig(name)

    def kubectl(
        self,
        *args: str,
        check: bool = True,
        timeout: float = 120,
        stdin: str | None = None,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        return run(
            str(self.program),
            "--kubeconfig",
            str(self.kubeconfig),
            *args,
            check=check,
            timeout=timeout,
            stdin=stdin,
            env=self.person.environment | environment,
        )

    def spawn(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.program), "--kubeconfig", str(self.kubeconfig), *args],
            env={**os.environ, **self.person.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


def copies_both_ways(cluster: Through, pod: str, file: Path, *, timeout: float = 120) -> None:
    """`kubectl cp` to the pod and back; the digests are the file's, in the pod too."""
    wanted = digest(file)
    back = file.with_suffix(".back")
    cluster.kubectl("cp", str(file), f"{pod}:/tmp/copied", "--retries=3", timeout=timeout)
    inside = cluster.kubectl("exec", pod, "--", "sha256sum", "/tmp/copied", timeout=timeout).stdout.split()[0]
    assert inside == wanted
    cluster.kubectl("cp", f"{pod}:/tmp/copied", str(back), "--retries=3", timeout=timeout)
    assert digest(back) == wanted
    back.unlink()
    cluster.kubectl("exec", pod, "--", "rm", "/tmp/copied")


def forwards(cluster: Through, pod: str, count: int) -> None:
    """`count` connections at once over one port-forward, and each gets the page of the pod."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    forward = cluster.spawn("port-forward", f"pod/{pod}", f"{port}:8080")
    try:

        def answered() -> bool:
            assert forward.poll() is None, forward.stdout and forward.stdout.read()
            with (
                contextlib.suppress(ConnectionRefusedError),
                socket.create_connection(("127.0.0.1", port), timeout=3) as one,
            ):
                return page(one) == pod
            return False

        eventually(answered, timeout=60)
        opened = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(count)]
        try:
            assert [page(one) for one in opened] == [pod] * count
        finally:
            for one in opened:
                one.close()
    finally:
        forward.terminate()
        forward.wait(20)


def page(connection: socket.socket) -> str:
    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
    body = b""
    while piece := connection.recv(4096):
        body += piece
    return body.decode().split("\r\n\r\n", 1)[1].strip()


def works(cluster: Through, pod: str, tmp_path: Path) -> dict[str, str]:
    """What a person does with kubectl. Gives what was printed, to be compared with another way in."""
    name = "through"
    manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: b}}\n"
    said: dict[str, str] = {}
    said["apply"] = cluster.kubectl("apply", "--server-side", "-f", "-", stdin=manifest).stdout
    said["get"] = cluster.kubectl("get", "configmap", name, "-o", "jsonpath={.data}").stdout
    watch = cluster.spawn("get", "configmap", name, "--watch-only", "-o", "jsonpath={.data.a}\n")
    time.sleep(3)
    said["patch"] = cluster.kubectl("patch", "configmap", name, "-p", '{"data":{"a":"c"}}').stdout
    assert watch.stdout is not None
    said["watch"] = watch.stdout.readline().strip()
    watch.terminate()
    watch.wait(20)
    said["exec"] = cluster.kubectl("exec", pod, "--", "echo", "hello").stdout
    spdy = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}
    said["exec over SPDY"] = cluster.kubectl("exec", pod, "--", "echo", "hello", **spdy).stdout
    said["exec -i"] = cluster.kubectl("exec", "-i", pod, "--", "cat", stdin="to the end").stdout
    failed = cluster.kubectl("exec", pod, "--", "sh", "-c", "exit 7", check=False)
    said["exit code"] = str(failed.returncode)
    said["logs"] = cluster.kubectl("logs", pod).stdout
    said["absent"] = cluster.kubectl("get", "pod", "absent", check=False).stderr
    small = tmp_path / "small"
    small.write_bytes(os.urandom(3_000_000))
    copies_both_ways(cluster, pod, small)
    forwards(cluster, pod, 3)
    said["delete"] = cluster.kubectl("delete", "configmap", name, "-o", "name").stdout
    return said
