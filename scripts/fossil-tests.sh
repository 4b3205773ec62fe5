#!/usr/bin/env bash
# usage: scripts/fossil-tests.sh [--all] [SCRIPT...]
# Runs Fossil's own test scripts with our file called `fossil` and, where a check fails then, with stock Fossil 2.21, and
# prints a table: script, stock, ours, and the checks that stock passes and we do not. --all, or EDGESYNC_BESIDE=1, runs stock
# for each script. The scripts come with Debian's source package, which is fetched into
# artifacts/ when this runs first; they are run by their own tester.tcl, unchanged. Without names: the scripts below;
# --all: also those that start the program some thousand times. Ends with 1 when a check that stock passes fails here. The
# program is EDGESYNC_BIN, by default bin/edgesync.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
cd "$root"

scripts=(amend clean commit-warning contains-selector diff file1 glob merge1 merge3 merge4 merge5 merge6 merge_exe
  merge_renames merge_renames_2 merge_warn mv-rm reserved-names revert stash symlinks)
long=(delta1 merge2 utf set-manifest settings-repo unversioned wiki)

[ "${1:-}" != --all ] || { scripts+=("${long[@]}"); EDGESYNC_BESIDE=1; shift; }
[ $# -eq 0 ] || scripts=("$@")
ours=${EDGESYNC_BIN:-$root/bin/edgesync}
[ -x "$ours" ] || die "$ours is missing: scripts/publish.sh makes it"
apt_install fossil tcl tcllib procps
stock=${EDGESYNC_FOSSIL:-$(command -v fossil)}
source_tests=$(fossil_source)

# Programs of the scripts are found by their names, and no setting of the user is in the way.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/ours" "$work/stock" "$work/home" "$root/artifacts/fossil-tests"
ln -s "$(realpath "$ours")" "$work/ours/fossil"
ln -s "$(realpath "$stock")" "$work/stock/fossil"

# A folder of its own for each script: delta1 takes every file that lies beside it, and needs only a few.
folder_of() {
  local to=$work/scripts/$1
  mkdir -p "$to"
  cp "$source_tests/tester.tcl" "$source_tests/$1.test" "$to/"
  case $1 in
    delta1) cp "$source_tests/diff-test-1.wiki" "$source_tests/utf16le.txt" "$to/"; rm "$to/delta1.test"; cp "$source_tests/delta1.test" "$to/" ;;
    *) cp -r "$source_tests"/*.txt "$source_tests"/*.sql "$source_tests"/*.wiki "$source_tests"/*.md "$source_tests"/fake-editor.tcl "$to/" ;;
  esac
  echo "$to"
}

# run PROGRAM SCRIPT: "PASSED TOTAL", and the failed checks one a line into a file.
run() {
  local program=$1 script=$2 log=$root/artifacts/fossil-tests/$2-$1.log temp=$work/temp/$1-$2
  mkdir -p "$temp"
  (cd "$temp" && env -i PATH="$PATH" HOME="$work/home" USER=tester TZ=UTC LC_ALL=C.UTF-8 FOSSIL_TEST_TEMP="$temp" TEMP="$temp" \
    ${EDGESYNC_MEMORY_LIMIT:+EDGESYNC_MEMORY_LIMIT=$EDGESYNC_MEMORY_LIMIT} DOTNET_ROOT="${DOTNET_ROOT:-}" \
    timeout 600 tclsh "$work/scripts/$script/tester.tcl" "$work/$program/fossil" "$script" </dev/null >"$log" 2>&1) || true
  rm -rf "$temp"
  sed -nE 's/^test (.*) FAILED!$/\1/p' "$log" | sort >"$work/$program-$script.failed"
  sed -nE 's/^test (.*) OK( \(knownBug\)\?)?$/\1/p' "$log" | sort >"$work/$program-$script.passed"
  awk -v passed="$(wc -l <"$work/$program-$script.passed")" \
    '/Final results:/ { split($0, w, "out of "); split(w[2], t, " "); total = t[1]; failed = $4 } END { print (total == "" ? "ended early" : total - failed), (total == "" ? passed : total) }' "$log"
}

status=0
printf '| %-18s | %-9s | %-9s | %s\n' script stock ours 'passed by stock alone |'
printf '| %s | %s | %s | %s |\n' --- --- --- ---
for script in "${scripts[@]}"; do
  [ -f "$source_tests/$script.test" ] || { say "there is no script $script in Fossil 2.21"; continue; }
  folder_of "$script" >/dev/null
  mine=$(run ours "$script")
  # Nothing of stock's can be missing where each check passed.
  theirs='not run'
  if [ -n "${EDGESYNC_BESIDE:-}" ] || [ "${mine% *}" != "${mine#* }" ] || [ -s "$work/ours-$script.failed" ]; then
    theirs=$(run stock "$script")
  else
    : >"$work/stock-$script.passed"
  fi
  missing=$(comm -23 "$work/stock-$script.passed" "$work/ours-$script.passed" | tr '\n' ' ')
  printf '| %-18s | %-9s | %-9s | %s |\n' "$script" "$(sed "s/^\([0-9]*\) /\1 of /" <<<"$theirs")" "${mine// / of }" "$(cut -c1-300 <<<"${missing% }")"
  [ -z "$missing" ] || status=1
done
exit "$status"
