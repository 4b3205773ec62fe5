#!/usr/bin/env bash
# usage: scripts/dev.sh VERB [ARGUMENT...]
#   check            format, build, unit tests, twenty short seeds: under a minute
#   test             everything (scripts/test.sh)
#   sim [fleet] [ARG...]  the simulator: --seed N replays one world, or one fleet
#   sim real [ARG...]  a fleet of real processes: --seed N --severity S --topology T --leaves N --window SECONDS
#   sim real --profiles [--transport http|natsclient|leafnode] [--profile NAME,...] [--table docs/BENCHMARKS.md]
#                    a megabyte over links of all profiles
#   fuzz [MINUTES]   the property tests, over and over with new seeds
#   native           the unit tests as Native AOT compiles them
#   interop [--long] against the stock program; --long also all NATs, and a real history, EDGESYNC_REAL_REPO=FILE
#   peers            the interop tests beside every release that scripts/newer-peers.sh brings
#   fossil-tests [--all] [SCRIPT...]  Fossil's own test scripts, with stock and with ours (scripts/fossil-tests.sh)
#   merges GIT_DIR [COUNT]  every merge of a git history again, file by file, beside stock and git merge-file; COUNT of
#                    them (default 200) as whole trees in both programs
#   differences [SEEDS [FIRST]]  random work on two checkouts, one by stock and one by us (default 100 seeds from 1000)
#   browser [--screenshots]  the web pages in Debian's Chromium (scripts/browser.sh)
#   wasm             build the leaf of a web page into artifacts/wasm (scripts/wasm.sh)
#   browser-leaf [CHECK-INS]  that leaf in Chromium, beside a leaf and a stock Fossil (scripts/browser-leaf.sh)
#   mirror [PART...]  two asset stores: many assets, large ones, a full disk, agents, bad links (scripts/mirror.sh)
#   bench [ARG...]   side-by-side figures (scripts/bench.sh)
#   packaging [systemd] [deb] [image]  units and Debian package under a real systemd, the image by buildah
#   aot [RID]        publish the one file
#   release [RID...] archives, Debian packages, SBOM, checksums (scripts/release.sh)
#   examples [--aot] [NAME...]  the programs of examples/ with the libraries as packages
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
  native)
    need_dotnet
    out=$root/artifacts/native-tests
    dotnet publish tests/EdgeSync.UnitTests -c Release -r linux-x64 --nologo -v q -p:PublishAot=true \
      -p:RunAnalyzers=false -p:NativeDebugSymbols=false -p:CppCompilerAndLinker=gcc -p:ObjCopyName=objcopy \
      -p:RestoreLockedMode=true --artifacts-path "$root/artifacts/publish/compiled" -o "$out"
    exec "$out/EdgeSync.UnitTests" --no-ansi "$@"
    ;;
  peers)
    need_dotnet
    apt_install fossil nats-server
    scripts/newer-peers.sh
    [ -x bin/edgesync ] || scripts/publish.sh
    dotnet build tests/EdgeSync.InteropTests -c Release -v q -nologo
    export EDGESYNC_BIN=${EDGESYNC_BIN:-$root/bin/edgesync}
    run=(tests/EdgeSync.InteropTests/bin/Release/net10.0/EdgeSync.InteropTests --no-ansi --treenode-filter)
    # What our own program does on a failing disk or without power does not depend on the age of its peer. Tests that carry
    # [Fossil=2.21] compare what later releases print or write otherwise (docs/TESTING.md).
    parts='(!EdgeSync.InteropTests.Nats*)&(!*.PowerLoss)&(!*.Quic)&(!*.Iroh)/(!DiskTests*)&(!KillTests*)'
    status=0
    export EDGESYNC_HISTORY_CHECKINS=2000
    for peer in artifacts/peers/bin/fossil-*; do
      EDGESYNC_FOSSIL=$root/$peer "${run[@]}" "/*/$parts/*[Fossil!=2.21]" || status=$?
    done
    for peer in artifacts/peers/bin/nats-server-*; do
      EDGESYNC_NATS_SERVER=$root/$peer "${run[@]}" '/*/EdgeSync.InteropTests.Nats*/*/*' || status=$?
    done
    exit "$status"
    ;;
  interop)
    need_dotnet
    apt_install fossil
    command -v python3 >/dev/null || apt_install python3
    # shellcheck disable=SC2086
    apt_install $interop_packages || say "some packages could not be installed; tests that need them say so"
    npm_clients
    [ -x bin/edgesync ] || scripts/publish.sh
    dotnet build tests/EdgeSync.InteropTests -v q -nologo
    export EDGESYNC_BIN=${EDGESYNC_BIN:-$root/bin/edgesync}
    # --long: then also the explicit ones, with the history that EDGESYNC_REAL_REPO=FILE names.
    long=; if [ "${1:-}" = --long ]; then shift; long=1; export EDGESYNC_HISTORY_CHECKINS=2000; fi
    run_tests EdgeSync.InteropTests "$@"
    [ -z "$long" ] || run_tests EdgeSync.InteropTests --treenode-filter '/*/*/*/*[Long=yes]'
    if [ -n "$long" ]; then
      dotnet build tests/EdgeSync.EndToEndTests -v q -nologo
      run_tests EdgeSync.EndToEndTests --treenode-filter '/*/*/*/*[Long=yes]'
    fi
    ;;
  merges)
    need_dotnet
    apt_install fossil
    [ -d "${1:-}" ] || die "merges: name a git directory"
    dotnet build tests/EdgeSync.InteropTests -c Release -v q -nologo
    export EDGESYNC_REAL_GIT=$(realpath "$1") EDGESYNC_REAL_MERGES=${2:-200} EDGESYNC_MERGE_REPORT=$root/artifacts/merges.txt
    status=0
    dotnet test --project tests/EdgeSync.InteropTests --no-build -c Release \
      --treenode-filter '/*/*/Merge*/*[Merges=yes]' || status=$?
    cat "$EDGESYNC_MERGE_REPORT" && exit "$status"
    ;;
  differences)
    need_dotnet
    apt_install fossil
    dotnet build tests/EdgeSync.InteropTests -c Release -v q -nologo
    EDGESYNC_PROPERTY_RUNS=${1:-100} EDGESYNC_PROPERTY_FIRST=${2:-1000} dotnet test \
      --project tests/EdgeSync.InteropTests --no-build -c Release --treenode-filter '/*/*/WorkingTreeDifferenceTests/*'
    ;;
  fossil-tests) exec scripts/fossil-tests.sh "$@" ;;
  browser) exec scripts/browser.sh "$@" ;;
  wasm) exec scripts/wasm.sh "$@" ;;
  browser-leaf) exec scripts/browser-leaf.sh "$@" ;;
  mirror) exec scripts/mirror.sh "$@" ;;
  bench) exec scripts/bench.sh "$@" ;;
  packaging) exec scripts/packaging.sh "$@" ;;
  release) exec scripts/release.sh "$@" ;;
  examples) exec scripts/examples.sh "$@" ;;
  aot) exec scripts/publish.sh "$@" ;;
  lock)
    need_dotnet
    rm -rf build/locks
    dotnet restore EdgeSync.sln -v q
    dotnet restore src/EdgeSync.Browser.Wasm -v q
    for rid in $published_rids; do
      dotnet msbuild src/EdgeSync.Cli -t:Restore -v:q -nologo -p:PublishAot=true -p:RuntimeIdentifier="$rid" \
        -p:ArtifactsPath="$root/artifacts/publish/compiled"
    done
    dotnet msbuild tests/EdgeSync.UnitTests -t:Restore -v:q -nologo -p:PublishAot=true -p:RuntimeIdentifier=linux-x64 \
      -p:ArtifactsPath="$root/artifacts/publish/compiled"
    ;;
  size) exec scripts/size.sh "$@" ;;
  *) usage "$0"; [ "$verb" = help ] || [ "$verb" = --help ] || [ "$verb" = -h ] || exit 2 ;;
esac
