#!/usr/bin/env bash
# usage: scripts/test.sh [--fast]
# Installs what is missing, builds with warnings as errors, checks the format, runs every test, publishes the one file and
# runs the end-to-end tests against that file. Last line: N passed, N failed, N skipped. --fast leaves out the publish,
# the end-to-end and the interop tests.
set -uo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"
fast=; [ "${1:-}" = --fast ] && fast=1

passed=0 failed=0 skipped=0
results=$root/TestResults
mkdir -p "$results"
finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

# step NAME COMMAND...: one thing that passes or fails; its output is shown only when it fails.
step() {
  local name=$1 begin=$SECONDS; shift
  if "$@" >"$results/${name// /-}.log" 2>&1; then
    passed=$((passed + 1)); echo "ok      $name ($((SECONDS - begin)) s)"
  else
    failed=$((failed + 1)); echo "FAILED  $name ($((SECONDS - begin)) s)"; tail -40 "$results/${name// /-}.log"; return 1
  fi
}

# suite NAME PROJECT: a test project; its counts are added up.
suite() {
  local name=$1 project=$2 begin=$SECONDS log; shift 2
  log=$results/${name// /-}.log
  dotnet test --project "$project" --no-build -c Release "$@" >"$log" 2>&1
  local status=$? p f s
  p=$(sed -nE 's/^ *succeeded: ([0-9]+).*/\1/p' "$log" | tail -1)
  f=$(sed -nE 's/^ *failed: ([0-9]+).*/\1/p' "$log" | tail -1)
  s=$(sed -nE 's/^ *skipped: ([0-9]+).*/\1/p' "$log" | tail -1)
  p=${p:-0} f=${f:-0} s=${s:-0}
  # A runner that died before its summary must not look like a pass; 8 means "no test in it yet".
  [ "$status" -ne 0 ] && [ "$status" -ne 8 ] && [ "$f" -eq 0 ] && f=1
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  echo "$([ "$f" -eq 0 ] && echo ok || echo FAILED)      $name: $p passed, $f failed, $s skipped ($((SECONDS - begin)) s)"
  [ "$s" -gt 0 ] && grep -E '^ *skipped ' "$log" | head -10
  [ "$f" -gt 0 ] && { grep -vE '^ *(Running|passed)' "$log" | tail -80; }
  return 0
}

need_dotnet
apt_install fossil nats-server libsqlite3-dev zlib1g-dev gcc libc6-dev binutils curl || say "some packages could not be installed; tests that need them say so"
command -v python3 >/dev/null || apt_install python3 || say "python3 could not be installed; the generated histories need it"
export HOME=${HOME:-/root} USER=${USER:-tester}

step "restore" dotnet restore EdgeSync.sln -v q || finish
step "build" dotnet build EdgeSync.sln -c Release --no-restore -v q -nologo || finish
step "format" dotnet format whitespace EdgeSync.sln --verify-no-changes --no-restore
suite "unit" tests/EdgeSync.UnitTests
suite "integration" tests/EdgeSync.IntegrationTests
suite "simulation" tests/EdgeSync.Simulation
[ -z "$fast" ] || finish

# NATS clients of others, for the interop tests: installed once for each state of their lock file.
npm_clients() {
  local into=$root/artifacts/npm
  command -v npm >/dev/null || apt_install nodejs npm || { say "npm could not be installed; its tests say so"; return 0; }
  cmp -s tests/npm/package-lock.json "$into/installed.json" && return 0
  rm -rf "$into" && mkdir -p "$into" && cp tests/npm/package.json tests/npm/package-lock.json "$into/"
  (cd "$into" && npm ci --silent --no-audit --no-fund) && cp tests/npm/package-lock.json "$into/installed.json" ||
    say "the packages of tests/npm could not be installed; their tests say so"
}
npm_clients

step "publish" scripts/publish.sh || finish
export EDGESYNC_BIN=$root/bin/edgesync
step "size budget" scripts/size.sh --check
suite "end to end" tests/EdgeSync.EndToEndTests
suite "interop" tests/EdgeSync.InteropTests
suite "fleets" tests/EdgeSync.FleetTests
step "first run" timeout 300 scripts/smoke.sh
finish
