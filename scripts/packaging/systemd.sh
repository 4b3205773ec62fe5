# shellcheck shell=bash
# The units under a real systemd; sourced by scripts/packaging.sh.

# Runs inside the new namespaces: a root that shares /usr with this machine and nothing else, then systemd.
make_root() {
  local device unit
  mount --make-rprivate /
  mkdir -p "$tree" && mount -t tmpfs -o mode=755 tmpfs "$tree"
  (cd "$tree" && mkdir -p usr etc var/lib var/log/journal run tmp mnt dev proc sys root && for link in bin sbin lib lib64; do ln -s "usr/$link" $link; done)
  mount --bind /usr "$tree/usr" && mount -o remount,bind,ro "$tree/usr"
  mount -t tmpfs -o mode=755 tmpfs "$tree/usr/local" && install -D bin/edgesync "$tree/usr/local/bin/edgesync"
  for device in null zero full random urandom tty; do touch "$tree/dev/$device"; mount --bind "/dev/$device" "$tree/dev/$device"; done
  touch "$tree/dev/console" && mount --bind /dev/null "$tree/dev/console"
  mkdir "$tree/dev/shm" && ln -s /proc/self/fd "$tree/dev/fd"
  mount -t proc proc "$tree/proc"
  mount -t sysfs -o ro sysfs "$tree/sys"
  mount -t tmpfs -o mode=755 tmpfs "$tree/sys/fs/cgroup" && mount -t cgroup2 cgroup2 "$tree/sys/fs/cgroup"

  cp /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache "$tree/etc/"
  mkdir -p "$tree/etc/systemd/system" "$tree/root"
  [ ! -d /etc/ssl ] || cp -r /etc/ssl "$tree/etc/"
  echo 0123456789abcdef0123456789abcdef >"$tree/etc/machine-id"
  touch "$tree/etc/fstab"
  if [ -n "${with_dpkg:-}" ]; then prepare_dpkg
  else mkdir -p "$tree/etc/edgesync" && install -m 644 packaging/systemd/*.service "$tree/etc/systemd/system/"; fi
  # What a machine has and these namespaces have not.
  for unit in systemd-udevd.service systemd-udev-trigger.service systemd-logind.service systemd-modules-load.service systemd-sysctl.service \
    systemd-timesyncd.service dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    sys-fs-fuse-connections.mount; do
    ln -sf /dev/null "$tree/etc/systemd/system/$unit"
  done
  # Not chroot: units with a user namespace of their own could make none.
  cd "$tree" && pivot_root . .
  exec env -i container=edgesync-packaging PATH=/usr/local/bin:/usr/bin:/usr/sbin \
    sh -c 'umount -l . && cd / && exec /lib/systemd/systemd --system --unit=multi-user.target --show-status=no'
}

inside() { nsenter -t "$init" -m -p -u -i -n -C -r -w -- "$@"; }
state_of() { inside systemctl show -P "$2" "$1"; }
is_state() { [ "$(state_of "$1" "$2")" = "$3" ]; }
journal_has() { inside journalctl --no-pager -q -u "$1" | grep -q -- "$2"; }
is_ready() { inside /usr/local/bin/edgesync ready "127.0.0.1:$1"; }
booted() {
  [ -f "$group/init.scope/cgroup.procs" ] && init=$(head -1 "$group/init.scope/cgroup.procs") && [ -n "$init" ] &&
    inside systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'
}

# drop_in UNIT TEXT: a setting of this machine's.
drop_in() {
  inside sh -c "mkdir -p /etc/systemd/system/$1.service.d && printf '[Service]\n%s\n' '$2' >/etc/systemd/system/$1.service.d/test.conf"
  inside systemctl daemon-reload
}

killed_and_back() {
  local restarts
  restarts=$(state_of "$1" NRestarts)
  inside systemctl kill -s KILL "$1"
  until_true 20 is_state "$1" NRestarts $((restarts + 1)) && until_true 20 is_state "$1" ActiveState active
}

# restarted_since UNIT COUNT: more often than COUNT. On a busy machine a short watchdog may fire twice.
restarted_since() { [ "$(state_of "$1" NRestarts)" -gt "$2" ]; }

frozen_and_back() {
  local restarts
  drop_in "$1" WatchdogSec=3 && inside systemctl restart "$1"
  restarts=$(state_of "$1" NRestarts)
  inside /bin/kill -STOP "$(state_of "$1" MainPID)"
  until_true 60 restarted_since "$1" "$restarts" && until_true 60 is_state "$1" ActiveState active &&
    until_true 20 journal_has "$1" 'Watchdog timeout'
}

stops_cleanly() {
  local begin=$SECONDS
  inside systemctl stop "$1" && is_state "$1" Result success && is_state "$1" ActiveState inactive && [ $((SECONDS - begin)) -le 25 ]
}

stays_down() {
  inside sh -c 'echo "{ \"bridge\": { \"nonsense\": 1 } }" >/etc/edgesync/bridge.json'
  inside systemctl restart "$1" && return 1
  until_true 10 is_state "$1" ActiveState failed && is_state "$1" ExecMainStatus 2 && is_state "$1" NRestarts 0
}

write_leaf_settings() {
  inside sh -c "umask 077; printf '%s\n' LEAF_CLONE_FROM=http://127.0.0.1:8080/ LEAF_SERVE_HTTP=127.0.0.1:8081 LEAF_NATS_URL=nats-leaf://127.0.0.1:7422 >/etc/edgesync/site.env"
}

write_bridge_settings() {
  local code
  code=$(inside /usr/local/bin/edgesync repo info -R /var/lib/edgesync/hub.fossil --json | grep -oE '"project_code": *"[0-9a-f]{40}"' | grep -oE '[0-9a-f]{40}')
  inside sh -c "echo '{ \"nats\": { \"urls\": [\"nats-leaf://127.0.0.1:7422\"] }, \"http\": { \"listen\": \"127.0.0.1:8082\" }, \"bridge\": { \"projects\": [ { \"code\": \"$code\", \"url\": \"http://127.0.0.1:8080/\" } ] } }' >/etc/edgesync/bridge.json"
}

verify_units() {
  local said
  # The program need not be installed on this machine.
  said=$(systemd-analyze verify packaging/systemd/*.service 2>&1 | grep -v '/usr/local/bin/edgesync is not executable' || true)
  echo "$said"; [ -z "$said" ]
}

# rated_below NUMBER: systemd's own rating of what the units leave open, from 0 to 10.
rated_below() {
  local unit rating
  for unit in packaging/systemd/*.service; do
    cp "$unit" "$work/rated.service"
    rating=$(systemd-analyze security --offline=true --no-pager "$work/rated.service" | sed -nE 's/.*Overall exposure level.*: ([0-9.]+) .*/\1/p')
    echo "${unit##*/}: $rating"
    awk -v rating="$rating" -v most="$1" 'BEGIN { exit !(rating != "" && rating < most) }' || return 1
  done
}

