#!/bin/sh
# RabbitMQ with a user for each role, none of them known by default: passwords are made up when there are none yet.
#
#   synergos-queue                # the server
#   synergos-queue credentials    # writes users and passwords only, as root: for folders that are mounted in several containers
#   synergos-queue definitions    # prints what the server is told of them
#   synergos-queue settings       # prints what it is told of TLS
#   synergos-queue revocations    # prints what it is told of them, and of all that no other file says
#   synergos-queue health         # whether it takes connections, of programs and of people
#
# With SYNERGOS_TLS_CERT, SYNERGOS_TLS_KEY and SYNERGOS_TLS_CA, files in PEM format that its user reads, it speaks TLS alone: at 5671
# with programs that show a certificate of that authority, and at 15671 its pages. New files are taken up while it runs. Where the
# authority's list of revocations lies beside SYNERGOS_TLS_CA (<hash>.r0, as synergos pki writes it), it is read at each connection.
#
# Each role has a folder of its own below SYNERGOS_QUEUE_CREDENTIALS: administrator (people), director, ttp. Whoever is shown one
# of them sees no other's. The server goes by what is written there whenever it starts.
set -eu
umask 077
folder=${SYNERGOS_QUEUE_CREDENTIALS:-/var/lib/rabbitmq/credentials}
topology=${SYNERGOS_QUEUE_TOPOLOGY:-/etc/rabbitmq/synergos_topology.json}
definitions=/var/lib/rabbitmq/synergos_definitions.json
settings=/var/lib/rabbitmq/synergos.conf
told_advanced=${SYNERGOS_QUEUE_ADVANCED:-/etc/rabbitmq/advanced.config}
advanced=/var/lib/rabbitmq/synergos_advanced.config
roles="administrator director ttp"

SYNERGOS_QUEUE_USER=${SYNERGOS_QUEUE_USER:-${RABBITMQ_DEFAULT_USER:-}}
SYNERGOS_QUEUE_PASSWORD=${SYNERGOS_QUEUE_PASSWORD:-${RABBITMQ_DEFAULT_PASS:-}}
case $SYNERGOS_QUEUE_USER in
  guest)
    echo "synergos-queue: everybody knows the user guest: expected another name in RABBITMQ_DEFAULT_USER or SYNERGOS_QUEUE_USER" 1>&2
    exit 2
    ;;
  director | ttp)
    echo "synergos-queue: $SYNERGOS_QUEUE_USER is another role's user: expected the administrator's name" 1>&2
    exit 2
    ;;
esac

# FILE CONTENT: in its place all at once, so that a half-written one is never read.
write() {
  printf %s "$2" >"$1.new"
  mv "$1.new" "$1"
}

# What is set goes before what was written; what was written stays.
write_credentials() {
  for role in $roles; do
    mkdir -p "$folder/$role"
  done
  # Of a queue with a single user, which is the administrator from now on.
  for name in user password; do
    if [ -s "$folder/$name" ] && [ ! -s "$folder/administrator/$name" ]; then
      mv "$folder/$name" "$folder/administrator/$name"
    fi
  done
  [ -z "$SYNERGOS_QUEUE_USER" ] || write "$folder/administrator/user" "$SYNERGOS_QUEUE_USER"
  [ -z "$SYNERGOS_QUEUE_PASSWORD" ] || write "$folder/administrator/password" "$SYNERGOS_QUEUE_PASSWORD"
  [ -s "$folder/administrator/user" ] || write "$folder/administrator/user" synergos
  for role in $roles; do
    [ -s "$folder/$role/user" ] || write "$folder/$role/user" "$role"
    # 192 bits, in letters that need no quotes anywhere.
    [ -s "$folder/$role/password" ] ||
      write "$folder/$role/password" "$(od -An -vtx1 -N24 /dev/urandom | tr -d ' \n')"
  done
}

# HEX: the bytes themselves.
bytes_of() {
  printf %s "$1" | sed 's/../& /g' | tr ' ' '\n' | while read -r pair; do
    [ -z "$pair" ] || printf "\\$(printf %03o "0x$pair")"
  done
}

# PASSWORD: what RabbitMQ keeps of it, four bytes of salt and the SHA-256 of both, in base64.
hash_of() {
  salt=$(od -An -vtx1 -N4 /dev/urandom | tr -d ' \n')
  digest=$( { bytes_of "$salt"; printf %s "$1"; } | sha256sum | cut -d ' ' -f 1)
  bytes_of "$salt$digest" | base64 | tr -d '\n'
}

# TEXT: as JSON.
quoted() {
  printf '"%s"' "$(printf %s "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')"
}

