"""One lab machine as tests, the demo and the command see it: run on it, switch it, break its link, compare it."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from lab.machines import cgroups, network, overlay, processes, snapshot, supervisor
from lab.machines.identity import Identity
from lab.machines.settings import LabError, Settings

READY_STATES = ("running", "degraded")
MACHINE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REPOSITORY = Path(__file__).parents[2]


class CommandFailed(LabError):
    """A command on a machine ended with another code than 0."""

    def __init__(self, machine: str, command: str, done: subprocess.CompletedProcess[str]) -> None:
        self.done = done
        evidence = (done.stderr or done.stdout).strip()[-2000:]
        super().__init__(f"{machine}: `{command}` ended with {done.returncode}: {evidence}")


class Machine:
    def __init__(self, settings: Settings, identity: Identity) -> None:
        self._settings = settings
        self._identity = identity
        self.directory = settings.machines / identity.name

    def __repr__(self) -> str:
        return f"Machine({self.name} {self.ipv4})"

    @property
    def name(self) -> str:
        return self._identity.name

    @property
    def ipv4(self) -> str:
        return self._identity.ipv4

    @property
    def ipv6(self) -> str:
        return self._identity.ipv6

    @property
    def ssh_key_path(self) -> Path:
        return self._settings.state / "id_ed25519"

    @property
    def host_key(self) -> str:
        """The public host key, as known_hosts holds it behind the address: type and base64."""
        return self._identity.host_key

    @property
    def password(self) -> str:
        """The password of root, admin and operator on this machine."""
        return (self.directory / "password").read_text()

    @property
    def base(self) -> Path:
        return Path(self._identity.base)

    @property
    def upper(self) -> Path:
        """The overlay's upper directory: what was changed on the machine since it was made."""
        return self.directory / "upper"

    @property
    def lowers(self) -> list[Path]:
        """The layers below it: the machine's identity, and the base root that all machines share."""
        return [self.directory / "seed", self.base]

    @property
    def disks(self) -> dict[str, Path]:
        """The directories outside the overlay: path on the machine -> where it lies on this box."""
        return {f"/var/lib/{path.name}": path for path in sorted((self.directory / "disk").iterdir())}

    # State

    @property
    def leader(self) -> int | None:
        """The pid, on this box, of the machine's init; None while the machine is off."""
        run = self._run_record()
        leader = run.get("leader")
        if isinstance(leader, int) and processes.start_time(leader) == run.get("leader_started"):
            return leader
        return None

    @property
    def boots(self) -> int:
        """How often the machine has booted since it was last powered on."""
        return int(self._run_record().get("boots", 0))

    @property
    def link(self) -> network.Link:
        return network.Link.load(self.directory / "link.json")

    def memory(self) -> int:
        """Bytes that the machine's control group holds, page cache included."""
        for group in cgroups.find(self._settings.cgroup, self.name):
            usage = group / "memory.usage_in_bytes"
            if usage.exists():
                return int(usage.read_text())
        return 0

    # Run

    def run(
        self,
        cmd: str | Sequence[str],
        timeout: float = 60,
        check: bool = True,
        user: str = "root",
        via: Literal["ssh", "ns"] = "ssh",
        stdin: str = "",
        login: Literal["key", "password"] = "key",
    ) -> subprocess.CompletedProcess[str]:
        """Runs a shell line (or words, quoted for it). `via="ns"` enters the machine's namespaces as root instead of
        signing in, for when sshd or the link is down."""
        line = cmd if isinstance(cmd, str) else shlex.join(cmd)
        if via == "ns":
            argv, environment = self._enter(line, user), None
        else:
            argv, environment = self._ssh(user, login), self._ssh_environment(login)
            argv.append(line)
        try:
            done = subprocess.run(
                argv,
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{self.name}: `{line}` did not end within {timeout:g} s") from error
        if check and done.returncode != 0:
            raise CommandFailed(self.name, line, done)
        return done

    def ssh_argv(self, user: str = "root") -> list[str]:
        """For an interactive shell."""
        return self._ssh(user, "key")

    def _ssh(self, user: str, login: Literal["key", "password"]) -> list[str]:
        options = {
            "UserKnownHostsFile": str(self.directory / "known_hosts"),
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": "10",
            "LogLevel": "ERROR",
            "ControlMaster": "no",
        }
        if login == "key":
            options |= {"BatchMode": "yes", "IdentitiesOnly": "yes", "IdentityFile": str(self.ssh_key_path)}
        else:
            options |= {"PreferredAuthentications": "password", "PubkeyAuthentication": "no"}
            options |= {"NumberOfPasswordPrompts": "1"}
        words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        return ["ssh", "-F", "none", *words, f"{user}@{self.ipv4}"]

    def _ssh_environment(self, login: Literal["key", "password"]) -> dict[str, str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("SSH_", "LC_"))}
        if login == "password":
            ask = self._settings.state / "askpass"
            if not ask.exists():
                ask.write_text('#!/bin/sh\nexec cat "$ROOST_LAB_PASSWORD_FILE"\n')
                ask.chmod(0o700)
            environment |= {
                "SSH_ASKPASS": str(ask),
                "SSH_ASKPASS_REQUIRE": "force",
                "ROOST_LAB_PASSWORD_FILE": str(self.directory / "password"),
            }
        return environment

    def _enter(self, line: str, user: str) -> list[str]:
        leader = self.leader
        if leader is None:
            raise LabError(f"{self.name} is switched off: `python -m lab power {self.name} on`")
        shell = ["sh", "-c", line] if user == "root" else ["runuser", "-u", user, "--", "sh", "-c", line]
        # Where systemd manages a hierarchy, the container manager has put the machine one level further down.
        groups = [
            group / "payload" if (group / "payload").is_dir() else group
            for group in cgroups.find(self._settings.cgroup, self.name)
        ]
        # The shell moves itself into the machine's control groups, so that what it leaves running counts as there.
        join = 'n=$1; shift; while [ $n -gt 0 ]; do echo $$ >"$1/cgroup.procs"; shift; n=$((n-1)); done; exec "$@"'
        inside = ["env", "-i", f"PATH={MACHINE_PATH}", "HOME=/root", "LANG=C.UTF-8", *shell]
        nsenter = ["nsenter", "--target", str(leader), "--all", "--root", "--wd", "--"]
        return ["sh", "-c", join, "enter", str(len(groups)), *map(str, groups), *nsenter, *inside]

    # Power

    def power_on(self, wait: bool = True, timeout: float = 180) -> None:
        if self.leader is None:
            overlay.mount(self.directory, self.base)
            (self.directory / "run.json").unlink(missing_ok=True)
            (self.directory / "powered").touch()
            (self.directory / "known_hosts").write_text(
                f"{self.ipv4} {self.host_key}\n{self.ipv6} {self.host_key}\n{self.name} {self.host_key}\n"
            )
            self._start_supervisor()
        if wait:
            self.wait_ready(timeout)

    def power_off(self) -> None:
        """Hard: every process of the machine is killed at once. What it wrote stays, as far as the kernel had it."""
        (self.directory / "powered").unlink(missing_ok=True)
        run = self._run_record()
        leader = self.leader
        container = run.get("container")
        if leader is not None:
            processes.kill([leader])
        elif isinstance(container, int) and container in self._containers():
            processes.kill([container])
        deadline = time.monotonic() + 10
        while self._supervisors() and time.monotonic() < deadline:
            time.sleep(0.02)
        processes.kill([*self._supervisors(), *self._containers()])
        if not cgroups.remove(cgroups.find(self._settings.cgroup, self.name)):
            raise LabError(f"{self.name}: its control groups could not be removed; see {self._settings.cgroup}")
        network.forget(self._settings, self.name, self._identity.index)
        supervisor.forget_runtime(self._settings, self.name)

    def reboot(self, timeout: float = 60) -> None:
        """In good order, as `systemctl reboot` on the machine does it; returns when it is back."""
        before = self.boots
        self.run("systemctl reboot", via="ns", check=False)
        self.wait_boot(before, timeout)

    def wait_boot(self, boots_before: int, timeout: float = 60) -> None:
        """Waits for a reboot that was asked for on the machine itself."""
        deadline = time.monotonic() + timeout
        while self.boots <= boots_before or self.leader is None:
            if time.monotonic() > deadline:
                raise LabError(f"{self.name} did not reboot within {timeout:g} s; {self._console_tail()}")
            time.sleep(0.05)
        self.wait_ready(max(1, deadline - time.monotonic()))

    def wait_ready(self, timeout: float = 180) -> None:
        """Ready is: sshd answers over the link (unless it is cut) and systemd has done its work."""
        deadline = time.monotonic() + timeout
        waiting_for = "its first process"
        while time.monotonic() < deadline:
            run = self._run_record()
            if "ended" in run:
                raise LabError(f"{self.name} ended with {run['ended']} instead of booting; {self._console_tail()}")
            if self.leader is None:
                time.sleep(0.03)
                continue
            if not self.link.cut and not self._banner():
                waiting_for = f"sshd at {self.ipv4}:22"
                time.sleep(0.05)
                continue
            state = self.run("systemctl is-system-running", via="ns", check=False).stdout.strip()
            if state in READY_STATES:
                return
            waiting_for = f"systemd, which is «{state}»"
            time.sleep(0.1)
        raise LabError(
            f"{self.name} was not ready within {timeout:g} s: it waited for {waiting_for}; {self._console_tail()}"
        )

    def _start_supervisor(self) -> None:
        # Neither the command's terminal nor its session: the machine stays when the command goes.
        start = "import sys; sys.path.insert(0, sys.argv[2]); from lab.machines import supervisor as s;"
        start += " sys.exit(s.main(sys.argv[3:]))"
        where = [str(self._settings.number), str(self._settings.state), str(self._settings.cache), self.name]
        with (self.directory / "supervisor.log").open("ab") as log:
            subprocess.Popen(
                [sys.executable, "-S", "-B", "-c", start, supervisor.MARK, str(REPOSITORY), *where],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )

    def _supervisors(self) -> list[int]:
        return processes.with_arguments(supervisor.MARK, str(self._settings.state), self.name)

    def _containers(self) -> list[int]:
        return processes.with_arguments(f"--directory={self.directory / 'merged'}")

    def _banner(self) -> bool:
        try:
            with socket.create_connection((self.ipv4, 22), timeout=1) as connection:
                connection.settimeout(2)
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    # Link

    def cut(self) -> None:
        """Takes the cable out behind the switch: nothing passes, though the machine's interface stays up."""
        self._set_link(replace(self.link, cut=True))

    def mend(self) -> None:
        """Ends every fault of the link."""
        self._set_link(network.Link())

    def loss(self, pct: float | str) -> None:
        """Loses that share of packets in each direction."""
        self._set_link(replace(self.link, loss_percent=network.parse_loss(str(pct))))

    def rate(self, rate: str) -> None:
        """Limits each direction, for example to `10mbit`."""
        self._set_link(replace(self.link, rate=network.parse_rate(rate)[0]))

    def _set_link(self, link: network.Link) -> None:
        leader = self.leader
        if leader is not None:
            interface = network.host_side(leader)
            if interface is None:
                raise LabError(f"{self.name}: its link is not there; {self._console_tail()}")
            network.apply(self._settings, self.name, self._identity.index, interface, link)
        link.save(self.directory / "link.json")

    # Compare

    def snapshot(self) -> dict[str, str]:
        """Everything about the machine that a product could have changed; see lab/machines/snapshot.py."""
        script = snapshot.SCRIPT.read_text()
        state = self.run(["sh", "-s"], via="ns", stdin=script, timeout=60).stdout
        return snapshot.collect(state, self.upper, self.lowers, self.disks)

    def changes_since(
        self, before: Mapping[str, str], *, running: bool = False, ignored: Iterable[snapshot.Ignored] = ()
    ) -> list[str]:
        """What differs now, one line each, apart from `snapshot.IGNORED` and the patterns given; with `running` also
        apart from what the programs of a node write by themselves, `snapshot.RUNNING`."""
        skipped = [*snapshot.IGNORED, *(snapshot.RUNNING if running else ()), *ignored]
        return snapshot.compare(before, self.snapshot(), skipped)

    def file_changes(self) -> list[overlay.Change]:
        """What was changed on the machine's overlay since it was made."""
        return list(overlay.changes(self.upper, self.lowers))

    # Records

    def _run_record(self) -> dict[str, Any]:
        try:
            return json.loads((self.directory / "run.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def _console_tail(self) -> str:
        text = ""
        for name in ("supervisor.log", "console.log"):
            path = self.directory / name
            text += path.read_text(errors="replace")[-600:] if path.exists() else ""
        return f"its console ends with: {text.strip()}" if text.strip() else "its console is empty"
