#!/usr/bin/env bash
# Sets up what the tests need, checks style, types and import arrows, and runs the tests on all cores there are.
#   bash tests/run.sh --fast [pytest arguments]        # unit tests only: some 36 seconds
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

# What unit tests write is small and goes with them. In memory, they never wait for a disk.
have_quick_files() {
  if [[ -w /dev/shm && $(df --output=avail -B 1M /dev/shm | tail -n 1) -gt 1024 ]]; then
    export PYTEST_DEBUG_TEMPROOT=/dev/shm
  fi
}

source simulator/setup_environment.sh
setup_environment tests
export PATH=$synergos_bin:$PATH
# Whoever wants no compiled modules waits for them to be compiled again, in each process.
unset PYTHONDONTWRITEBYTECODE

case "${1:-}" in
  --fast) selection=(tests/unit --hypothesis-profile=quick -o tmp_path_retention_policy=failed) && shift && have_quick_files ;;
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
