#!/usr/bin/env bash
# usage: scripts/run.sh [REPOSITORY]
# From a fresh machine to a served repository: builds bin/edgesync when it is missing or older than the source, makes
# demo.fossil with a few check-ins (unless a repository is given), and starts a leaf on it: port 8080 for Fossil clients,
# port 7422 of its own NATS broker for other leaves. Safe to run again.
# ADDR=host:port and LEAF_PORT=port serve elsewhere; BIND='*' lets other machines join the broker.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

repository=${1:-demo.fossil}
[ $# -eq 0 ] || [ -f "$repository" ] || die "$repository does not exist."

if [ ! -x bin/edgesync ] || [ -n "$(find src build Directory.Packages.props scripts/publish.sh -newer bin/edgesync -type f -not -path '*/obj/*' -not -path '*/bin/*' -print -quit)" ]; then
  say "building bin/edgesync (a minute or two)"
  scripts/publish.sh
fi

if [ ! -f "$repository" ]; then
  say "making $repository"
  making=$repository.making
  rm -f "$making" "$making"-*
  work=$(mktemp -d)
  trap 'rm -rf "$work"; rm -f "$making" "$making"-*' EXIT
  user=${USER:-demo}
  bin/edgesync repo new "$making" --user "$user" >/dev/null
  printf '# Demo\n\nServed by edgesync; clone it with fossil.\n' >"$work/README.md"
  seq 1 40 >"$work/numbers.txt"
  bin/edgesync repo ci -R "$making" --user "$user" -m 'A page and some numbers' -C "$work" README.md numbers.txt >/dev/null
  seq 1 60 >"$work/numbers.txt"
  bin/edgesync repo ci -R "$making" --user "$user" -m 'Twenty numbers more' -C "$work" numbers.txt >/dev/null
  printf '#!/bin/sh\necho hello, fossil\n' >"$work/hello.sh"
  chmod +x "$work/hello.sh"
  bin/edgesync repo ci -R "$making" --user "$user" -m 'A greeting' --branch greeting -C "$work" hello.sh >/dev/null
  mv "$making" "$repository"
  rm -rf "$work"
  trap - EXIT
fi

addr=${ADDR:-127.0.0.1:8080}
bind=${BIND:-127.0.0.1}
port=${LEAF_PORT:-7422}
# The leaf prints how to clone from it and how another one joins it.
say ""
exec bin/edgesync leaf --repo "$repository" --serve-http "$addr" --nats-leaf-port "$port" --nats-bind "$bind" --log-format text
