# Sourced by scripts: makes a virtual environment for the project where it is missing or out of date.
#
#   source simulator/setup_environment.sh
#   setup_environment simulator        # or tests
#   "$synergos_bin/synergos" --help
#
# The environment is .venv in the repository's root. All packages are those of locks/, by their hashes. What was installed is
# remembered by a digest of locks and pyproject.toml, so that nothing is installed twice; the project itself is installed
# editable. All messages go to standard error.

synergos_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
synergos_bin=$synergos_root/.venv/bin

setup_environment() {
  local what=$1
  local stamp=$synergos_root/.venv/.installed-$what
  local wanted
  wanted=$(cd "$synergos_root" && { pwd; cat pyproject.toml locks/*.txt; } | sha256sum)
  if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
    return
  fi
  {
    if ! "$synergos_bin/python" -m pip --version >/dev/null 2>&1; then
      _make_environment
    fi
    echo "installing what Synergos needs; the first time this takes some minutes …"
    _install "$what"
  } >&2
  echo "$wanted" >"$stamp"
}

_install() {
  local locks=$synergos_root/locks
  local pip=("$synergos_bin/python" -m pip install --quiet --disable-pip-version-check --no-deps)
  # torch by itself first: its build for CPUs where there is one to be had, else the one that every index has.
  "${pip[@]}" --require-hashes -r "$locks/torch-cpu.txt" 2>/dev/null || "${pip[@]}" --require-hashes -r "$locks/torch.txt"
  "${pip[@]}" --require-hashes -r "$locks/$1.txt"
  # Another project's GELF inputs, for logs to be sent to.
  [[ $1 != tests ]] || "${pip[@]}" --require-hashes -r "$locks/gelf-receiver.txt"
  "${pip[@]}" --no-build-isolation --editable "$synergos_root"
}

_make_environment() {
  local python
  if ! python=$(_find_python); then
    _install_from_debian python3.11 "Python 3.11 is needed"
    python=$(_find_python)
  fi
  # Debian leaves out of Python what virtual environments are made with.
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    _install_from_debian python3.11-venv "Python's venv and ensurepip modules are needed"
  fi
  echo "making a virtual environment in $synergos_root/.venv …"
  "$python" -m venv --clear "$synergos_root/.venv"
}

_find_python() {
  local candidate
  for candidate in python3.11 python3 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

_install_from_debian() {
  local package=$1 reason=$2
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "$reason. On Debian: sudo apt-get install $package" >&2
    exit 1
  fi
  echo "$reason; installing Debian's $package …"
  apt-get update -qq
  # A run level at which no service is started: what is needed is started by who needs it.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package"
}

# A cluster's queue. Which broker is used, and where it listens, is decided by who starts it.
have_rabbitmq() {
  if compgen -G "/usr/lib/rabbitmq/bin/rabbitmq-server" >/dev/null || command -v rabbitmq-server >/dev/null; then
    return
  fi
  _install_from_debian rabbitmq-server "A cluster needs RabbitMQ" >&2
}
