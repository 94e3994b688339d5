#!/usr/bin/env bash
# `make demo`: everything from nothing to a working cluster on three lab machines. `--down` ends it.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh
export PATH="$PWD/.venv/bin:$PATH"
if [ "${1:-}" != "--down" ]; then python tools/build_helper.py; fi
exec python tools/demo.py "$@"
