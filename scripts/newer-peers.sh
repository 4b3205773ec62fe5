#!/usr/bin/env bash
# usage: scripts/newer-peers.sh [FOLDER]
# Fetches newer releases of the programs that we must agree with, beside the installed ones: fossil and nats-server of
# Debian's trixie (2.26, 2.10) and sid (2.28, 2.15) go into FOLDER/bin (default artifacts/peers) as NAME-RELEASE. Nothing is
# installed: packages come through apt with settings of its own, from the mirror that this machine uses, and are unpacked;
# what needs a newer C library runs with the loader of its suite.
# Prints one line for each program on standard output: NAME RELEASE PATH, the oldest first. Safe to run again; when all are
# there it only prints.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# SUITE: the releases it had when this was written. A suite that moved on brings what it has now, under its real name.
suites=(trixie sid)
programs=(fossil nats-server)

folder=$(mkdir -p "${1:-$root/artifacts/peers}" && cd "${1:-$root/artifacts/peers}" && pwd)
mkdir -p "$folder/bin"

# fetch SUITE: the programs with everything that they depend on, as if nothing were installed.
fetch() {
  local suite=$1 apt=$folder/$1/apt
  mkdir -p "$apt/lists/partial" "$apt/sources" "$apt/cache/archives/partial" "$apt/none"
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$(mirror)" "$suite" "$keys" >"$apt/sources/debian.sources"
  local options=(-qq -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$apt/sources" -o "Dir::Etc::Preferences=/dev/null"
    -o "Dir::Etc::PreferencesParts=$apt/none" -o "Dir::State::Lists=$apt/lists" -o "Dir::State::Status=/dev/null" -o "Dir::Cache=$apt/cache"
    -o "APT::Sandbox::User=$(id -un)" -o "Debug::NoLocking=1" -o "APT::Install-Recommends=0")
  say "fetching ${programs[*]} of $suite"
  apt-get "${options[@]}" update
  apt-get "${options[@]}" install --download-only --yes "${programs[@]}"
  mkdir -p "$folder/$suite/root"
  local package
  for package in "$apt"/cache/archives/*.deb; do dpkg-deb --extract "$package" "$folder/$suite/root"; done
  rm -rf "$apt"
}

# release_of COMMAND...: which release the program says that it is; nothing if it does not start.
release_of() { { "$@" version || "$@" --version; } 2>/dev/null | grep -Eo '[0-9]+\.[0-9]+' | head -1; }

# enter SUITE PROGRAM: a file in bin that starts it.
enter() {
  local tree=$folder/$1/root program=$2 file release loader libraries
  file=$(find "$tree/usr/bin" "$tree/usr/sbin" -name "$program" | head -1)
  if release=$(release_of "$file") && [ -n "$release" ]; then
    ln -sf "$file" "$folder/bin/$program-$release"
    return
  fi

  # argv[0] is the entry itself: fossil starts itself again by that name.
  loader=$(find "$tree" -name 'ld-linux*.so.*' | head -1)
  libraries=$(find "$tree" -name 'libc.so.6' -printf '%h\n' | head -1)
  release=$(release_of "$loader" --library-path "$libraries:$tree/usr/lib/${libraries##*/}" "$file") || die "$program of $1 does not start here"
  local entry=$folder/bin/$program-$release
  printf '#!/bin/sh\nexec "%s" --argv0 "%s" --library-path "%s" "%s" "$@"\n' \
    "$loader" "$entry" "$libraries:$tree/usr/lib/${libraries##*/}:$tree/lib/${libraries##*/}" "$file" >"$entry"
  chmod +x "$entry"
}

for suite in "${suites[@]}"; do
  [ -e "$folder/$suite/entered" ] && continue
  command -v apt-get >/dev/null || die "this brings Debian's packages, and there is no apt here"
  need_mirror
  fetch "$suite"
  for program in "${programs[@]}"; do enter "$suite" "$program"; done
  touch "$folder/$suite/entered"
done

for program in "${programs[@]}"; do
  for entry in $(printf '%s\n' "$folder/bin/$program"-* | sort -V); do echo "$program ${entry##*-} $entry"; done
done
