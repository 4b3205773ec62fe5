#!/usr/bin/env bash
# usage: scripts/examples.sh [--aot] [NAME...]
# Packs the libraries, and compiles and runs each program of examples/ (or those named) with the packages alone, in a folder
# outside of the project; what they print is in examples/expected. --aot also publishes examples/commit.cs with Native AOT
# and runs that.
# EDGESYNC_PACKAGES=FOLDER takes the packages in FOLDER (scripts/release.sh makes them) instead of packing.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

aot=; [ "${1:-}" != --aot ] || { aot=1; shift; }
need_dotnet
version=$(sed -nE 's/.*<Version>([^<]+)<.*/\1/p' build/Common.props)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packages=${EDGESYNC_PACKAGES:-}
if [ -z "$packages" ]; then
  packages=$work/packages
  dotnet build EdgeSync.sln -c Release -v q -nologo
  dotnet pack EdgeSync.sln -c Release --no-build -v q -nologo -o "$packages"
fi
[ -f "$packages/EdgeSync.Fossil.$version.nupkg" ] || die "$packages has no packages of version $version: run scripts/release.sh"
say "packages: $(ls "$packages"/*.nupkg | wc -l)"

# A cache of its own: the user's keeps what it has of a version, however that changes. What others made comes from the
# user's cache, unless that has packages of ours.
cache=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: *//')
fallback=
ls -d "$cache"/edgesync.* >/dev/null 2>&1 ||
  fallback="<fallbackPackageFolders><add key=\"user\" value=\"$cache\" /></fallbackPackageFolders>"
cat >"$work/nuget.config" <<CONFIG
<configuration>
  <config><add key="globalPackagesFolder" value="$work/cache" /></config>
  <packageSources><add key="edgesync" value="$packages" /></packageSources>
  $fallback
</configuration>
CONFIG
[ $# -gt 0 ] || set -- $(ls examples/*.cs | xargs -n1 basename | sed 's/\.cs$//')
for name; do
  sed "s/^\(#:package EdgeSync\.[A-Za-z]*\)@.*/\1@$version/" "examples/$name.cs" >"$work/$name.cs"
  say "example $name"
  (cd "$work" && unset NUGET_PACKAGES && timeout 300 dotnet run "$name.cs" >"$name.out" 2>"$name.err") ||
    { cat "$work/$name".{out,err} >&2; die "examples/$name.cs failed"; }
  # What a run prints, without what differs each time.
  sed -E 's/[0-9a-f]{10}/HASH/g; s/[0-9]{4}-[0-9-]+ [0-9:]+Z/DATE/; s/:[0-9]{4,5}/:PORT/g
    s|created [^,]*|created PATH|; s/password .*/password SECRET/; s/[0-9]+ bytes/N bytes/' "$work/$name.out" >"$work/$name.txt"
  diff "examples/expected/$name.txt" "$work/$name.txt" ||
    die "examples/$name.cs printed something else than examples/expected/$name.txt"
done
if [ -n "$aot" ]; then
  sed -i '/^#:property PublishAot=false/d' "$work/commit.cs"
  packs=$(sed -nE 's/.*<EdgeSyncPacksVersion[^>]*>([^<]+)<.*/\1/p' build/Common.props)
  (cd "$work" && unset NUGET_PACKAGES && timeout 900 dotnet publish commit.cs -o "$work/native" -p:RuntimeFrameworkVersion="$packs") | tee "$work/aot.log"
  ! grep -E 'warning (IL|NETSDK)' "$work/aot.log" || die "a program that uses the packages publishes with warnings"
  "$work/native/commit" | grep -q 'checked in' || die "the native program failed"
fi
say "all examples ran"
