"""The environment that MLflow's server runs in, one of its own: it wants an older gunicorn than the programs here."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from synergos.errors import NotInstalled
from synergos.mlops_server import PYTHON

LOCK = Path(__file__).resolve().parents[2] / "locks" / "mlops.txt"
"""What the server consists of, where this package is used from its repository."""
# Not all modules are compiled, but those that are used, when they are.
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile")


def server_python(say: Callable[[str], None]) -> Path:
    """The Python that MLflow's server is started with; its environment is made when it is not there yet.

    Args:
        say: told what takes long.

    Raises:
        NotInstalled: there is none, and none can be made.
    """
    given = os.environ.get(PYTHON)
    if given:
        return _given(Path(given))
    folder = Path(sys.prefix) / "synergos-mlops"
    if not os.access(folder if folder.is_dir() else folder.parent, os.W_OK):
        raise NotInstalled(
            f"MLflow's server cannot be installed in {folder.parent}, where nobody but its owner may write: run this in a "
            f"virtual environment, or name a Python that has mlflow in {PYTHON}"
        )
    return _made(folder, wanted_packages(LOCK), say)


def wanted_packages(lock: Path) -> tuple[Sequence[str], str]:
    """What pip is told to install, and a digest by which a change is noticed: what is locked, else the client's own version."""
    if lock.is_file():
        return ("--no-deps", "--require-hashes", "-r", str(lock)), hashlib.sha256(lock.read_bytes()).hexdigest()
    requirement = f"mlflow=={version('mlflow-skinny')}"
    return (requirement,), requirement


def _given(python: Path) -> Path:
    if not (python.is_file() and os.access(python, os.X_OK)):
        raise NotInstalled(
            f"{PYTHON}: expected the Python of an environment that has mlflow, and {python} is no program"
        )
    return python.absolute()


def _made(folder: Path, wanted: tuple[Sequence[str], str], say: Callable[[str], None]) -> Path:
    packages, digest = wanted
    python, stamp = folder / "bin" / "python", folder / "installed"
    with FileLock(folder.with_suffix(".lock")):
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
            return python
        say(f"installing MLflow's server in {folder}; the first time this takes some minutes …")
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], "an environment for MLflow's server")
        _run([str(python), *_PIP, *packages], "MLflow's server")
        stamp.write_text(digest, encoding="utf-8")
    return python


def _run(command: Sequence[str], what: str) -> None:
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # noqa: S603
    if ended.returncode:
        raise NotInstalled(f"{what} could not be made; the output of {command[0]} ends:\n{ended.stdout[-2000:]}")
