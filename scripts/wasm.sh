#!/usr/bin/env bash
# usage: scripts/wasm.sh
# The leaf of a web page: artifacts/wasm/wwwroot gets the JavaScript library, its types, the demo page, and the .NET runtime
# with our code, each also compressed (.br, .gz). Needs the .NET SDK alone, no workload. Prints what a browser loads.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"
need_dotnet

# Names carry a fingerprint, so that files of an earlier build would stay.
rm -rf artifacts/wasm
dotnet publish src/EdgeSync.Browser.Wasm -c Release -v q -nologo -p:RestoreLockedMode=true -o artifacts/wasm >&2
framework=artifacts/wasm/wwwroot/_framework
printf '%s files, %s bytes, %s compressed by brotli\n' \
  "$(find $framework \( -name '*.wasm' -o -name '*.js' \) | wc -l)" \
  "$(cat $framework/*.wasm $framework/*.js | wc -c)" "$(cat $framework/*.br | wc -c)"
