#!/bin/sh
# Makes up the password of Grafana's user admin when there is none yet. Run as root in any image with a shell, with the folder to write to.
set -eu
umask 077
folder=$1
# The user that Grafana's image runs as.
grafana=472:0

mkdir -p "$folder"
cd "$folder"
if [ ! -s password ]; then
  od -An -vtx1 -N24 /dev/urandom | tr -d ' \n' >password.new
  mv password.new password
fi
chown "$grafana" password
