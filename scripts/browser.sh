#!/usr/bin/env bash
# usage: scripts/browser.sh [--screenshots]
# The web pages in Debian's Chromium, driven by playwright-core: each page opens, hostile texts run no script, a commit of
# another node appears by itself, a login works, and each page passes simple checks of accessibility. EDGESYNC_BIN names the
# program (default: bin/edgesync, which is published if it is missing). Then the pages of an asset store: upload, paste, search,
# tags, trash, deletion, changes of another client, keyboard. With --screenshots, docs/web/ gets new pictures.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

apt_install chromium fonts-dejavu-core
command -v npm >/dev/null || apt_install nodejs npm
if [ -z "${EDGESYNC_BIN:-}" ]; then
  [ -x "$root/bin/edgesync" ] || "$root/scripts/publish.sh" >&2
  EDGESYNC_BIN=$root/bin/edgesync
fi
export EDGESYNC_BIN

tools=$root/artifacts/browser
mkdir -p "$tools"
[ -d "$tools/node_modules/playwright-core" ] \
  || (cd "$tools" && npm install --no-save --no-audit --no-fund --loglevel error playwright-core@1.65.1 >&2)

pictures=
[ "${1:-}" != --screenshots ] || { pictures=$root/docs/web; mkdir -p "$pictures"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The profile and the caches of the browser go with the folder.
for script in pages assets; do
  mkdir "$work/$script"
  HOME=$work NODE_PATH=$tools/node_modules timeout 300 node "$root/scripts/browser/$script.cjs" "$work/$script" "$pictures"
done
