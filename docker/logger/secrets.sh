#!/bin/sh
# Makes up what Graylog keeps secret when it is not there yet: its pepper, and the password of its user admin, with the digest Graylog
# wants of it. Run as root in any image with a shell, with the folder to write to. What is set in GRAYLOG_PASSWORD_SECRET and
# GRAYLOG_ROOT_PASSWORD_SHA2 goes before.
set -eu
umask 077
folder=$1
# The user that Graylog's image runs as.
graylog=1100:1100

random() {
  od -An -vtx1 -N32 /dev/urandom | tr -d ' \n'
}

# Whole or not at all: half a secret would be taken for one at the next start.
keep() {
  cat >"$1.new"
  [ -s "$1.new" ] && mv "$1.new" "$1"
}

mkdir -p "$folder"
cd "$folder"
[ -s password_secret ] || random | keep password_secret
# A password only where there is no digest yet: beside somebody's own it would open nothing.
if [ ! -s root_password_sha2 ]; then
  [ -s password ] || random | keep password
  sha256sum <password | cut -d ' ' -f 1 | tr -d '\n' | keep root_password_sha2
fi
if [ -n "${GRAYLOG_PASSWORD_SECRET:-}" ]; then
  printf %s "$GRAYLOG_PASSWORD_SECRET" | keep password_secret
fi
if [ -n "${GRAYLOG_ROOT_PASSWORD_SHA2:-}" ]; then
  printf %s "$GRAYLOG_ROOT_PASSWORD_SHA2" | keep root_password_sha2
  rm -f password
fi
chown "$graylog" password_secret root_password_sha2
