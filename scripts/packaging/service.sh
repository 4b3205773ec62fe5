# shellcheck shell=bash
# The units that 'edgesync up' and 'edgesync join' write, under a real systemd; sourced by scripts/packaging.sh.

# unit_of FILE: the unit's name in a report.
unit_of() { sed -nE 's|.*"unit": ?"/etc/systemd/system/([^"]+)".*|\1|p' "$1"; }
up_as_service() {
  inside mkdir -p /srv/first /srv/second
  inside /usr/local/bin/edgesync up /srv/first/work.fossil --enable-service --json >"$work/up.json" || return 1
  service_up=$(unit_of "$work/up.json") && [ -n "$service_up" ]
}

# With --install-service, which only writes the unit; then the commands that it prints.
join_as_service() {
  local code command
  code=$(sed -nE 's/.*"code": ?"(esj[a-z2-7]+)".*/\1/p' "$work/up.json")
  inside /usr/local/bin/edgesync join "$code" /srv/second/work.fossil --install-service --json >"$work/join.json" || return 1
  service_join=$(unit_of "$work/join.json") && [ -n "$service_join" ] || return 1
  is_state "$service_join" ActiveState inactive || { echo "--install-service has started the unit"; return 1; }
  grep -oE '"systemctl [^"]+"' "$work/join.json" | tr -d '"' >"$work/commands"
  [ -s "$work/commands" ] || { cat "$work/join.json"; return 1; }
  while read -r command; do
    # shellcheck disable=SC2086
    inside $command </dev/null || return 1
  done <"$work/commands"
}

# analyzed UNIT: systemd has nothing to say about the text, and starts it at boot.
analyzed() {
  local said
  said=$(inside systemd-analyze verify "/etc/systemd/system/$1" 2>&1 | grep -F "$1" || true)
  echo "$said"; [ -z "$said" ] && inside systemctl is-enabled "$1"
}
in_sync() { inside /usr/local/bin/edgesync status "$1"; }
commit_arrives() {
  inside sh -c "cd /tmp && echo $1 >$1.txt && /usr/local/bin/edgesync repo ci -R /srv/first/work.fossil -m $1 $1.txt" &&
    until_true 20 inside sh -c "/usr/local/bin/edgesync repo timeline -R /srv/second/work.fossil | grep -q $1"
}

# try_service: in the namespaces of try_systemd, whose ports are free again.
try_service() {
  service_up='' service_join=''
  check "up --enable-service: writes its unit and starts it" up_as_service
  check "up --enable-service: is active" until_true 20 is_state "$service_up" ActiveState active
  check "up --enable-service: systemd-analyze finds nothing, starts at boot" analyzed "$service_up"
  check "join --install-service: writes its unit, whose commands start it" join_as_service
  check "join --install-service: is active" until_true 20 is_state "$service_join" ActiveState active
  check "join --install-service: systemd-analyze finds nothing, starts at boot" analyzed "$service_join"
  check "services: are in sync" until_true 30 in_sync /srv/second/work.fossil
  check "services: a commit arrives" commit_arrives before
  check "up --enable-service: is started again after kill -9" killed_and_back "$service_up"
  check "services: a commit arrives after kill -9" commit_arrives between
  check "services: restart" inside systemctl restart "$service_up" "$service_join"
  check "services: a commit arrives after the restart" commit_arrives after
  check "services: are in sync after the restart" until_true 30 in_sync /srv/second/work.fossil
  check "join --install-service: stops cleanly" stops_cleanly "$service_join"
  check "up --enable-service: stops cleanly" stops_cleanly "$service_up"
}
