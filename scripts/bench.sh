#!/usr/bin/env bash
# usage: scripts/bench.sh [--repo FILE] [--runs N] [--only NAME,...] [--out FILE [--append]] [--binary FILE] [--earlier FILE]
#        scripts/bench.sh nats [--runs N] [--only NAME,...] [--out FILE] [--binary FILE] [--nats-server FILE]
#        scripts/bench.sh fleet [--runs N] [--only NAME,...] [--out FILE] [--binary FILE]
#        scripts/bench.sh checkout [--git DIR] [--runs N] [--only NAME,...] [--out FILE] [--binary FILE]
#        scripts/bench.sh iroh [--runs N] [--only NAME,...] [--out FILE] [--binary FILE]
#        scripts/bench.sh can [--runs N] [--only NAME,...] [--out FILE] [--binary FILE]
#        scripts/bench.sh web [--repo FILE] [--runs N] [--only NAME,...] [--out FILE] [--binary FILE] [--note TEXT]
#        scripts/bench.sh notify [--devices N] [--rate N] [--seconds N] [--out FILE] [--binary FILE] [--note TEXT]
#        scripts/bench.sh micro [FILTER]       microbenchmarks of codecs, delta and hashes
# Our program and the real peer side by side in one run, interleaved, medians; writes its section of docs/BENCHMARKS.md and
# exits non-zero when a limit is passed. Without --repo on the generated history (scripts/make-history.py). EDGESYNC_FOSSIL
# and EDGESYNC_NATS_SERVER name the peers.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

if [ "${1:-}" = micro ]; then
  need_dotnet
  cd "$root/tests/EdgeSync.Benchmarks"
  exec dotnet run -c Release -- --artifacts "$root/artifacts/benchmarks" --filter "${2:-*}"
fi

if [ "${1:-}" = nats ] || [ "${1:-}" = fleet ] || [ "${1:-}" = iroh ] || [ "${1:-}" = can ]; then
  case=$1; shift
  apt_install python3 gcc libc6-dev
  [ $case != can ] || apt_install curl rsync syncthing imagemagick iproute2
  [ $case != iroh ] || apt_install libssl-dev iproute2 nftables
  [ $case = iroh ] || [ $case = can ] || [ -n "${EDGESYNC_NATS_SERVER:-}" ] || apt_install nats-server
  case " $* " in
    *" --help "* | *" -h "* | *" --binary "*) ;;
    *) [ -x "$root/bin/edgesync" ] || "$root/scripts/publish.sh" >&2 ;;
  esac
  [ $case != fleet ] || { apt_install time; [ -n "${EDGESYNC_FOSSIL:-}" ] || apt_install fossil; }
  exec python3 "$root/scripts/bench/$case.py" "$@"
fi

case=bench
if [ "${1:-}" = checkout ]; then case=checkout; shift; apt_install git; fi
if [ "${1:-}" = web ] || [ "${1:-}" = notify ]; then case=$1; shift; fi
apt_install time python3
[ -n "${EDGESYNC_FOSSIL:-}" ] || apt_install fossil
case " $* " in
  *" --help "* | *" -h "*) sed -n '2,13s/^# //p' "$0"; exit 0 ;;
  *" --binary "*) ;;
  *) [ -x "$root/bin/edgesync" ] || "$root/scripts/publish.sh" >&2 ;;
esac
exec python3 "$root/scripts/bench/$case.py" "$@"
