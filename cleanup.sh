#!/usr/bin/env bash
# Removes what the compose grids have left in simulator/metadata, simulator/outputs and Docker's volumes, for a fresh start.
set -euo pipefail

root=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
readonly root shown_by_default=3
# "heading|folder": a heading is printed when it changes.
targets=(
  "Metadata|simulator/metadata/mlflow_data"
  "Metadata|simulator/metadata/orchestrator_data"
  "Keys of participants|simulator/metadata/worker_1_key"
  "Keys of participants|simulator/metadata/worker_2_key"
  "Outputs of the orchestrator|simulator/outputs/orchestrator_outputs"
  "Outputs of worker 1|simulator/outputs/worker_1_outputs"
  "Outputs of worker 1|simulator/outputs/worker_1_node_2_outputs"
  "Outputs of worker 2|simulator/outputs/worker_2_outputs"
  "Outputs of worker 2|simulator/outputs/worker_2_node_2_outputs"
)
# What waits in a queue is about records that are removed.
volumes=(synergos_cluster_queue_messages)
# What is to last, and what opens it: removed when all is, and never what opens it alone.
readonly lasting_targets=(
  "Secrets|simulator/metadata/queue_credentials"
  "Secrets|simulator/metadata/log_server_secrets"
  "Secrets|simulator/metadata/dashboard_secrets"
  "Secrets|simulator/metadata/secure"
  "Secrets|simulator/metadata/portal"
)
readonly lasting_volumes=(
  synergos_{plus,cluster}_log_server_{settings,messages,journal}
  synergos_{plus,cluster}_{metrics,dashboards}
)

usage() {
  cat <<'END'
Usage: cleanup.sh [-V] [-y] [--all] [--dry-run]

Removes what the compose grids have left in simulator/metadata and simulator/outputs: records, models, tracked runs,
predictions, ledgers of use with the identities that sign them, and what waits in the queue. The *.md files at the top of
each folder stay. What the log server and Prometheus have stored, dashboards and secrets stay too, unless all is to go.
Stop the grid first, with `down`.

Volumes are Docker's, and all checkouts on a machine use the same ones. They stay where SYNERGOS_FOLDER, in the environment
or in .env, has grids write elsewhere: what is in them is about records there.

      --all          what the log server and Prometheus have stored, dashboards and secrets as well
  -V, -v, --verbose  list every path instead of a few of each folder
  -y, --yes          do not ask
  --dry-run          list only
  -h, --help         this text

Exit codes: 0 all is clean (or listed), 1 something is left, 2 the options make no sense.
END
}

fail() {
  printf 'cleanup.sh: %s\n' "$2" >&2
  exit "$1"
}

# What to remove in the current folder, as a `find` expression; links are never followed, nor other file systems entered.
find_leavings() {
  find -P . -xdev -mindepth 1 \( -path './*/*' -o ! -type f -o ! -name '*.md' \) "$@"
}

# Nothing is touched unless every target is a folder of this very place.
refuse_strange_targets() {
  local target part parts place
  for target in "${targets[@]}"; do
    place=$root
    IFS=/ read -ra parts <<<"${target#*|}"
    for part in "${parts[@]}"; do
      place+=/$part
      if [[ -L $place ]]; then
        fail 1 "$place is a link to $(readlink "$place"): nothing was removed, because that may be somebody else's"
      elif [[ -e $place && ! -d $place ]]; then
        fail 1 "$place is not a folder: nothing was removed"
      elif [[ -d $place && ! (-r $place && -x $place) ]]; then
        fail 1 "$place may not be read by $(id -un): nothing was removed; try: sudo $root/cleanup.sh"
      fi
    done
  done
}

warn_of_running_grids() {
  local names
  command -v docker >/dev/null || return 0
  # A service that does not answer is no reason not to clean up.
  names=$(timeout 10 docker ps --format '{{.Names}}' 2>/dev/null | grep -E '^syn[bpc]_' | sort | paste -sd ' ' -) || return 0
  printf 'WARNING: a grid is running (%s).\n' "$names"
  printf 'It goes on writing, and may fail: stop it first with docker-compose -f docker-compose-<grid>.yml down\n\n'
}

# The folder that the compose files have grids write to: what the environment says goes before .env, also when it is empty.
grids_folder() {
  local folder=${SYNERGOS_FOLDER-unset}
  if [[ $folder == unset && -r $root/.env ]]; then
    folder=$(sed -nE 's/^[[:space:]]*(export[[:space:]]+)?SYNERGOS_FOLDER[[:space:]]*=[[:space:]]*//p' "$root/.env" | tail -n 1)
    folder=$(sed -E "s/[[:space:]]+(#.*)?\$//; s/^(['\"])(.*)\1\$/\2/" <<<"$folder")
  fi
  [[ $folder && $folder != unset ]] || folder=simulator
  (cd -P "$root" && readlink -m -- "$folder")
}

