#!/usr/bin/env bash
# usage: scripts/release.sh [RID...]
# Makes what a release consists of, in artifacts/release: for each RID an archive (edgesync-VERSION-RID.tar.gz: the file,
# completions, man page, systemd units, licence) and for Linux with glibc a Debian package, the libraries as NuGet packages
# with their symbols, an SBOM (CycloneDX) and checksums.txt. RIDs are those that this machine builds unless given.
# EDGESYNC_SKIP_PUBLISH=1 takes the files that are already in bin/, EDGESYNC_FAST_PACKAGES=1 packs fast instead of small.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

version=$(sed -nE 's/.*<Version>([^<]+)<.*/\1/p' build/Common.props)
here=$(host_rid)
[ $# -gt 0 ] || set -- $([ "$here" = linux-x64 ] && echo "$published_rids" || echo "$here")
release=$root/artifacts/release
work=$root/artifacts/release-work
rm -rf "$release" "$work" && mkdir -p "$release" "$work"

binary_of() { if [ "$1" = "$here" ]; then echo "bin/edgesync"; else echo "bin/$1/edgesync"; fi; }

# Completions and the man page are the same for all; the program that runs here prints them.
make_shared() {
  local program=$1
  mkdir -p "$work/shared"
  "$program" completion bash >"$work/shared/edgesync.bash"
  "$program" completion zsh >"$work/shared/_edgesync"
  "$program" completion fish >"$work/shared/edgesync.fish"
  "$program" man >"$work/shared/edgesync.1"
}

# make_archive RID: everything below one folder, with the owner that tar gives a root that unpacks it.
make_archive() {
  local rid=$1 name=edgesync-$version-$1 folder
  folder=$work/$name
  install -D -m 755 "$(binary_of "$rid")" "$folder/edgesync"
  find "$(dirname "$(binary_of "$rid")")" -maxdepth 1 -name '*e_sqlite3*' -exec cp {} "$folder/" \;
  install -D -m 644 -t "$folder" LICENSE README.md
  install -D -m 644 -t "$folder/completions" "$work"/shared/{edgesync.bash,_edgesync,edgesync.fish}
  install -D -m 644 -t "$folder/man" "$work/shared/edgesync.1"
  install -D -m 644 -t "$folder/systemd" packaging/systemd/*
  tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" |
    gzip "-n${EDGESYNC_FAST_PACKAGES:-9}" >"$release/$name.tar.gz"
}

# make_deb RID
make_deb() {
  local rid=$1 arch tree unit libc
  case $rid in linux-x64) arch=amd64 ;; linux-arm64) arch=arm64 ;; *) return 0 ;; esac
  command -v dpkg-deb >/dev/null || { say "no dpkg-deb here: no Debian package"; return 0; }
  tree=$work/deb-$arch
  install -D -m 755 "$(binary_of "$rid")" "$tree/usr/bin/edgesync"
  install -D -m 644 "$work/shared/edgesync.bash" "$tree/usr/share/bash-completion/completions/edgesync"
  install -D -m 644 "$work/shared/_edgesync" "$tree/usr/share/zsh/vendor-completions/_edgesync"
  install -D -m 644 "$work/shared/edgesync.fish" "$tree/usr/share/fish/vendor_completions.d/edgesync.fish"
  install -d "$tree/usr/share/man/man1"
  gzip -n9c "$work/shared/edgesync.1" >"$tree/usr/share/man/man1/edgesync.1.gz"
  for unit in packaging/systemd/*.service; do
    install -D -m 644 /dev/null "$tree/usr/lib/systemd/system/${unit##*/}"
    sed 's|/usr/local/bin/edgesync|/usr/bin/edgesync|g' "$unit" >"$tree/usr/lib/systemd/system/${unit##*/}"
  done
  install -D -m 644 -t "$tree/usr/share/doc/edgesync/examples" packaging/systemd/*.example
  install -D -m 644 -t "$tree/usr/share/doc/edgesync" README.md packaging/debian/copyright
  install -d -m 755 "$tree/etc/edgesync"
  install -d "$tree/DEBIAN"
  libc=$(objdump_of "$rid" -T "$tree/usr/bin/edgesync" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -1 | cut -d_ -f2)
  sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@LIBC@/$libc/; s/@SIZE@/$(du -sk --exclude=DEBIAN "$tree" | cut -f1)/" \
    packaging/debian/control.in >"$tree/DEBIAN/control"
  install -m 755 -t "$tree/DEBIAN" packaging/debian/{postinst,prerm,postrm}
  (cd "$tree" && find usr -type f -printf '%P\n' | sort | sed 's|^|usr/|' | xargs md5sum >DEBIAN/md5sums)
  dpkg-deb --root-owner-group -Zxz ${EDGESYNC_FAST_PACKAGES:+-z1} --build "$tree" "$release/edgesync_${version}_$arch.deb" >/dev/null
}

# The libraries, for programs in C#; each carries its README.
make_packages() {
  local package
  [ -n "${EDGESYNC_SKIP_PUBLISH:-}" ] || dotnet build EdgeSync.sln -c Release -v q -nologo
  dotnet pack EdgeSync.sln -c Release --no-build -v q -nologo -o "$release"
  for package in "$release"/*.nupkg; do
    python3 -m zipfile -l "$package" | grep README.md >/dev/null || die "$package has no README"
  done
}

# The packages that a restore resolves, and what is linked from elsewhere. The tool gets a folder of its own: `dotnet tool
# restore` remembers by user where a tool lay, and neither looks again nor mends its note when that folder is gone.
cyclonedx_version=6.3.1
make_sbom() {
  local file=edgesync-$version.cdx.json
  dotnet restore src/EdgeSync.Cli -v q --locked-mode
  dotnet tool install CycloneDX --version "$cyclonedx_version" --tool-path "$work/tools" --verbosity quiet >/dev/null
  DOTNET_ROOT=$(dirname "$(readlink -f "$(command -v dotnet)")") "$work/tools/dotnet-CycloneDX" \
    src/EdgeSync.Cli/EdgeSync.Cli.csproj --exclude-dev --disable-package-restore \
    --output "$release" --filename "$file" --output-format Json --set-name edgesync --set-version "$version" >"$work/sbom.log" 2>&1 ||
    { tail -20 "$work/sbom.log" >&2; die "the SBOM could not be made"; }
  python3 scripts/release-sbom.py "$release/$file" \
    "$(sed -nE 's/.*<EdgeSyncPacksVersion[^>]*>([^<]+)<.*/\1/p' build/Common.props)" \
    "$("$(binary_of "$here")" --version | sed -nE 's/.*SQLite ([0-9.]+).*/\1/p')"
}

need_dotnet
command -v python3 >/dev/null || apt_install python3
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH
for rid; do
  [ -n "${EDGESYNC_SKIP_PUBLISH:-}" ] && [ -x "$(binary_of "$rid")" ] || scripts/publish.sh "$rid"
done
make_shared "$(binary_of "$here")"
for rid; do
  make_archive "$rid"
  make_deb "$rid"
done
make_packages
make_sbom
(cd "$release" && sha256sum -- * >checksums.txt)
say "in artifacts/release:"
(cd "$release" && ls -l | awk 'NR > 1 {printf "  %10d  %s\n", $5, $9}') >&2
