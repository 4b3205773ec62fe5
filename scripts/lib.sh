# shellcheck shell=bash
# Helpers that every script here shares. Source it; it changes nothing by itself.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

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
  if [ -z "$apt_lists_are_fresh" ]; then
    as_root apt-get update -qq >/dev/null || say "apt-get update failed; going on with the lists that are there"
    apt_lists_are_fresh=1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

need_dotnet() {
  command -v dotnet >/dev/null || die "the .NET 10 SDK is missing: https://dotnet.microsoft.com/download"
  [ "$(dotnet --version | cut -d. -f1)" -ge 10 ] || die "the .NET 10 SDK is needed; 'dotnet --version' says $(dotnet --version)"
}

# What the native linker needs, and the static SQLite that goes into the one file.
need_publish_tools() {
  [ "$(uname -s)" = Linux ] && command -v apt-get >/dev/null || return 0
  command -v gcc >/dev/null || command -v clang >/dev/null || apt_install gcc libc6-dev
  apt_install zlib1g-dev libsqlite3-dev binutils
}

# need_cross_tools RID: the same for another processor, by Debian's cross compiler and foreign archives. Sets CROSS_ARGS.
need_cross_tools() {
  local debian triple
  case $1 in
    linux-arm64) debian=arm64 triple=aarch64-linux-gnu ;;
    linux-arm) debian=armhf triple=arm-linux-gnueabihf ;;
  esac
  command -v dpkg >/dev/null || die "cross-linking for $1 needs a Debian system"
  dpkg --print-foreign-architectures | grep -qx "$debian" || { as_root dpkg --add-architecture "$debian"; apt_lists_are_fresh=; }
  apt_install clang llvm lld "gcc-$triple" "libc6-dev-$debian-cross" || true
  apt_install "zlib1g-dev:$debian" "libsqlite3-dev:$debian" || say "no $debian archives here: the link may fail"
  # shellcheck disable=SC2034
  CROSS_ARGS="-p:CppCompilerAndLinker=clang -p:LinkerFlavor=lld -p:ObjCopyName=llvm-objcopy"
}

# The RID of this machine, as .NET spells it.
host_rid() {
  local arch libc=linux
  case $(uname -m) in
    x86_64) arch=x64 ;; aarch64) arch=arm64 ;; armv7l | armv6l) arch=arm ;; *) arch=$(uname -m) ;;
  esac
  [ "$(uname -s)" = Darwin ] && { echo "osx-$arch"; return; }
  ldd --version 2>&1 | grep -qi musl && libc=linux-musl
  echo "$libc-$arch"
}

free_port() {
  local port
  for port in "$@" $(seq 8081 8180); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  return 1
}
