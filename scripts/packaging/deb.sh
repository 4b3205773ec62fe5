# shellcheck shell=bash
# The Debian packages: what is in them, and one installed, started, upgraded and removed under a real systemd; sourced by
# scripts/packaging.sh, after systemd.sh whose namespaces it uses.

deb_of() { ls "artifacts/release/edgesync_"*"_$1.deb"; }

# has_files PACKAGE PATH...
has_files() {
  local package=$1 path; shift
  dpkg-deb -c "$package" >"$work/contents"
  for path; do grep -q " \.$path\( ->.*\)\?$" "$work/contents" || { echo "$package lacks $path"; cat "$work/contents"; return 1; }; done
}

# A later version of the same package, to upgrade to.
make_newer() {
  rm -rf "$work/newer" && dpkg-deb -R "$(deb_of amd64)" "$work/newer"
  sed -i 's/^Version: .*/Version: 99.0/' "$work/newer/DEBIAN/control"
  dpkg-deb --root-owner-group -Znone --build "$work/newer" "$work/newer.deb" >/dev/null
}

runs_arm64() {
  command -v qemu-aarch64-static >/dev/null || return 0
  rm -rf "$work/arm64" && dpkg-deb -x "$(deb_of arm64)" "$work/arm64" && qemu-aarch64-static -L / "$work/arm64/usr/bin/edgesync" --version
}

# For the namespaces' root: its /usr takes writes that stay there, and it has a dpkg of its own with what is installed here.
prepare_dpkg() {
  mount -t tmpfs tmpfs "$tree/mnt" && mkdir "$tree/mnt/upper" "$tree/mnt/work"
  umount "$tree/usr/local" "$tree/usr"
  mount -t overlay -o "lowerdir=/usr,upperdir=$tree/mnt/upper,workdir=$tree/mnt/work" overlay "$tree/usr"
  mkdir -p "$tree/var/lib/dpkg" && cp -r /var/lib/dpkg/. "$tree/var/lib/dpkg/"
  mkdir -p "$tree/var/log" "$tree/var/cache" "$tree/root/packages"
  cp "$work"/first.deb "$work"/newer.deb "$tree/root/packages/"
}

started_again() { [ "$(state_of "$1" MainPID)" != "$2" ] && is_state "$1" ActiveState active; }
is_gone() { ! inside test -e /usr/bin/edgesync && ! is_state "$1" ActiveState active; }

new_repository() {
  inside systemd-run --quiet --pipe --wait -p DynamicUser=yes -p User=edgesync -p StateDirectory=edgesync -p UMask=0077 \
    /usr/bin/edgesync repo new /var/lib/edgesync/site.fossil
}

# A broker for other leaves and no HTTP: what asks for readiness has the control socket only.
write_site_settings() {
  inside sh -c "umask 077; echo LEAF_NATS_LEAF_PORT=7422 >/etc/edgesync/site.env"
}

try_deb() {
  local leaf=edgesync-leaf@site pid
  [ "$(id -u)" -eq 0 ] || { skip deb "needs root"; return 0; }
  apt_install systemd dbus dpkg || true
  ls artifacts/release/*.deb >/dev/null 2>&1 || EDGESYNC_SKIP_PUBLISH=1 scripts/release.sh
  for arch in amd64 arm64; do
    check "$arch: has the program, units, completions, man page" has_files "$(deb_of $arch)" /usr/bin/edgesync \
      /usr/lib/systemd/system/edgesync-leaf@.service /usr/lib/systemd/system/edgesync-hub.service \
      /usr/share/bash-completion/completions/edgesync /usr/share/man/man1/edgesync.1.gz /etc/edgesync/
  done
  check "arm64: the program runs" runs_arm64
  make_newer && cp "$(deb_of amd64)" "$work/first.deb"

  with_dpkg=1 boot_systemd || return 0
  check "installs" inside dpkg -i /root/packages/first.deb
  check "starts nothing by itself" is_state edgesync-hub ActiveState inactive
  check "a new repository is made as the user of the service" new_repository
  write_site_settings
  check "the leaf starts" inside systemctl start $leaf
  check "the leaf is ready, asked without a port" until_true 20 inside /usr/bin/edgesync ready -R /var/lib/edgesync/site.fossil
  check "runs as a user without rights" leaf_is_unprivileged $leaf
  pid=$(state_of $leaf MainPID)
  check "upgrades" inside dpkg -i /root/packages/newer.deb
  check "the leaf runs on the new file" until_true 20 started_again $leaf "$pid"
  check "the leaf is ready again" until_true 20 inside /usr/bin/edgesync ready -R /var/lib/edgesync/site.fossil
  check "is removed" inside dpkg -r edgesync
  check "nothing of it runs or is left in /usr" is_gone $leaf
  check "the repository is kept" inside test -s /var/lib/edgesync/site.fossil
  check "purges" inside dpkg -P edgesync
  check "the repository is kept even then" inside test -s /var/lib/edgesync/site.fossil
  if [ $failed -gt 0 ]; then inside journalctl --no-pager -q -u 'edgesync*' | tail -40; fi
}

leaf_is_unprivileged() {
  local pid
  pid=$(state_of "$1" MainPID)
  [ "$(inside stat -c %u "/proc/$pid")" != 0 ] && [ "$(inside stat -L -c %a /var/lib/edgesync/site.fossil)" = 600 ]
}
