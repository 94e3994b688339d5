"""`make demo`: three lab machines, roost, and a cluster of one control plane and two workers on them.

Run again it goes on from what is there; `--down` ends everything it started.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from lab.machines.lab import Lab, Machine  # noqa: E402
from lab.machines.settings import Settings  # noqa: E402

ROOST = str(Path(sys.executable).parent / "roost")
VERSION = "1.31.4"
NAMES = ["demo1", "demo2", "demo3"]
ADDRESS = Settings.from_environment().host_ipv4
DATA = "/var/lib/roost-demo"
FILE = Path(DATA) / "demo.yaml"
STARTED = time.monotonic()


def say(text: str) -> None:
    print(f"\n[{time.monotonic() - STARTED:5.0f} s] {text}", flush=True)


def roost(*args: str, quiet: bool = False, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [ROOST, *args, *([] if args[0] in ("new", "version") else ["--data-dir", DATA])],
        text=True,
        capture_output=quiet,
        check=False,
    )
    if check and done.returncode != 0:
        sys.exit((done.stderr or "") + f"demo: `roost {' '.join(args)}` ended with {done.returncode}")
    return done


def kubectl(*args: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOST, "kubectl", *args], env=environment(), text=True, capture_output=quiet, check=False)


def environment() -> dict[str, str]:
    import os

    return {**os.environ, "ROOST_DATA_DIR": DATA}


def upstream_reachable() -> bool:
    """Whether programs can be downloaded from the sites that publish them."""
    try:
        with urllib.request.urlopen(
            f"https://dl.k8s.io/v{VERSION}/bin/linux/amd64/kubeadm.sha256", timeout=5
        ) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def ensure_bundle() -> None:
    if VERSION in roost("bundle", "list", "-o", "name", quiet=True, check=False).stdout:
        return
    if upstream_reachable():
        say(f"downloading Kubernetes {VERSION} from its own sites (a few minutes)")
        roost("bundle", "create", "--kubernetes", VERSION)
        return
    say(f"no way to the upstream sites: building Kubernetes {VERSION} from its modules (15 min, once)")
    subprocess.run([sys.executable, "-m", "lab", "build", "--kubernetes", VERSION], cwd=ROOT, check=True)
    from lab.build import mirror

    say("making the release bundle from what was built (half a minute)")
    roost("bundle", "create", "--kubernetes", VERSION, "--mirror", mirror.ensure_running())


def machines() -> list[Machine]:
    lab = Lab()
    running = {m.name: m for m in lab.machines()}
    if all(name in running for name in NAMES):
        return [running[name] for name in NAMES]
    say("making three machines: bare Debian with systemd and sshd (10 s; the first time a minute more)")
    return lab.up(names=NAMES, keep=True)


def up() -> None:
    print("make demo: a Kubernetes cluster of 1+2 on three lab machines. About 2 minutes; 20 the very first time.")
    Path(DATA).mkdir(mode=0o700, parents=True, exist_ok=True)
    ensure_bundle()
    made = machines()
    say("starting roost's platform")
    roost("up", "--detach", "--address", ADDRESS)
    if not FILE.exists():
        workers = [arg for machine in made[1:] for arg in ("--worker", machine.ipv4)]
        roost(
            "new",
            "demo",
            "--control-plane",
            made[0].ipv4,
            *workers,
            "--key",
            str(made[0].ssh_key_path),
            "-f",
            str(FILE),
        )
    say("kubectl apply -f demo.yaml, then `roost progress demo`")
    kubectl("apply", "-f", str(FILE))
    roost("progress", "demo")
    roost("kubeconfig", "demo", "--direct", "-f", f"{DATA}/demo.kubeconfig")
    kubectl("--kubeconfig", f"{DATA}/demo.kubeconfig", "get", "nodes", "-o", "wide")
    say("ready")
    print(
        f"""
{console()}
  look at it   export ROOST_DATA_DIR={DATA}
               {ROOST} clusters; {ROOST} progress demo; {ROOST} status
               {ROOST} kubectl get machines
  use it       {ROOST} kubectl --kubeconfig {DATA}/demo.kubeconfig get pods -A
  a machine    {sys.executable} -m lab ssh demo1
  the file     {FILE}
  undo it      {ROOST} kubectl delete -f {FILE}
  end it all   make demo-down
"""
    )


def console() -> str:
    """Where the console is, and the first sign-in until its password was changed."""
    from roost.embedded import door, record
    from roost.embedded.layout import Layout

    layout = Layout(Path(DATA))
    known = record.load(layout.record)
    if known is None:
        return ""
    first = layout.first_password
    secret = first.read_text("utf-8").strip() if first.exists() else "the one that you have chosen"
    return f"""  the console  {door.url(known)}/console/
               user admin, password {secret}
               (its certificate is the platform's own: the browser asks once)"""


def down() -> None:
    subprocess.run([ROOST, "down", "--data-dir", DATA], check=False)
    Lab().down(NAMES)
    subprocess.run(["rm", "-rf", "--one-file-system", DATA], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--down", action="store_true", help="end everything the demo started")
    down() if parser.parse_args().down else up()