# Sets `there` to those volumes that there are and may go, or says why none was looked for.
find_volumes() {
  local volume known folder unseen=''
  there=()
  command -v docker >/dev/null || return 0
  folder=$(grids_folder)
  if [[ $folder != "$(readlink -m -- "$root/simulator")" ]]; then
    unseen="Docker's volumes belong to what grids write to $folder"
  elif ! known=$(timeout 10 docker volume ls --quiet 2>/dev/null); then
    unseen="Docker does not answer $(id -un), so its volumes cannot be looked at"
  fi
  if [[ $unseen ]]; then
    [[ ! $all ]] || fail 1 "$unseen: nothing was removed, because secrets go with the volumes that they open"
    printf '%s: they stay.\n' "$unseen"
    return 0
  fi
  for volume in "${volumes[@]}"; do
    if grep -Fxq -- "$volume" <<<"$known"; then
      there+=("$volume")
    fi
  done
}

list_volumes() {
  local volume
  ((${#there[@]})) || return 0
  echo "Volumes of Docker"
  for volume in "${there[@]}"; do
    printf '  %s\n' "$volume"
  done
}

print_paths() {
  local path
  for path in "$@"; do
    printf '      %q\n' "${path#./}" # %q: a name can hold a line break, or what a terminal obeys
  done
}

# Sets `found` to the number of paths below all targets.
list_targets() {
  local target folder heading='' paths
  found=0
  for target in "${targets[@]}"; do
    folder=${target#*|}
    if [[ ${target%%|*} != "$heading" ]]; then
      heading=${target%%|*}
      printf '%s\n' "$heading"
    fi
    paths=()
    if [[ -d $root/$folder ]]; then
      mapfile -d '' paths < <(cd -P "$root/$folder" && find_leavings -print0 | LC_ALL=C sort -z)
    fi
    found=$((found + ${#paths[@]}))
    if ((${#paths[@]} == 0)); then
      printf '  %s: nothing\n' "$folder"
      continue
    fi
    printf '  %s: %d to remove\n' "$folder" "${#paths[@]}"
    if [[ $verbose ]]; then
      print_paths "${paths[@]}"
    else
      print_some_paths "${paths[@]}"
    fi
  done
}

# Of what lies directly in a folder, the first few.
print_some_paths() {
  local path shown=()
  for path in "$@"; do
    [[ ${path#./} == */* ]] || shown+=("$path")
    ((${#shown[@]} < shown_by_default)) || break
  done
  print_paths "${shown[@]}"
  ((${#shown[@]} == $#)) || printf '      … (-V lists all)\n'
}

confirm() {
  local answer
  [[ -t 0 ]] || fail 1 "nobody to ask, because standard input is no terminal: nothing was removed; -y does not ask"
  read -r -p 'Remove all of this? [y/n] ' answer || fail 1 "no answer: nothing was removed"
  case $answer in
    y | Y) ;;
    n | N) fail 1 "nothing was removed; look through it, archive what is worth keeping, and come back" ;;
    *) fail 1 "invalid answer, expected y or n: nothing was removed" ;;
  esac
}

# Volumes go first: should one stay, what opens it has to stay too.
remove_all() {
  remove_volumes
  if [[ $all ]] && ((${#used[@]})); then
    printf 'Secrets stay, because of volumes that stay.\n'
    targets=("${targets[@]:0:${#targets[@]}-${#lasting_targets[@]}}")
  fi
  remove_leavings
  if ((${#used[@]})); then
    printf 'cleanup.sh: volumes are in use: %s; remove their containers with docker-compose -f docker-compose-<grid>.yml down\n' "${used[*]}" >&2
  fi
  if ((${#left[@]})); then
    printf 'cleanup.sh: not all could be removed from: %s\n' "${left[*]}" >&2
    fail 1 "what a container wrote as another user goes with: sudo $root/cleanup.sh"
  fi
  ((${#used[@]} == 0)) || exit 1
}

# Sets `used` to those that could not be removed.
remove_volumes() {
  local volume
  used=()
  for volume in "${there[@]}"; do
    if docker volume rm "$volume" >/dev/null; then
      printf '%s: removed\n' "$volume"
    else
      used+=("$volume")
    fi
  done
}

# Sets `left` to those folders that something is left in.
remove_leavings() {
  local target folder
  left=()
  for target in "${targets[@]}"; do
    folder=${target#*|}
    [[ -d $root/$folder ]] || continue
    if (cd -P "$root/$folder" && find_leavings -delete); then
      printf '%s: clean\n' "$folder"
    else
      left+=("$folder")
    fi
  done
}

verbose='' yes='' dry_run='' all='' there=() used=() left=()
for option in "$@"; do
  case $option in
    -V | -v | --verbose) verbose=1 ;;
    -y | --yes) yes=1 ;;
    --all) all=1 ;;
    --dry-run) dry_run=1 ;;
    -h | --help) usage && exit ;;
    *) fail 2 "unknown option $(printf '%q' "$option"); --help lists those there are" ;;
  esac
done
if [[ $all ]]; then
  targets+=("${lasting_targets[@]}")
  volumes+=("${lasting_volumes[@]}")
fi

refuse_strange_targets
printf 'Clean-up of %s\n\n' "$root"
warn_of_running_grids
list_targets
find_volumes
list_volumes
found=$((found + ${#there[@]}))
echo
if ((found == 0)); then
  echo 'There is nothing to remove.'
elif [[ $dry_run ]]; then
  printf 'A dry run: nothing was removed of %d.\n' "$found"
else
  [[ $yes ]] || confirm
  remove_all
fi
