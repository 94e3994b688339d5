#!/usr/bin/env bash
# `make verify` and `make soak`: every other story on lab machines; resumable; writes dated results.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh
export PATH="$PWD/.venv/bin:$PATH"
tools/console.sh --browser
python tools/build_helper.py
python -m lab build --kubernetes 1.31.4 --kubernetes 1.28.15
exec python tools/verify.py "$@"