# boot_systemd: a systemd of its own in new namespaces; sets init. Skips, and answers 1, where that cannot be. With
# with_dpkg=1 its /usr can be written (nothing reaches this machine's) and the packages of $work lie in /root/packages.
boot_systemd() {
  local base
  [ -x /lib/systemd/systemd ] || { skip systemd "systemd could not be installed"; return 1; }
  base=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  [ -n "$base" ] || { skip "the units under systemd" "no cgroup2 is mounted here"; return 1; }
  tree=$(mktemp -d "$work/root-XXXX")
  group=$base/edgesync-packaging-$$
  mkdir "$group" 2>/dev/null || { group=; skip "the units under systemd" "no control group can be made below $base"; return 1; }
  export -f make_root prepare_dpkg
  (
    echo $BASHPID >"$group/cgroup.procs"
    tree=$tree work=$work with_dpkg=${with_dpkg:-} exec unshare --fork --kill-child --pid --mount --uts --ipc --net --cgroup bash -euc make_root
  ) >"$work/boot.log" 2>&1 </dev/null &
  pids+=($!)
  init=
  if ! until_true 60 booted; then skip "the units under systemd" "it does not start in namespaces here: $(tail -1 "$work/boot.log")"; return 1; fi

}

try_systemd() {
  local leaf=edgesync-leaf@site hub=edgesync-hub bridge=edgesync-bridge
  [ "$(id -u)" -eq 0 ] || { skip systemd "needs root"; return 0; }
  apt_install systemd dbus || true
  [ -x /lib/systemd/systemd ] || { skip systemd "systemd could not be installed"; return 0; }
  check "systemd-analyze finds nothing in the units" verify_units
  check "systemd-analyze rates each below 1.5" rated_below 1.5

  boot_systemd || return 0
  check "hub: starts and says that it is ready" inside systemctl start $hub
  check "hub: answers" is_ready 8080
  check "hub: reloads" inside systemctl reload $hub
  check "hub: says so in the journal" until_true 10 journal_has $hub 'Reloaded the settings'
  check "hub: is started again after kill -9" killed_and_back $hub
  check "hub: answers again" until_true 20 is_ready 8080
  check "hub: is started again when it hangs (watchdog)" frozen_and_back $hub
  write_leaf_settings
  check "leaf: clones from the hub, and is ready" inside systemctl start $leaf
  check "leaf: answers" until_true 20 is_ready 8081
  write_bridge_settings
  check "bridge: starts and says that it is ready" inside systemctl start $bridge
  check "bridge: answers" until_true 10 is_ready 8082
  check "leaf: stops cleanly" stops_cleanly $leaf
  check "bridge: is not started again with wrong settings" stays_down $bridge
  check "hub: stops cleanly" stops_cleanly $hub
  try_service
  if [ $failed -gt 0 ]; then inside journalctl --no-pager -q -u 'edgesync*' | tail -40; fi
}
