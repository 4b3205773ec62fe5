# shellcheck shell=bash
# The Dockerfile's last stage, built and run by buildah; sourced by scripts/packaging.sh. The base images come from a registry that
# need not be reachable: in their place stands what they promise (glibc, OpenSSL, certificates, the user 1654), from this machine.

builder() { "${in_session[@]}" buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"; }

# library NAME...: copies those of this machine, with their path.
library() {
  local name file
  for name in "$@"; do
    file=$(ldconfig -p | awk -v name="$name" '$1 == name { print $NF; exit }')
    [ -n "$file" ] || { echo "no $name on this machine"; return 1; }
    install -D "$(readlink -f "$file")" "$base$file"
  done
}

make_base() {
  base=$work/base
  library libc.so.6 libm.so.6 libssl.so.3 libcrypto.so.3 libz.so.1 libdl.so.2 libpthread.so.0 || return 1
  install -D "$(readlink -f /lib64/ld-linux-x86-64.so.2)" "$base/lib64/ld-linux-x86-64.so.2" || return 1
  mkdir -p "$base/etc" "$base/tmp" && chmod 1777 "$base/tmp"
  echo 'app:x:1654:1654::/home/app:/bin/false' >"$base/etc/passwd"
  echo 'app:x:1654:' >"$base/etc/group"
  local made
  made=$(builder from scratch) && builder copy -q "$made" "$base" / && builder commit -q "$made" localhost/edgesync-base
}

# The stage that runs, with our base and with the program that is built already.
build_image() {
  mkdir -p "$work/context/data" && cp bin/edgesync "$work/context/"
  awk '/^FROM /{ stage++ } stage == 2' packaging/docker/Dockerfile |
    sed 's|^FROM .*|FROM localhost/edgesync-base|; s|--from=build /source/bin/edgesync|edgesync|; s|--from=build \(--chown=[0-9:]*\) /empty/data|\1 data|' >"$work/context/Dockerfile"
  builder build -q --isolation chroot --pull-never -t localhost/edgesync "$work/context"
}

image_says() { builder inspect --type image --format "{{.OCIv1.Config.$1}}" localhost/edgesync | grep -qF -- "$2"; }
run_in() { builder run --isolation chroot --user 1654:1654 "$@"; }

leaf_answers() { run_in "$container" -- /usr/local/bin/edgesync ready "127.0.0.1:$port"; }
leaf_serves() { local into=$work/copy.fossil; rm -f "$into"; bin/edgesync repo clone "http://127.0.0.1:$port/" "$into" --once; }

leaf_ends() {
  pgrep -a -s "$leaf"
  kill -TERM "$(pgrep -n -s "$leaf")"   # the newest of the session is the program itself
  until_true 20 leaf_is_gone && grep -q 'stopping' "$work/leaf.log" && return 0
  cat "$work/leaf.log"; return 1
}
leaf_is_gone() { ! kill -0 -- "-$leaf" 2>/dev/null; }

# compose_env SERVICE: the environment that compose-two.yaml gives a service, as options of `buildah run`. The containers share
# this machine's network, so the first node's name is loopback, and each has ports of its own.
compose_env() {
  awk -v service="$1" '/^  [a-z]+:$/ { inside = $1 == service ":"; environment = 0 }
    inside && /^    [a-z_]+:/ { environment = $1 == "environment:" }
    inside && environment && /^      [A-Z_]+:/ { key = $1; sub(/^ *[A-Z_]+: */, ""); gsub(/"/, ""); print "--env"; print key $0 }' packaging/docker/compose-two.yaml |
    sed -E "s/^([A-Z_]+):/\1=/; s/first:8080/127.0.0.1:$first_port/; s/first:7422/127.0.0.1:$leaf_port/
      s/^LEAF_SERVE_HTTP=.*/LEAF_SERVE_HTTP=127.0.0.1:$2/; s/^LEAF_NATS_LEAF_PORT=.*/LEAF_NATS_LEAF_PORT=$leaf_port/; s/^(LEAF_NATS_BIND)=.*/\1=127.0.0.1/"
}

# start_node SERVICE CONTAINER PORT: in the background, a session of its own; its id is added to `nodes`.
start_node() {
  local environment in_session=(exec setsid)
  mapfile -t environment < <(compose_env "$1" "$3")
  [ ${#environment[@]} -gt 4 ] || { echo "compose-two.yaml has no environment for $1"; return 1; }
  run_in "${environment[@]}" "$2" -- /usr/local/bin/edgesync leaf >"$work/$1.log" 2>&1 &
  nodes+=($!)
}

second_has() { rm -f "$work/from-second.fossil"; bin/edgesync repo clone "http://127.0.0.1:$second_port/" "$work/from-second.fossil" --once && bin/edgesync repo ls -R "$work/from-second.fossil" | grep -qx "$1"; }
commit_at_first() {
  run_in "$first" -- /usr/local/bin/edgesync repo user update nobody --cap cghijoz -R /data/site.fossil &&
    (cd "$work" && rm -f to-first.fossil && "$root/bin/edgesync" repo clone "http://127.0.0.1:$first_port/" to-first.fossil --once &&
      echo "$1" >"$1" && "$root/bin/edgesync" repo ci "$1" -m "$1" -R to-first.fossil --user tester &&
      "$root/bin/edgesync" repo push "http://127.0.0.1:$first_port/" -R to-first.fossil --once)
}
are_linked() { curl -fsS "http://127.0.0.1:$second_port/status" | grep -q '"state": *"connected"'; }

# The two nodes of compose-two.yaml, from the same image.
try_two_nodes() {
  local first second first_port second_port leaf_port nodes=() node
  # Nothing listens yet: each further port is another one.
  first_port=$(free_port)
  second_port=$(free_port $(seq $((first_port + 1)) $((first_port + 40))))
  leaf_port=$(free_port $(seq $((second_port + 1)) $((second_port + 40))))
  first=$(builder from --pull-never localhost/edgesync) && second=$(builder from --pull-never localhost/edgesync) || { failed=$((failed + 1)); return 0; }
  run_in "$first" -- /usr/local/bin/edgesync repo new /data/site.fossil --user tester >/dev/null
  start_node first "$first" "$first_port"
  start_node second "$second" "$second_port"
  check "two nodes: the second clones the first" until_true 40 curl -fsS "http://127.0.0.1:$second_port/readyz"
  check "two nodes: the second joins the first one's broker" until_true 20 are_linked
  check "two nodes: a commit reaches the first" commit_at_first one.txt
  check "two nodes: and then the second" until_true 20 second_has one.txt
  [ $failed -eq 0 ] || tail -n 20 "$work/first.log" "$work/second.log"
  for node in "${nodes[@]}"; do kill -KILL -- "-$node" 2>/dev/null || true; wait "$node" 2>/dev/null || true; done
}

try_image() {
  local container port leaf in_session=()
  [ "$(id -u)" -eq 0 ] || { skip image "needs root"; return 0; }
  [ "$(host_rid)" = linux-x64 ] || { skip image "the stand-in for the base image is made for linux-x64"; return 0; }
  apt_install buildah curl || true
  command -v buildah >/dev/null || { skip image "buildah could not be installed"; return 0; }
  if ! make_base >"$work/base.log" 2>&1; then skip image "buildah cannot make images here: $(tail -1 "$work/base.log")"; return 0; fi

  check "image: builds" build_image
  check "image: runs the program" image_says Entrypoint /usr/local/bin/edgesync
  check "image: does not run as root" image_says User 1654:1654
  container=$(builder from --pull-never localhost/edgesync) || { failed=$((failed + 1)); return 0; }
  port=$(free_port)
  check "image: the program starts" run_in "$container" -- /usr/local/bin/edgesync --version
  check "image: makes a repository in /data" run_in "$container" -- /usr/local/bin/edgesync repo new /data/site.fossil --user tester
  in_session=(exec setsid)   # what it starts ends with it
  run_in --env LEAF_REPO=/data/site.fossil --env "LEAF_SERVE_HTTP=127.0.0.1:$port" "$container" -- /usr/local/bin/edgesync leaf >"$work/leaf.log" 2>&1 &
  leaf=$!
  in_session=()
  check "image: its health check passes" until_true 20 leaf_answers
  check "image: serves a clone" leaf_serves
  check "image: ends when it is told to" leaf_ends
  kill -KILL -- "-$leaf" 2>/dev/null || true
  try_two_nodes
}
