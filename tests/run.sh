#!/usr/bin/env bash
# Sets up what the tests need, checks style, types and import arrows, and runs the tests on all cores there are.
#   bash tests/run.sh --fast [pytest arguments]        # unit tests only, of which none takes long
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
  have_prometheus
  have_browser
  have_openid
  # The queue is tested on a RabbitMQ that the tests start for themselves.
  if ! (have_rabbitmq); then
    echo "RABBITMQ IS MISSING: WHAT NEEDS IT IS NOT TESTED. On Debian: sudo apt-get install rabbitmq-server" >&2
  fi
}

# Metrics, their rules and the runbook's questions are tested with a Prometheus that the tests start for themselves.
have_prometheus() {
  if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
    return
  fi
  if ! (_install_from_debian prometheus "Metrics are tested with Prometheus" >&2); then
    echo "PROMETHEUS IS MISSING: WHAT NEEDS IT IS NOT TESTED. On Debian: sudo apt-get install prometheus" >&2
  fi
}

# The portal's pages, and MLflow's, are looked at in a browser. One without windows takes half as long for a page.
have_browser() {
  if command -v chromium-headless-shell >/dev/null || (_install_from_debian chromium-headless-shell "Pages are looked at in a browser" >&2); then
    return
  fi
  if ! command -v chromium >/dev/null; then
    echo "THERE IS NO BROWSER: PAGES ARE NOT LOOKED AT. On Debian: sudo apt-get install chromium-headless-shell" >&2
  fi
}

# People of other organisations sign in at an OpenID provider that the tests start for themselves.
have_openid() {
  if cmp -s tests/servers/openid/package-lock.json .venv/openid/package-lock.json && [[ -d .venv/openid/node_modules ]]; then
    return
  fi
  mkdir -p .venv/openid
  cp tests/servers/openid/package.json tests/servers/openid/package-lock.json .venv/openid/
  # By the versions and digests of the lock, and by no scripts of the packages.
  if ! npm ci --prefix .venv/openid --ignore-scripts --no-audit --no-fund >&2; then
    rm -rf .venv/openid
    echo "THERE IS NO OPENID PROVIDER: SIGNING IN BY ONE IS NOT TESTED. It takes node and npm: sudo apt-get install nodejs npm" >&2
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

# Tests of whole programs wait now and then, in which another process has its turn; unit tests never do.
processes=$(($(nproc) + 1))
case "${1:-}" in
  --fast)
    selection=(tests/unit --hypothesis-profile=quick -o tmp_path_retention_policy=failed) && shift && have_quick_files
    processes=$(nproc)
    ;;
  --with-slow) selection=() && shift && have_servers ;;
  *) selection=(-m "not slow") && have_servers ;;
esac

style() {
  ruff check . && ruff format --check .
}

# At the same time, and told one after the other: all that is wrong is told, and anything wrong ends the run.
said=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$said"' EXIT
checks=(style mypy lint-imports)
running=()
for check in "${checks[@]}"; do
  "$check" >"$said/$check" 2>&1 &
  running+=($!)
done
failed=()
for i in "${!checks[@]}"; do
  wait "${running[i]}" || failed+=("${checks[i]}")
  echo "== ${checks[i]}"
  cat "$said/${checks[i]}"
done
if ((${#failed[@]})); then
  echo "FAILED: ${failed[*]}" >&2
  exit 1
fi
echo "== tests"
# Who runs what: tests/support/spreading.py. What takes longer than a second is listed at the end, the slowest first.
python -m pytest -n "$processes" --durations=25 --durations-min=1 "${selection[@]}" "$@"
