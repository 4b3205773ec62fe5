#!/usr/bin/env bash
# usage: scripts/size.sh [--check]
# Size of bin/edgesync against build/size-budget.json; without --check also the ten heaviest namespaces (from the mstat
# file that EDGESYNC_SYMBOLS=1 scripts/publish.sh leaves beside the object file).
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

binary=${EDGESYNC_BIN:-bin/edgesync}
[ -f "$binary" ] || die "$binary does not exist; run scripts/publish.sh first."
budget=$(sed -nE 's/.*"binaryBytesMax": *([0-9]+).*/\1/p' build/size-budget.json)
size=$(stat -c %s "$binary")
echo "$binary: $size bytes of $budget ($((size * 100 / budget)) %)"
[ "$size" -le "$budget" ] || die "over the budget by $((size - budget)) bytes; scripts/dev.sh size shows what weighs."
[ "${1:-}" = --check ] && exit 0

mstat=$(find artifacts/publish/compiled -path "*_$(host_rid)/*" -name '*.mstat' -printf '%T@ %p\n' 2>/dev/null | sort -rn | head -1 | cut -d' ' -f2-)
[ -n "$mstat" ] || die "no mstat file under artifacts/publish; run EDGESYNC_SYMBOLS=1 scripts/publish.sh first."
dotnet run --no-cache build/MstatTop.cs -- "$mstat" 10
