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

# A queue of the same host leaves its user's name and password in a folder that only root reads.
credentials=/run/synergos_queue
if [ -z "${SYNERGOS_QUEUE_USER+given}${SYNERGOS_QUEUE_PASSWORD+given}" ] && [ -r "$credentials/password" ]; then
  SYNERGOS_QUEUE_USER=$(cat "$credentials/user") SYNERGOS_QUEUE_PASSWORD=$(cat "$credentials/password")
  export SYNERGOS_QUEUE_USER SYNERGOS_QUEUE_PASSWORD
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

# Folders, links, and files that have one name. A file with a second name may be anybody's elsewhere on the host: whoever
# can write to a mounted folder can put one there. So may a device be the host's.
hand_over() {
  find "$1" \( -type d -o -type l -o -type f -links 1 \) -exec chown -h "$user" {} + ||
    echo "the owner of $1 could not be changed to $user" >&2
  find "$1" ! -type d ! -type l ! \( -type f -links 1 \) \
    -exec echo "not handed over, because it is no file or has another name elsewhere:" {} \; >&2
}

for folder in $SYNERGOS_FOLDERS; do
  if [ -d "$folder" ] && [ "$(stat -c %u "$folder")" = 0 ] && [ "$user" != 0:0 ]; then
    # Where this is not possible the program says whether it matters: it tries each folder when it starts.
    hand_over "$folder"
  fi
done

# An empty bounding set: capabilities cannot be had again from a program's file either.
exec setpriv --reuid "${user%%:*}" --regid "${user#*:}" --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs "$@"
