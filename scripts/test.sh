#!/usr/bin/env bash
# usage: scripts/test.sh [--fast]
# Installs what is missing, builds with warnings as errors, checks the format, publishes the one file for this machine and
# for arm64, and runs every test, the end-to-end ones against the published files. Prints what took how long; last line:
# N passed, N failed, N skipped. --fast leaves out the publish and the tests that need it.
set -uo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"
fast=; [ "${1:-}" = --fast ] && fast=1

passed=0 failed=0 skipped=0
results=$root/TestResults
rm -rf "$results" && mkdir -p "$results"
times=()

finish() {
  local line
  # What still runs in the background is of no use after a failure.
  for line in $(jobs -p); do kill "$line" 2>/dev/null; done
  wait
  echo
  echo "seconds  processor  what (a background step counts from its start to its end)"
  for line in "${times[@]}"; do echo "$line"; done
  printf '%7d  %9s  in all\n' "$SECONDS" -
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

took() { times+=("$(printf '%7d  %9s  %s' "$2" "$(cat "$results/${1// /-}.cpu" 2>/dev/null || echo -)" "$1")"); }

# measured FILE COMMAND...: runs it and writes the processor seconds that it took, its children included.
measured() {
  local into=$1 status=0 TIMEFORMAT='%U %S'; shift
  { time "$@" 2>&3; } 3>&2 2>"$into" || status=$?
  awk '{printf "%d\n", $1 + $2 + 0.5}' "$into" >"$into.sum" && mv "$into.sum" "$into"
  return "$status"
}

# record NAME STATUS SECONDS: counts a step; its log is shown only when it failed.
record() {
  local name=$1 status=$2 seconds=$3
  took "$name" "$seconds"
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1)); echo "ok      $name ($seconds s)"
  else
    failed=$((failed + 1)); echo "FAILED  $name ($seconds s)"; tail -40 "$results/${name// /-}.log"; return 1
  fi
}

# step NAME COMMAND...: one thing that passes or fails.
step() {
  local name=$1 begin=$SECONDS status=0; shift
  measured "$results/${name// /-}.cpu" "$@" >"$results/${name// /-}.log" 2>&1 || status=$?
  record "$name" "$status" "$((SECONDS - begin))"
}

# start NAME COMMAND...: a step in the background. finish_of NAME waits for it.
start() {
  local name=$1; shift
  {
    local begin=$SECONDS status=0
    measured "$results/${name// /-}.cpu" "$@" >"$results/${name// /-}.log" 2>&1 || status=$?
    echo "$status $((SECONDS - begin))" >"$results/${name// /-}.status"
  } &
  printf -v "job_${name//[^a-z0-9]/_}" %s $!
}

finish_of() {
  local name=$1 job=job_${1//[^a-z0-9]/_} status=1 seconds=0
  wait "${!job}"
  read -r status seconds <"$results/${name// /-}.status"
  record "$name" "$status" "$seconds"
}

# suite NAME PROJECT [ARGUMENT...]: a test project; its counts are added up.
suite() {
  local name=$1 project=$2 begin=$SECONDS log; shift 2
  log=$results/${name// /-}.log
  measured "$results/${name// /-}.cpu" dotnet test --project "$project" --no-build -c Release "$@" >"$log" 2>&1
  local status=$? p f s
  p=$(sed -nE 's/^ *succeeded: ([0-9]+).*/\1/p' "$log" | tail -1)
  f=$(sed -nE 's/^ *failed: ([0-9]+).*/\1/p' "$log" | tail -1)
  s=$(sed -nE 's/^ *skipped: ([0-9]+).*/\1/p' "$log" | tail -1)
  p=${p:-0} f=${f:-0} s=${s:-0}
  # A runner that died before its summary, or that found no test, must not look like a pass.
  if [ "$f" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$((p + s))" -eq 0 ]; }; then f=1; fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  took "$name" "$((SECONDS - begin))"
  echo "$([ "$f" -eq 0 ] && echo ok || echo FAILED)      $name: $p passed, $f failed, $s skipped ($((SECONDS - begin)) s)"
  [ "$s" -gt 0 ] && grep -E '^ *skipped ' "$log" | head -10
  [ "$f" -gt 0 ] && { grep -vE '^ *(Running|passed)' "$log" | tail -120; }
  return 0
}

need_dotnet
apt_install fossil nats-server libsqlite3-dev zlib1g-dev gcc libc6-dev binutils curl iproute2 strace || say "some packages could not be installed; tests that need them say so"
command -v python3 >/dev/null || apt_install python3 || say "python3 could not be installed; the generated histories need it"
export HOME=${HOME:-/root} USER=${USER:-tester}

step "restore" dotnet restore EdgeSync.sln -v q --locked-mode || finish
# The publish has folders of its own, so it may run beside the build and the suites that do not need its file.
[ -n "$fast" ] || start "publish" scripts/publish.sh
[ -n "$fast" ] || start "newer peers" scripts/newer-peers.sh
step "build" dotnet build EdgeSync.sln -c Release --no-restore -v q -nologo || finish
step "format" dotnet format whitespace EdgeSync.sln --verify-no-changes --no-restore
suite "unit" tests/EdgeSync.UnitTests
[ -n "$fast" ] || { finish_of "publish" || finish; }

# The arm64 file, run by qemu's user emulation as if it were this machine's.
arm64() {
  apt_install qemu-user-static || return 1
  scripts/publish.sh linux-arm64 || return 1
  mkdir -p artifacts/arm64
  printf '#!/bin/sh\nexec qemu-aarch64-static -L / "%s" "$@"\n' "$root/bin/linux-arm64/edgesync" >artifacts/arm64/edgesync
  chmod +x artifacts/arm64/edgesync
}
if [ -z "$fast" ] && [ "$(host_rid)" = linux-x64 ]; then start "publish arm64" arm64; fi
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

export EDGESYNC_BIN=$root/bin/edgesync
step "size budget" scripts/size.sh --check
suite "end to end" tests/EdgeSync.EndToEndTests
if [ "$(host_rid)" = linux-x64 ] && finish_of "publish arm64"; then
  EDGESYNC_BIN=$root/artifacts/arm64/edgesync suite "arm64" tests/EdgeSync.EndToEndTests --treenode-filter '/*/*/*/*[Arm64=yes]'
fi
suite "interop" tests/EdgeSync.InteropTests
# Once more beside the current releases of the programs that we must agree with.
newest() { ls "$root/artifacts/peers/bin/$1"-* 2>/dev/null | sort -V | tail -1; }
if finish_of "newer peers"; then
  EDGESYNC_FOSSIL=$(newest fossil) suite "interop, newest fossil" tests/EdgeSync.InteropTests --treenode-filter '/*/(!EdgeSync.InteropTests.Nats*)/*/*'
  for server in artifacts/peers/bin/nats-server-*; do
    EDGESYNC_NATS_SERVER=$root/$server suite "interop, ${server##*/}" tests/EdgeSync.InteropTests --treenode-filter '/*/EdgeSync.InteropTests.Nats*/*/*'
  done
fi
suite "fleets" tests/EdgeSync.FleetTests
release_and_packages() { EDGESYNC_SKIP_PUBLISH=1 scripts/release.sh && scripts/packaging.sh systemd deb; }
step "release and packages" release_and_packages
step "first run" timeout 300 scripts/smoke.sh
finish
