#!/bin/sh
# RabbitMQ with a user that nobody knows by default: its password is made up when there is none yet.
#
#   synergos-queue                # the server; its user and password are in the folder below, unless RABBITMQ_DEFAULT_PASS is set
#   synergos-queue credentials    # writes them only, as root: for a folder that is mounted in several containers
#
# RabbitMQ makes the user when it starts on an empty database, and later goes by that alone.
set -eu
umask 077
folder=${SYNERGOS_QUEUE_CREDENTIALS:-/var/lib/rabbitmq/credentials}

if [ "${RABBITMQ_DEFAULT_USER:-${SYNERGOS_QUEUE_USER:-}}" = guest ]; then
  echo "synergos-queue: everybody knows the user guest: expected another name in RABBITMQ_DEFAULT_USER or SYNERGOS_QUEUE_USER" >&2
  exit 2
fi

# What is set goes before what was written; what was written stays.
write_credentials() {
  mkdir -p "$folder"
  if [ -n "${SYNERGOS_QUEUE_PASSWORD:-}" ]; then
    printf %s "$SYNERGOS_QUEUE_PASSWORD" >"$folder/password"
  elif [ ! -s "$folder/password" ]; then
    # 192 bits, in letters that need no quotes anywhere; in its place all at once, so that a half-written one is never read.
    od -An -vtx1 -N24 /dev/urandom | tr -d ' \n' >"$folder/password.new"
    mv "$folder/password.new" "$folder/password"
  fi
  if [ -n "${SYNERGOS_QUEUE_USER:-}" ] || [ ! -s "$folder/user" ]; then
    printf %s "${SYNERGOS_QUEUE_USER:-synergos}" >"$folder/user"
  fi
}

if [ "${1:-}" = credentials ]; then
  write_credentials
  # The server reads them, and so does root in the containers of the others; nobody else.
  chown rabbitmq "$folder/user" "$folder/password"
  exit
fi

if [ -z "${RABBITMQ_DEFAULT_PASS:-}" ]; then
  [ -s "$folder/password" ] || write_credentials
  RABBITMQ_DEFAULT_USER=$(cat "$folder/user") RABBITMQ_DEFAULT_PASS=$(cat "$folder/password")
  export RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS
fi
exec rabbitmq-server
