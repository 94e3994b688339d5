#!/usr/bin/env bash
# `make test`: unit, contract and one happy story of each issue on lab machines.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s (%s)\n' "$1" "$(date +%H:%M:%S)"; }

say "Python environment"
tools/setup.sh
export PATH="$PWD/.venv/bin:$PATH"
say "lint, types, import rules"
# One a line: `set -e` does not look at what stands before &&.
ruff check .
ruff format --check .
basedpyright | tail -5
codespell
lint-imports | tail -3
say "the console: lint, its own tests, and a browser to look at it"
tools/console.sh --browser --lint --test
say "the static probe for machines"
python tools/build_helper.py
say "programs and images of Kubernetes 1.31.4 and 1.28.15 (cold about 25 min, then from the cache)"
python -m lab build --kubernetes 1.31.4 --kubernetes 1.28.15
if [ ! -x /usr/sbin/sshd ]; then
  # The contract of ssh/ is held by a real sshd; the tests start one of their own, Debian's stays down.
  say "Debian's openssh-server"
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends \
    openssh-server >/dev/null
fi
say "tests: unit, contract, then stories on lab machines"
# One worker tells the stories, which mostly wait for machines; the other runs everything else (tests/conftest.py). The
# unit tests come before what keeps gateways running in threads, whose random numbers hypothesis would take for its own.
exec pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not verify and not soak" --durations=15 \
  tests/e2e tests/console tests/unit tests/contract
