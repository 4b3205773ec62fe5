#!/usr/bin/env bash
# usage: scripts/dev.sh VERB [ARGUMENT...]
#   check            format, build, unit tests, twenty short seeds: under a minute
#   test             everything (scripts/test.sh)
#   sim [fleet] [ARG...]  the simulator: --seed N replays one world, or one fleet
#   sim real [ARG...]  a fleet of real processes: --seed N --severity S --topology T --leaves N --window SECONDS
#   sim real --profiles [--transport http|natsclient|leafnode] [--profile NAME,...] [--table docs/BENCHMARKS.md]
#                    a megabyte over links of all profiles
#   fuzz [MINUTES]   the property tests, over and over with new seeds
#   interop [--long] against the stock program; --long also a real history, EDGESYNC_REAL_REPO=FILE
#   bench [ARG...]   side-by-side figures (scripts/bench.sh)
#   packaging [systemd] [deb] [image]  units and Debian package under a real systemd, the image by buildah
#   aot [RID]        publish the one file
#   release [RID...] archives, Debian packages, SBOM, checksums (scripts/release.sh)
#   lock             write build/locks again, after a package or the packs' version was changed
#   size             budget, and the ten heaviest namespaces
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

run_tests() { local project=$1; shift; dotnet test --project "tests/$project" --no-build "$@"; }

verb=${1:-help}
[ $# -eq 0 ] || shift
case $verb in
  check)
    need_dotnet
    dotnet build EdgeSync.sln -v q -nologo
    dotnet format whitespace EdgeSync.sln --verify-no-changes --no-restore
    run_tests EdgeSync.UnitTests
    EDGESYNC_SIM_SEEDS=20 run_tests EdgeSync.Simulation
    ;;
  test) exec scripts/test.sh "$@" ;;
  sim)
    need_dotnet
    if [ "${1:-}" = real ]; then
      apt_install fossil nats-server
      [ -n "${EDGESYNC_BIN:-}" ] || [ -x bin/edgesync ] || scripts/publish.sh
      dotnet build tests/EdgeSync.FleetTests -c Release -v q -nologo
      EDGESYNC_BIN=${EDGESYNC_BIN:-$root/bin/edgesync} exec dotnet run --no-build -c Release --project tests/EdgeSync.FleetTests -- "$@"
    fi
    dotnet build tests/EdgeSync.Simulation -v q -nologo
    exec dotnet run --no-build --project tests/EdgeSync.Simulation -- "$@"
    ;;
  fuzz)
    need_dotnet
    dotnet build tests/EdgeSync.UnitTests -v q -nologo
    until=$((SECONDS + 60 * ${1:-10}))
    runs=2000
    while [ $SECONDS -lt $until ]; do
      EDGESYNC_PROPERTY_RUNS=$runs run_tests EdgeSync.UnitTests
      runs=$((runs * 2))
    done
    ;;
  interop)
    need_dotnet
    apt_install fossil
    command -v python3 >/dev/null || apt_install python3
    [ -x bin/edgesync ] || scripts/publish.sh
    dotnet build tests/EdgeSync.InteropTests -v q -nologo
    export EDGESYNC_BIN=${EDGESYNC_BIN:-$root/bin/edgesync}
    # --long: then also the explicit ones, with the history that EDGESYNC_REAL_REPO=FILE names.
    long=; if [ "${1:-}" = --long ]; then shift; long=1; fi
    run_tests EdgeSync.InteropTests "$@"
    [ -z "$long" ] || run_tests EdgeSync.InteropTests --treenode-filter '/*/*/*/*[Long=yes]'
    ;;
  bench) exec scripts/bench.sh "$@" ;;
  packaging) exec scripts/packaging.sh "$@" ;;
  release) exec scripts/release.sh "$@" ;;
  aot) exec scripts/publish.sh "$@" ;;
  lock)
    need_dotnet
    rm -rf build/locks
    dotnet restore EdgeSync.sln -v q
    for rid in $published_rids; do
      dotnet msbuild src/EdgeSync.Cli -t:Restore -v:q -nologo -p:PublishAot=true -p:RuntimeIdentifier="$rid" \
        -p:ArtifactsPath="$root/artifacts/publish/$rid"
    done
    dotnet msbuild tests/EdgeSync.UnitTests -t:Restore -v:q -nologo -p:PublishAot=true -p:RuntimeIdentifier=linux-x64 \
      -p:ArtifactsPath="$root/artifacts/native-tests"
    ;;
  size) exec scripts/size.sh "$@" ;;
  *) usage "$0"; [ "$verb" = help ] || [ "$verb" = --help ] || [ "$verb" = -h ] || exit 2 ;;
esac
