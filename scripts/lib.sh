# shellcheck shell=bash
# Helpers that every script here shares. Source it; it changes nothing by itself.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

# What the test command publishes and tries; build/locks has their packages.
# shellcheck disable=SC2034
published_rids="linux-x64 linux-arm64"

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo -n "$@"
  else return 1
  fi
}

apt_lists_are_fresh=
# apt_install PACKAGE...: installs those that are missing; the lists are fetched once, and only when something is.
apt_install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || { say "not a Debian system; please install: ${missing[*]}"; return 1; }
  say "installing ${missing[*]}"
  # Steps of one command run beside each other, and apt refuses a second one at a time.
  exec 8>"${TMPDIR:-/tmp}/edgesync-apt-$(id -u).lock"
  flock 8
  if [ -z "$apt_lists_are_fresh" ]; then
    as_root apt-get update -qq >/dev/null 8>&- || say "apt-get update failed; going on with the lists that are there"
    apt_lists_are_fresh=1
  fi
  local status=0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 8>&- || status=$?
  exec 8>&-
  return "$status"
}

# The mirror of Debian's own archive, whichever of the two styles of source files names it: apt tells once it has lists.
mirror() {
  [ -n "$(archives)" ] || as_root apt-get update -qq >&2
  archives | awk '$1 == "Debian" && !found { found = $2 } END { print found }'
}
archives() { apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Identifier: Packages' 'Component: main'; }

# need_mirror: packages and sources of other suites can be fetched; `keys` signs them.
need_mirror() {
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -f "$keys" ] || apt_install debian-archive-keyring || die "Debian's keys are missing: install debian-archive-keyring"
  [ -n "$(mirror)" ] || die "no source of this machine's apt is a mirror of Debian"
}

# fossil_source: the folder of Fossil 2.21's own test scripts, fetched from Debian's source package into artifacts/ once.
fossil_source() {
  local to=$root/artifacts/fossil-2.21 apt=$root/artifacts/fossil-2.21/apt
  if [ ! -d "$to/test" ]; then
    need_mirror
    say "fetching the source of Fossil 2.21"
    rm -rf "$to" && mkdir -p "$apt/lists/partial" "$apt/sources" "$apt/cache/archives/partial" "$to/tree"
    printf 'Types: deb-src\nURIs: %s\nSuites: bookworm\nComponents: main\nSigned-By: %s\n' "$(mirror)" "$keys" >"$apt/sources/debian.sources"
    local options=(-qq -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$apt/sources" -o "Dir::State::Lists=$apt/lists"
      -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)" -o "Debug::NoLocking=1")
    apt-get "${options[@]}" update >&2
    (cd "$apt" && apt-get "${options[@]}" source --download-only fossil >&2)
    tar -xf "$apt"/fossil_2.21.orig.tar.* -C "$to/tree" --strip-components=1
    mv "$to/tree/test" "$to/test"
    rm -rf "$to/tree" "$apt"
  fi
  echo "$to/test"
}

# Other programs that the interop tests run against; without one, the tests that need it say so.
# shellcheck disable=SC2034
interop_packages="nats-server curl iproute2 nftables strace openssl cadaver litmus davfs2 ngtcp2-client ngtcp2-server"

# NATS clients and an iroh endpoint of others, for the interop tests: installed once for each state of their lock file.
npm_clients() {
  local into=$root/artifacts/npm
  command -v npm >/dev/null || apt_install nodejs npm || { say "npm could not be installed; its tests say so"; return 0; }
  cmp -s tests/npm/package-lock.json "$into/installed.json" && return 0
  rm -rf "$into" && mkdir -p "$into" && cp tests/npm/package.json tests/npm/package-lock.json "$into/"
  # Not ci: it insists on the optional packages of other systems, which a registry need not have.
  (cd "$into" && npm install --silent --no-audit --no-fund) && cp tests/npm/package-lock.json "$into/installed.json" ||
    say "the packages of tests/npm could not be installed; their tests say so"
}

need_dotnet() {
  command -v dotnet >/dev/null || die "the .NET 10 SDK is missing: https://dotnet.microsoft.com/download"
  [ "$(dotnet --version | cut -d. -f1)" -ge 10 ] || die "the .NET 10 SDK is needed; 'dotnet --version' says $(dotnet --version)"
}

# usage SCRIPT: its comment at the top.
usage() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$1"; }

# What the native linker needs, and the static SQLite that goes into the one file.
need_publish_tools() {
  command -v apt-get >/dev/null || return 0
  apt_install gcc libc6-dev zlib1g-dev libsqlite3-dev binutils
}

# The same for linux-arm64 from x64: Debian's cross compiler and the archives of the other processor.
need_cross_tools() {
  command -v dpkg >/dev/null || die "linux-arm64 is cross-linked on a Debian system"
  dpkg --print-foreign-architectures | grep -qx arm64 || { as_root dpkg --add-architecture arm64; apt_lists_are_fresh=; }
  # An index that was fetched by half makes the first try fail, so there is a second one.
  apt_install clang llvm lld gcc-aarch64-linux-gnu libc6-dev-arm64-cross zlib1g-dev:arm64 libsqlite3-dev:arm64 || {
    apt_lists_are_fresh=
    apt_install clang llvm lld gcc-aarch64-linux-gnu libc6-dev-arm64-cross zlib1g-dev:arm64 libsqlite3-dev:arm64
  } || die "the tools and archives for linux-arm64 could not be installed"
}

# objdump_of RID ARGUMENT...: binutils' objdump reads only this machine's kind, llvm's every one.
objdump_of() {
  local rid=$1; shift
  if [ "$rid" = "$(host_rid)" ]; then objdump "$@"; else llvm-objdump "$@"; fi
}

# The RID of this machine, as .NET spells it.
host_rid() {
  local arch libc=linux
  case $(uname -m) in
    x86_64) arch=x64 ;; aarch64 | arm64) arch=arm64 ;; *) arch=$(uname -m) ;;
  esac
  case $(uname -s) in
    Darwin) echo "osx-$arch"; return ;;
    MINGW* | MSYS*) echo "win-$arch"; return ;;
  esac
  ldd --version 2>&1 | grep -qi musl && libc=linux-musl
  echo "$libc-$arch"
}

# The commit that a build carries in its version: `unknown` outside of git, with `-dirty` when files differ from it.
commit_name() {
  local commit
  commit=$(git rev-parse --short=12 HEAD 2>/dev/null) || { echo unknown; return; }
  [ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || commit+=-dirty
  echo "$commit"
}

free_port() {
  local port
  for port in "$@" $(seq 8081 8180); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  return 1
}

# Every script helps when it is asked to, before it does anything.
case ${1:-} in -h | --help) usage "$0"; exit 0 ;; esac
