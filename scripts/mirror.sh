#!/usr/bin/env bash
# usage: scripts/mirror.sh [small] [large] [huge] [disk] [agents] [links]
# Two mirrored asset stores as programs: 10,000 small assets while each side is killed, one asset of 2 GiB that is
# interrupted twice, one of more than 4 GiB with ranges beyond 2^32 (14 GB of disk), a receiver whose disk is full until
# it is made larger, and two services with agents on two machines: the original's six scenarios of 102 assets, then
# kill -9 of each program; the same scenarios with a megabyte over the links lte to worst (the last three by root alone).
# EDGESYNC_BIN names the program (default: bin/edgesync, which is published if it is missing).
set -euo pipefail
source "$(dirname "$0")/lib.sh"

apt_install python3 curl iproute2 util-linux
if [ -z "${EDGESYNC_BIN:-}" ]; then
  [ -x "$root/bin/edgesync" ] || "$root/scripts/publish.sh" >&2
fi
exec python3 "$root/scripts/mirror.py" "$@"
