#!/usr/bin/env bash
# `make docs`: builds the documentation in both languages into docs/_build/{en,zh}; warnings are errors.
# Its libraries live in .venv-docs, so that the environment of the product stays small.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.venv-docs/.locked
wanted=$(sha256sum <requirements/docs.txt | cut -d' ' -f1)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
  echo "docs: making .venv-docs with the locked libraries (about 1 min, once)"
  rm -rf .venv-docs
  python3 -m venv .venv-docs
  .venv-docs/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/docs.txt
  echo "$wanted" >"$stamp"
fi
for language in en zh; do
  words=$([ "$language" = zh ] && echo zh_CN || echo en)
  .venv-docs/bin/sphinx-build -W --keep-going -q -n -c docs -d "docs/_build/.$language" -D language="$words" \
    "docs/$language" "docs/_build/$language"
  echo "docs: docs/_build/$language/index.html"
done
