#!/usr/bin/env bash
# usage: scripts/smoke.sh
# The README's first minute, checked: scripts/run.sh serves the demo and prints each next command once, the stock program
# clones it, ours clones that back.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

work=$(mktemp -d)
export HOME=$work USER=tester DOTNET_CLI_HOME=$work
server=
stop() { [ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true; rm -rf "$work"; }
trap stop EXIT

wait_for() {
  local url=$1 tries=0
  until curl -fsS -o /dev/null "$url" 2>/dev/null; do
    tries=$((tries + 1)); [ $tries -lt 600 ] || die "$url does not answer"; sleep 0.1
  done
}

port=$(free_port)
ADDR=127.0.0.1:$port scripts/run.sh >"$work/run.log" 2>&1 &
server=$!
wait_for "http://127.0.0.1:$port/healthz"
for line in 'fossil clone ' 'edgesync leaf --repo '; do
  [ "$(grep -c "$line" "$work/run.log")" -eq 1 ] || die "run.sh does not print '$line' once: $(cat "$work/run.log")"
done
bin/edgesync repo clone "http://127.0.0.1:$port" "$work/ours.fossil"
bin/edgesync repo verify -R "$work/ours.fossil"
if command -v fossil >/dev/null; then
  fossil clone "http://127.0.0.1:$port" "$work/there.fossil"
  fossil test-integrity "$work/there.fossil"
fi

# Not SIGINT: a shell starts its background jobs with that one ignored. The end-to-end tests send it.
kill -TERM "$server"
wait "$server" || die "run.sh ended with $? on SIGTERM: $(tail -5 "$work/run.log")"
server=
echo "run.sh: served, cloned, verified, stopped"
