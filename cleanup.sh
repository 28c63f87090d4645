#!/usr/bin/env bash
# Removes what the compose grids have left in simulator/metadata and simulator/outputs, for a fresh start.
set -euo pipefail

root=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
readonly root shown_by_default=3
# "heading|folder": a heading is printed when it changes.
readonly targets=(
  "Metadata|simulator/metadata/mlflow_data"
  "Metadata|simulator/metadata/orchestrator_data"
  "Keys of participants|simulator/metadata/worker_1_key"
  "Keys of participants|simulator/metadata/worker_2_key"
  "Secrets|simulator/metadata/queue_credentials"
  "Secrets|simulator/metadata/log_server_secrets"
  "Outputs of the orchestrator|simulator/outputs/orchestrator_outputs"
  "Outputs of worker 1|simulator/outputs/worker_1_outputs"
  "Outputs of worker 1|simulator/outputs/worker_1_node_2_outputs"
  "Outputs of worker 2|simulator/outputs/worker_2_outputs"
  "Outputs of worker 2|simulator/outputs/worker_2_node_2_outputs"
)

usage() {
  cat <<'END'
Usage: cleanup.sh [-V] [-y] [--dry-run]

Removes what the compose grids have left in simulator/metadata and simulator/outputs: records, models, logs,
predictions. The *.md files at the top of each folder stay. Stop the grid first.

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

remove_all() {
  local target folder left=()
  for target in "${targets[@]}"; do
    folder=${target#*|}
    [[ -d $root/$folder ]] || continue
    if (cd -P "$root/$folder" && find_leavings -delete); then
      printf '%s: clean\n' "$folder"
    else
      left+=("$folder")
    fi
  done
  if ((${#left[@]})); then
    printf 'cleanup.sh: not all could be removed from: %s\n' "${left[*]}" >&2
    fail 1 "what a container wrote as another user goes with: sudo $root/cleanup.sh"
  fi
}

verbose='' yes='' dry_run=''
for option in "$@"; do
  case $option in
    -V | -v | --verbose) verbose=1 ;;
    -y | --yes) yes=1 ;;
    --dry-run) dry_run=1 ;;
    -h | --help) usage && exit ;;
    *) fail 2 "unknown option $(printf '%q' "$option"); --help lists those there are" ;;
  esac
done

refuse_strange_targets
printf 'Clean-up of %s\n\n' "$root"
warn_of_running_grids
list_targets
echo
if ((found == 0)); then
  echo 'There is nothing to remove.'
elif [[ $dry_run ]]; then
  printf 'A dry run: nothing was removed of %d.\n' "$found"
else
  [[ $yes ]] || confirm
  remove_all
fi
