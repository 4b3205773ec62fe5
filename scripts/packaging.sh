#!/usr/bin/env bash
# usage: scripts/packaging.sh [systemd] [deb] [image]
# Tries what is under packaging/ with the real things: the units under a systemd of their own (PID 1 of new namespaces, with its
# own network, control group and /etc, /var, /run; nothing of this machine's is touched), the Debian package installed, upgraded
# and removed under such a systemd, the Dockerfile's last stage as an image that is built and run. One line a check; a last line counts them. Needs root, and says what else is missing.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

passed=0 failed=0 skipped=0
work=$(mktemp -d /tmp/edgesync-packaging-XXXXXX)
group=
pids=()

end_systemd() {
  local pid
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done
  pids=()
  # The group empties when the namespace's last process is reaped; a group that is in use is left, and said.
  if [ -n "$group" ]; then
    until_true 5 all_gone || say "processes are left in $group"
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    group=
  fi
}
cleanup() { end_systemd; rm -rf --one-file-system "$work"; }
trap cleanup EXIT
all_gone() { ! grep -qs . "$group/cgroup.procs" $(find "$group" -mindepth 1 -name cgroup.procs 2>/dev/null); }

# until_true SECONDS COMMAND...: looks ten times a second.
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}

# check NAME COMMAND...: one line.
check() {
  local name=$1; shift
  if "$@" >"$work/check.log" 2>&1; then passed=$((passed + 1)); echo "ok      $name"
  else failed=$((failed + 1)); echo "FAILED  $name"; sed 's/^/        /' "$work/check.log" | tail -15; fi
}
skip() { skipped=$((skipped + 1)); echo "skipped $1: $2"; }

source scripts/packaging/systemd.sh
source scripts/packaging/service.sh
source scripts/packaging/deb.sh
source scripts/packaging/image.sh

[ -x bin/edgesync ] || scripts/publish.sh
[ $# -gt 0 ] || set -- systemd deb image
for what in "$@"; do
  case $what in
    systemd) try_systemd; end_systemd ;;
    deb) try_deb; end_systemd ;;
    image) try_image ;;
    *) usage "$0"; exit 2 ;;
  esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
