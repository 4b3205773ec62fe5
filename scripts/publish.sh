#!/usr/bin/env bash
# usage: scripts/publish.sh [RID] [OUT]
# Builds the one file. RID is this machine's unless given (linux-x64, linux-musl-x64, linux-arm64, linux-arm, win-x64,
# osx-arm64); OUT is bin/edgesync, or bin/<RID>/edgesync for another RID. EDGESYNC_FRAMEWORK pins net10.0 or net9.0.
# A file built without RID serves this machine and may use AVX2 (hashing goes twice as fast); with RID, or with
# EDGESYNC_CPU=any, it runs on every processor of that kind; EDGESYNC_CPU=avx2 asks for AVX2 anywhere.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

here=$(host_rid)
rid=${1:-$here}
case $rid in
  linux-x64 | linux-musl-x64 | linux-arm64 | linux-arm | win-x64 | osx-arm64) ;;
  -h | --help) sed -n '2,6s/^# //p' "$0"; exit 0 ;;
  *) die "unknown RID '$rid': linux-x64, linux-musl-x64, linux-arm64, linux-arm, win-x64 or osx-arm64" ;;
esac
case $rid in win-*) name=edgesync.exe ;; *) name=edgesync ;; esac
if [ "$rid" = "$here" ]; then out=${2:-bin/$name}; else out=${2:-bin/$rid/$name}; fi

need_dotnet
case $rid in
  "$here") need_publish_tools ;;
  linux-musl-*) die "$rid is linked on Alpine (CI does it in its container)." ;;
  linux-arm64 | linux-arm) need_cross_tools "$rid" ;;
esac

# One operating system links only for itself; another processor needs a cross tool-chain (docs/adr/0012).
case $rid:$(uname -s) in
  linux-*:Linux | osx-*:Darwin | win-*:MINGW* | win-*:MSYS*) ;;
  *) die "$rid cannot be linked on $(uname -s): the native linker of that system is needed. CI builds it on its own runner." ;;
esac

# The static archive of SQLite makes it truly one file (docs/adr/0002).
archive=
case $rid in
  linux-x64) triple=x86_64-linux-gnu ;; linux-arm64) triple=aarch64-linux-gnu ;; linux-arm) triple=arm-linux-gnueabihf ;; *) triple= ;;
esac
for candidate in ${triple:+"/usr/lib/$triple/libsqlite3.a"} $([ "$rid" = "$here" ] && echo /usr/lib/libsqlite3.a); do
  [ -f "$candidate" ] && { archive=$candidate; break; }
done

# Native AOT decides at build time which vector instructions exist; it starts on no processor without them.
case ${EDGESYNC_CPU:-} in
  '') cpu=any; [ $# -gt 0 ] || ! grep -qsw avx2 /proc/cpuinfo || cpu=avx2 ;;
  any | avx2) cpu=$EDGESYNC_CPU ;;
  *) die "EDGESYNC_CPU is 'any' or 'avx2', not '$EDGESYNC_CPU'" ;;
esac
cpu_args=
if [ "$cpu" = avx2 ]; then
  case $rid in *-x64) ;; *) die "EDGESYNC_CPU=avx2 means x64, not $rid" ;; esac
  cpu_args=-p:IlcInstructionSet=avx2%2cbmi%2cbmi2%2cfma%2clzcnt%2cmovbe%2cpopcnt
fi

work=$root/artifacts/publish/$rid
log=$work/publish.log
mkdir -p "$work" "$(dirname "$out")"
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
if [ "$commit" != unknown ] && [ -n "$(git status --porcelain --untracked-files=no 2>/dev/null)" ]; then commit+=-dirty; fi

# try_framework NET: publishes; 0 = done, 2 = the registry does not supply a pack, 1 = a real failure.
try_framework() {
  local framework=$1
  if dotnet publish src/EdgeSync.Cli -c Release -r "$rid" --nologo -v q \
    -p:PublishAot=true -p:EdgeSyncFramework="$framework" -p:EdgeSyncCommit="$commit" \
    ${archive:+-p:EdgeSyncSqliteArchive="$archive"} ${CROSS_ARGS:-} ${cpu_args:+"$cpu_args"} \
    --artifacts-path "$work/$framework" -o "$work/$framework/out" >"$log" 2>&1
  then
    # A trim or AOT warning is an error by TreatWarningsAsErrors; this catches one that a property might hide.
    if grep -Eq 'warning (IL|NETSDK)[0-9]+' "$log"; then grep -E 'warning (IL|NETSDK)[0-9]+' "$log" | sort -u >&2; return 1; fi
    return 0
  fi
  grep -Eq 'error (NU110[0-9]|NETSDK1207|NETSDK1203|NETSDK1112|NETSDK1127)' "$log" && return 2
  return 1
}

published=
lacking=
for framework in ${EDGESYNC_FRAMEWORK:-net10.0 net9.0}; do
  # A framework that failed here before for want of a pack is not asked for again within a day: the answer takes seconds.
  mark=$work/$framework.lacks
  if [ -z "${EDGESYNC_FRAMEWORK:-}" ] && [ -f "$mark" ] && [ -n "$(find "$mark" -mmin -1440)" ]; then
    lacking+="$framework: $(cat "$mark")"$'\n'
    continue
  fi
  if try_framework "$framework"; then published=$framework; rm -f "$mark"; break; else status=$?; fi
  if [ "$status" -eq 2 ]; then
    reason=$(grep -Eo '(NU110[0-9]|NETSDK1207|NETSDK1203|NETSDK1112|NETSDK1127): [^[]*' "$log" | sort -u | head -3 | tr '\n' ' ')
    echo "$reason" >"$mark"
    lacking+="$framework: $reason"$'\n'
  else
    grep -E 'error|warning' "$log" | sort -u | head -40 >&2 || true
    tail -5 "$log" >&2
    die "publishing $rid for $framework failed; whole log: $log"
  fi
done

if [ -n "$lacking" ]; then say "not available from this package registry:"; printf '%s' "$lacking" | sed 's/^/  /' >&2; fi
[ -n "$published" ] || die "no framework could be published for $rid: the registry supplies no native compiler or runtime pack for it."

install -D -m 755 "$work/$published/out/$name" "$out"
[ -f "$work/$published/out/edgesync.dbg" ] && cp "$work/$published/out/edgesync.dbg" "$work/edgesync.dbg"
if [ -z "$archive" ]; then
  find "$work/$published/out" -maxdepth 1 -name '*e_sqlite3*' -exec cp {} "$(dirname "$out")/" \;
  say "no static SQLite for $rid here: its library is shipped beside the binary."
fi

if [ "$rid" = "$here" ] && [ -n "$archive" ] && command -v ldd >/dev/null; then
  foreign=$(ldd "$out" | awk '{print $1}' | grep -Ev '^(linux-vdso|/lib.*/ld-|/lib/ld-|libc\.|libm\.|libdl\.|libpthread\.|librt\.)' || true)
  [ -z "$foreign" ] || die "$out is not one file; it needs: $foreign"
fi
say "$out  $published  $(($(stat -c %s "$out" 2>/dev/null || stat -f %z "$out") / 1024)) KiB  for $cpu processor${archive:+  SQLite from $archive}"
