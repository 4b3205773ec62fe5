#!/usr/bin/env bash
# usage: scripts/soak.sh [--seed N] [--hours H] [--folder DIR] [--topology T]
# Fleets of real processes (scripts/dev.sh sim real), seed after seed in all three severities, until stopped or the hours
# are over. Goes on after the last seed that it finished (DIR/last-seed.txt); a failing one leaves its plan, what happened
# and every log in DIR/failures/SEED-SEVERITY, and its replay line in DIR/failures.txt. Ends with 1 when there was any.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

seed= hours=1000000 folder=$root/artifacts/soak topology=()
while [ $# -gt 0 ]; do
  case $1 in
    --seed) seed=$2 ;;
    --hours) hours=$2 ;;
    --folder) folder=$2 ;;
    --topology) topology=(--topology "$2") ;;
    -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
    *) die "unknown option '$1'" ;;
  esac
  shift 2
done

need_dotnet
apt_install fossil nats-server
[ -n "${EDGESYNC_BIN:-}" ] || [ -x bin/edgesync ] || scripts/publish.sh
export EDGESYNC_BIN=${EDGESYNC_BIN:-$root/bin/edgesync}
dotnet build tests/EdgeSync.FleetTests -c Release -v q -nologo
mkdir -p "$folder/failures"
[ -n "$seed" ] || seed=$(($(cat "$folder/last-seed.txt" 2>/dev/null || echo 0) + 1))

stopping=
trap 'stopping=1' INT TERM
until=$(awk -v now="$(date +%s)" -v hours="$hours" 'BEGIN { printf "%d", now + hours * 3600 }')
held=0 broken=0
while [ -z "$stopping" ] && [ "$(date +%s)" -lt "$until" ]; do
  log=$folder/seed-$seed.log
  if dotnet run --no-build -c Release --project tests/EdgeSync.FleetTests -- \
    real --seed "$seed" --failures "$folder/failures" "${topology[@]}" >"$log" 2>&1
  then held=$((held + 1)); rm -f "$log"
  elif [ -n "$stopping" ]; then break
  else
    broken=$((broken + 1))
    grep '^BROKEN' "$log" | sed 's/^BROKEN *//' | tee -a "$folder/failures.txt" || tail -5 "$log"
  fi
  echo "$seed" >"$folder/last-seed.txt"
  [ $((seed % 100)) -ne 0 ] || say "seed $seed: $held held, $broken broken"
  seed=$((seed + 1))
done
echo "$held seeds held, $broken broken; the next one is $seed"
[ "$broken" -eq 0 ]
