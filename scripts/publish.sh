#!/usr/bin/env bash
# usage: scripts/publish.sh [RID] [OUT]
# Builds the one file, edgesync, for this machine's kind of system, or for RID. OUT is bin/edgesync, or bin/RID/edgesync
# for another RID.
#   linux-x64, linux-arm64            from Debian (x64 builds both)
#   linux-musl-x64, win-x64, osx-arm64   only on a machine of that kind; the release workflow has one of each
# The file runs on every processor of its kind. EDGESYNC_CPU=avx2 makes one for x64 with AVX2 only: hashing is twice as
# fast, and clone and verify with it.
# EDGESYNC_SYMBOLS=1 leaves symbols for a debugger or profiler, and the table of sizes that scripts/size.sh reads, in
# artifacts/publish.
# EDGESYNC_PACKS_VERSION=10.0.N takes another version of the .NET packs than build/Common.props names.
# EDGESYNC_BUILT=1 takes the libraries that `dotnet build EdgeSync.sln -c Release` has made, instead of compiling them again
# (scripts/test.sh: a hundred seconds less of the processor).
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

here=$(host_rid)
rid=${1:-$here}
case $rid in
  linux-x64 | linux-musl-x64 | linux-arm64 | win-x64 | osx-arm64) ;;
  *) die "unknown RID '$rid': linux-x64, linux-arm64, linux-musl-x64, win-x64 or osx-arm64" ;;
esac
case $rid in win-*) name=edgesync.exe ;; *) name=edgesync ;; esac
if [ "$rid" = "$here" ]; then out=${2:-bin/$name}; else out=${2:-bin/$rid/$name}; fi

# The linker is named, not looked for: gcc where a machine links for itself, clang with lld for another processor.
link=
archive=
need_dotnet
case $rid:$here in
  linux-x64:linux-x64 | linux-arm64:linux-arm64)
    need_publish_tools
    link="-p:CppCompilerAndLinker=gcc -p:ObjCopyName=objcopy"
    ;;
  linux-arm64:linux-x64)
    need_cross_tools
    link="-p:CppCompilerAndLinker=clang -p:LinkerFlavor=lld -p:ObjCopyName=llvm-objcopy"
    ;;
  linux-musl-x64:linux-musl-x64)
    archive=/usr/lib/libsqlite3.a
    link="-p:CppCompilerAndLinker=gcc -p:ObjCopyName=objcopy"
    ;;
  win-x64:win-x64 | osx-arm64:osx-arm64) ;;
  *) die "$rid is linked on a machine of its own kind (this one is $here); the release workflow does that." ;;
esac

# SQLite's static archive makes it one file (docs/adr/0002).
case $rid in
  linux-x64) archive=/usr/lib/x86_64-linux-gnu/libsqlite3.a ;;
  linux-arm64) archive=/usr/lib/aarch64-linux-gnu/libsqlite3.a ;;
esac
[ -z "$archive" ] || [ -f "$archive" ] || die "$archive is missing: install SQLite's static library (Debian: libsqlite3-dev)."

cpu=any
case ${EDGESYNC_CPU:-any} in
  any) cpu_args= ;;
  avx2)
    case $rid in *-x64) ;; *) die "EDGESYNC_CPU=avx2 means x64, not $rid" ;; esac
    cpu=AVX2 cpu_args=-p:IlcInstructionSet=x86-64-v3
    ;;
  *) die "EDGESYNC_CPU is 'any' or 'avx2', not '$EDGESYNC_CPU'" ;;
esac

work=$root/artifacts/publish/$rid
log=$work/publish.log
# The libraries are the same for every RID: compiled once, in a folder that one publish uses at a time.
compiled=$root/artifacts/publish/compiled
mkdir -p "$work" "$compiled" "$(dirname "$out")"
if command -v flock >/dev/null; then exec 7>"$compiled/lock"; flock 7; fi
commit=$(commit_name)
symbols=; [ "${EDGESYNC_SYMBOLS:-}" != 1 ] || symbols=-p:NativeDebugSymbols=true
packs=${EDGESYNC_PACKS_VERSION:-$(sed -nE 's/.*<EdgeSyncPacksVersion[^>]*>([^<]+)<.*/\1/p' build/Common.props)}
# Other packs than the pinned ones have other lock files: none.
locked=-p:RestoreLockedMode=true
if [ -n "${EDGESYNC_PACKS_VERSION:-}" ]; then locked="-p:NuGetLockFilePath=$work/unpinned.\$(MSBuildProjectName).json"
elif [ ! -f "build/locks/EdgeSync.Cli.$rid.json" ]; then locked=
fi

