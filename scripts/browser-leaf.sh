#!/usr/bin/env bash
# usage: scripts/browser-leaf.sh [CHECK-INS]
# The leaf of a web page in Debian's Chromium, driven by playwright-core, beside a leaf of the program and a stock Fossil
# (EDGESYNC_FOSSIL names another one): clone, commits in both directions, two tabs, reload, offline, messages, and a history
# of CHECK-INS check-ins (default 300). EDGESYNC_BIN names the program (default: bin/edgesync, which is published if it is
# missing). Prints figures, and whatever was wrong.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

apt_install chromium fonts-dejavu-core fossil
command -v npm >/dev/null || apt_install nodejs npm
if [ -z "${EDGESYNC_BIN:-}" ]; then
  [ -x "$root/bin/edgesync" ] || "$root/scripts/publish.sh" >&2
  EDGESYNC_BIN=$root/bin/edgesync
fi
export EDGESYNC_BIN
"$root/scripts/wasm.sh"

tools=$root/artifacts/browser
mkdir -p "$tools"
[ -d "$tools/node_modules/playwright-core" ] \
  || (cd "$tools" && npm install --no-save --no-audit --no-fund --loglevel error playwright-core@1.65.1 >&2)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
HOME=$work NODE_PATH=$tools/node_modules timeout 900 node "$root/scripts/browser/leaf.cjs" "$work" \
  "$root/artifacts/wasm/wwwroot" "${1:-300}"
