#!/usr/bin/env bash
# Sets up what the tests need, checks style, types and import arrows, and runs the tests on all cores there are.
#   bash tests/run.sh --fast [pytest arguments]        # unit tests only: about a minute
#   bash tests/run.sh [pytest arguments]               # everything but what is marked slow
#   bash tests/run.sh --with-slow [pytest arguments]   # everything
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

have_servers() {
  have_postgresql
  # The queue is tested on a RabbitMQ that the tests start for themselves.
  if ! (have_rabbitmq); then
    echo "RABBITMQ IS MISSING: WHAT NEEDS IT IS NOT TESTED. On Debian: sudo apt-get install rabbitmq-server" >&2
  fi
}

source simulator/setup_environment.sh
setup_environment dev
export PATH=$synergos_bin:$PATH

case "${1:-}" in
  --fast) selection=(tests/unit) && shift ;;
  --with-slow) selection=() && shift && have_servers ;;
  *) selection=(-m "not slow") && have_servers ;;
esac

echo "== style"
ruff check .
ruff format --check .
echo "== types"
mypy
echo "== import arrows"
lint-imports
echo "== tests"
# Who runs what: tests/support/spreading.py. What takes longer than a second is listed at the end, the slowest first.
python -m pytest -n "$(nproc)" --durations=25 --durations-min=1 "${selection[@]}" "$@"
