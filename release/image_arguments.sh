#!/bin/sh
# Says what images are labelled with, of the tree this lies in; for docker build and for the compose files:
#
#   docker build $(sh release/image_arguments.sh) -f docker/Dockerfile --target worker -t synergos_worker .
#   export $(sh release/image_arguments.sh --environment); docker-compose -f docker-compose-synbasic.yml build
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/pyproject.toml")
commit=$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)
# What is not committed is in no commit.
[ "$commit" = unknown ] || git -C "$root" diff --quiet HEAD || commit=$commit-changed
if [ "${1:-}" = --environment ]; then
  echo "SYNERGOS_VERSION=$version SYNERGOS_COMMIT=$commit"
else
  echo "--build-arg VERSION=$version --build-arg COMMIT=$commit"
fi
