#!/bin/sh
# Runs a program as an unprivileged user who may write to the mounted folders, and becomes that program: PID 1.
#
# Docker makes a bind-mounted folder that is missing as root's, and one that is there belongs to somebody on the host. So:
# who owns a mounted folder is who the program runs as, and what it writes belongs to its owner. Folders of root are
# handed over first, to SYNERGOS_USER (uid:gid) if that is set, else to the owner of another folder, else to 1000:1000.
# With `docker run --user` nothing of this happens.
set -eu

# What is written is its owner's alone: the programs see to it themselves, MLflow's server does not.
umask 077

if [ -d /worker ] && [ "$1" != synergos-worker ]; then
  echo "$1: a folder is mounted below /worker, where a participant's are: run the image synergos_worker" >&2
  exit 2
fi

# A queue that is a container takes RabbitMQ's default user from other containers too.
if [ -z "${SYNERGOS_QUEUE_USER+given}${SYNERGOS_QUEUE_PASSWORD+given}" ]; then
  export SYNERGOS_QUEUE_USER=guest SYNERGOS_QUEUE_PASSWORD=guest
fi

if [ "$(id -u)" -ne 0 ]; then
  exec "$@"
fi

user=${SYNERGOS_USER:-}
for folder in $SYNERGOS_FOLDERS; do
  if [ -z "$user" ] && [ -d "$folder" ]; then
    owner=$(stat -c %u:%g "$folder")
    [ "${owner%%:*}" = 0 ] || user=$owner
  fi
done
user=${user:-1000:1000}
case $user in
  *:*) ;;
  *) user=$user:$user ;;
esac

for folder in $SYNERGOS_FOLDERS; do
  if [ -d "$folder" ] && [ "$(stat -c %u "$folder")" = 0 ] && [ "$user" != 0:0 ]; then
    # Where this is not possible the program says whether it matters: it tries each folder when it starts.
    chown -Rh "$user" "$folder" || echo "the owner of $folder could not be changed to $user" >&2
  fi
done

exec setpriv --reuid "${user%%:*}" --regid "${user#*:}" --clear-groups --inh-caps=-all --no-new-privs "$@"