print_definitions() {
  users='' renamed=''
  for role in $roles; do
    name=$(quoted "$(cat "$folder/$role/user")")
    hash=$(hash_of "$(cat "$folder/$role/password")")
    tags=''
    [ "$role" != administrator ] || tags=administrator
    users="$users${users:+,}{\"name\":$name,\"password_hash\":\"$hash\",\"hashing_algorithm\":\"rabbit_password_hashing_sha256\",\"tags\":\"$tags\"}"
    # The file has what a role may do under its name.
    renamed="$renamed
s/\"user\":\"$role\"/\"user\":$(printf %s "$name" | sed 's/[\\&/]/\\&/g')/"
  done
  printf '{"users":[%s],\n' "$users"
  tail -n +2 "$topology" | sed "$renamed"
}

print_settings() {
  cat <<END
listeners.tcp = none
listeners.ssl.default = 5671
ssl_options.certfile = $SYNERGOS_TLS_CERT
ssl_options.keyfile = $SYNERGOS_TLS_KEY
ssl_options.cacertfile = $SYNERGOS_TLS_CA
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
management.ssl.port = 15671
management.ssl.certfile = $SYNERGOS_TLS_CERT
management.ssl.keyfile = $SYNERGOS_TLS_KEY
END
}

# What the image's own file says, and all that TLS takes: what is taken up again would not be looked at again.
print_revocations() {
  tls_options="{ssl_options, [{cacertfile, $(quoted "$SYNERGOS_TLS_CA")}, {certfile, $(quoted "$SYNERGOS_TLS_CERT")}, {keyfile, $(quoted "$SYNERGOS_TLS_KEY")}, {verify, verify_peer}, {fail_if_no_peer_cert, true}, {reuse_sessions, false}, {crl_check, true}, {crl_cache, {ssl_crl_hash_dir, {internal, [{dir, $(quoted "$(dirname "$SYNERGOS_TLS_CA")")}]}}}]}"
  TLS_OPTIONS=$tls_options awk '
    BEGIN { begins = "[{rabbit, [" }
    index($0, begins) == 1 { print begins ENVIRON["TLS_OPTIONS"] ", " substr($0, length(begins) + 1); found = 1; next }
    { print }
    END { exit !found }
  ' "$told_advanced" || {
    echo "synergos-queue: $told_advanced does not begin with [{rabbit, [: nobody would be looked up in the list of revocations" 1>&2
    exit 2
  }
}

# Some of it would leave the rest in the clear.
tls=${SYNERGOS_TLS_CERT:+c}${SYNERGOS_TLS_KEY:+k}${SYNERGOS_TLS_CA:+a}
case $tls in
  '' | cka) ;;
  *)
    echo "synergos-queue: expected SYNERGOS_TLS_CERT, SYNERGOS_TLS_KEY and SYNERGOS_TLS_CA, or none of them" 1>&2
    exit 2
    ;;
esac

has_revocations() {
  [ -n "$tls" ] || return 1
  for list in "$(dirname "$SYNERGOS_TLS_CA")"/*.r0; do
    [ -e "$list" ] && return 0
  done
  return 1
}

# By the shell itself: each of RabbitMQ's own commands is another Erlang machine, which takes a processor for half a second.
takes_connections() {
  ports="5672 15672"
  [ -z "$tls" ] || ports="5671 15671"
  for port in $ports; do
    bash -c ": </dev/tcp/127.0.0.1/$port" || return 1
  done
}

case ${1:-} in
  health)
    takes_connections
    exit
    ;;
  settings)
    [ -z "$tls" ] || print_settings
    exit
    ;;
  revocations)
    ! has_revocations || print_revocations
    exit
    ;;
  credentials)
    write_credentials
    # The server reads them, and so does root in the containers of the others; nobody else.
    for role in $roles; do
      chown -h rabbitmq "$folder/$role" "$folder/$role/user" "$folder/$role/password"
    done
    exit
    ;;
  definitions)
    print_definitions
    exit
    ;;
esac

if [ -n "$SYNERGOS_QUEUE_USER$SYNERGOS_QUEUE_PASSWORD" ] || [ ! -s "$folder/ttp/password" ]; then
  write_credentials
fi
told=$(print_definitions)
write "$definitions" "$told"
if [ -n "$tls" ]; then
  told=$(print_settings)
  write "$settings" "$told"
  # Besides the files below /etc/rabbitmq/conf.d.
  export RABBITMQ_CONFIG_FILE="$settings"
  if has_revocations; then
    told=$(print_revocations)
    write "$advanced" "$told"
    export RABBITMQ_ADVANCED_CONFIG_FILE="$advanced"
  fi
fi
# RabbitMQ reads some of its settings from these, which are the administrator's here.
unset RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS SYNERGOS_QUEUE_USER SYNERGOS_QUEUE_PASSWORD
exec rabbitmq-server
