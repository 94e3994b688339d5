#!/usr/bin/env bash
# `make bench`: measurements beside their peers; medians of interleaved runs, written to bench/results.json.
# Words go on to `python -m bench`, such as: tools/bench.sh --only version --runs 31
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh
export PATH="$PWD/.venv/bin:$PATH"
python tools/build_helper.py
python -m lab build --kubernetes 1.31.4
# A lab of its own: benchmarks make and remove machines as they need them.
export ROOST_LAB_NUMBER=${ROOST_LAB_NUMBER:-91}
exec python -m bench "$@"
