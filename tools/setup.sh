#!/usr/bin/env bash
# Makes .venv with the locked libraries, and builds the console. Does nothing when both are up to date.
set -euo pipefail
cd "$(dirname "$0")/.."

# Everything but the pages themselves works without the console.
console() { tools/console.sh || echo "setup: the console was not built; \`tools/console.sh\` tries again" >&2; }

stamp=.venv/.locked
wanted=$(cat requirements/dev.txt pyproject.toml | sha256sum | cut -d' ' -f1)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  console
  exit 0
fi

if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "setup: installing Debian's python3-venv (10 s)"
  apt-get -o DPkg::Lock::Timeout=300 update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq python3 python3-venv >/dev/null
fi
echo "setup: making .venv with the locked libraries (about 1 min)"
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
.venv/bin/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.txt
.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps -e .
echo "$wanted" >"$stamp"
console
