#!/usr/bin/env bash
# Sets up what the tests need, checks style, types and import arrows, and runs the tests.
#   bash tests/run.sh [--with-slow] [pytest arguments]
set -euo pipefail
cd "$(dirname "$0")/.."

# The record store is tested on a PostgreSQL server that the tests start for themselves.
have_postgresql() {
  if compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || command -v initdb >/dev/null; then
    return
  fi
  if [[ $(id -u) -ne 0 ]] || ! _install_from_debian postgresql "The record store is tested on PostgreSQL too" >&2; then
    echo "POSTGRESQL IS MISSING: WHAT NEEDS IT IS NOT TESTED. On Debian: sudo apt-get install postgresql" >&2
  fi
}

source simulator/setup_environment.sh
setup_environment dev
have_postgresql
# The queue is tested on a RabbitMQ that the tests start for themselves.
if ! (have_rabbitmq); then
  echo "RABBITMQ IS MISSING: WHAT NEEDS IT IS NOT TESTED. On Debian: sudo apt-get install rabbitmq-server" >&2
fi
export PATH=$synergos_bin:$PATH

selection=(-m "not slow")
if [ "${1:-}" = "--with-slow" ]; then
  selection=()
  shift
fi

echo "== style"
ruff check .
ruff format --check .
echo "== types"
mypy
echo "== import arrows"
lint-imports
echo "== tests"
python -m pytest "${selection[@]}" "$@"