# Libraries of a build: the same compiler made them from the same files, for every RID.
built=
if [ "${EDGESYNC_BUILT:-}" = 1 ]; then
  for project in src/*/; do
    project=$(basename "$project")
    # The program itself, and what is made for web pages alone.
    case $project in EdgeSync.Cli | EdgeSync.Browser*) continue ;; esac
    [ -f "src/$project/bin/Release/net10.0/$project.dll" ] ||
      die "EDGESYNC_BUILT=1, but $project is not built: dotnet build EdgeSync.sln -c Release"
    install -D -p -m 644 -t "$compiled/bin/$project/release" "src/$project/bin/Release/net10.0"/EdgeSync.*.{dll,pdb}
  done
  built="-p:BuildProjectReferences=false -p:CompileUsingReferenceAssemblies=false"
fi

# Analyzers belong to the build that tests run: here they would only make the result depend on the SDK.
# One line a stage, with the seconds it began at: a first build takes minutes.
show_progress() {
  local line
  while IFS= read -r line; do
    case $line in
      *" -> "*edgesync.dll) say "  $SECONDS s  native code (the longest part)" ;;
      *" -> "*.dll) line=${line%% -> *}; say "  $SECONDS s  compiled ${line##* }" ;;
    esac
  done
}

say "building $name for $rid with the .NET packs $packs"
say "  $SECONDS s  restoring packages"
# shellcheck disable=SC2086
if ! dotnet publish src/EdgeSync.Cli -c Release -r "$rid" --nologo -v m \
  -p:PublishAot=true -p:RunAnalyzers=false -p:EdgeSyncPacksVersion="$packs" -p:EdgeSyncCommit="$commit" $locked \
  ${archive:+-p:EdgeSyncSqliteArchive="$archive"} $link $cpu_args $symbols $built \
  --artifacts-path "$compiled" -o "$work/out" 2>&1 7>&- | tee "$log" | show_progress
then
  if grep -Eq 'error NU110[0-9]' "$log"; then
    grep -Eo 'NU110[0-9]: .*' "$log" | sed 's/ \[[^][]*\]$//; s/^NU110[0-9]: /  /' | sort -u | head -8 >&2
    die "the package registry does not have what this build pins. The packs are $packs; EDGESYNC_PACKS_VERSION=10.0.N takes others."
  elif grep -q 'error NU1004' "$log"; then
    grep -Eo 'NU1004: [^[]*' "$log" | sort -u | head -3 >&2
    die "the packages differ from build/locks. After a wanted change run scripts/dev.sh lock and commit the files."
  fi
  grep -E 'error|warning' "$log" | sort -u | head -40 >&2 || true
  tail -5 "$log" >&2
  die "publishing $rid failed; whole log: $log"
fi

# A trim or AOT warning is an error by TreatWarningsAsErrors; this catches one that a property might hide.
if grep -Eq 'warning (IL|NETSDK)[0-9]+' "$log"; then
  grep -E 'warning (IL|NETSDK)[0-9]+' "$log" | sort -u >&2
  die "the publish warns, see above"
fi

install -D -m 755 "$work/out/$name" "$out"
[ ! -f "$work/out/$name.dbg" ] || cp "$work/out/$name.dbg" "$work/$name.dbg"
if [ -z "$archive" ]; then
  find "$work/out" -maxdepth 1 -name '*e_sqlite3*' -exec cp {} "$(dirname "$out")/" \;
  say "no static SQLite for $rid: its library is shipped beside the binary."
fi

# What it needs at run time: libc and libm, and not of a younger kind than it must be.
if [ -n "$archive" ]; then
  foreign=$(objdump_of "$rid" -p "$out" | awk '$1 == "NEEDED" {print $2}' | grep -Ev '^(ld-|libc\.|libm\.)' || true)
  [ -z "$foreign" ] || die "$out is not one file; it needs: $foreign"
fi
libc=
case $rid in linux-x64 | linux-arm64) libc=", glibc $(objdump_of "$rid" -T "$out" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -1 | cut -d_ -f2) or later" ;; esac
size=$(stat -c %s "$out" 2>/dev/null || stat -f %z "$out")
say "$out: $((size / 1024)) KiB, $rid, $cpu processor$libc ($SECONDS s)"
