"""Writes down what images, tests and the quickstart install: each package's version and the hashes of its files, in locks/.

    python release/lock.py                   # after a change to pyproject.toml; what fits stays as it was
    python release/lock.py --upgrade         # the newest versions that pyproject.toml allows
    python release/lock.py --torch FOLDER    # or an index's URL: where torch's build for CPUs is, to lock that one too

Needs uv, which the tests' environment has; it asks the package index that uv is told of, and no host's name is written down. pip
takes only what is in these files (``--require-hashes``), whichever index or mirror it comes from. Each file is a layer on top of
those before it; ``tests/unit/test_locks.py`` says when they no longer fit pyproject.toml.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
PROJECT = ROOT / "pyproject.toml"
EVERYWHERE = " ; python_full_version < '3.12' and (sys_platform == 'darwin' or sys_platform == 'linux')"
"""What a lock need not say of a package: it is for no other machines."""
IMAGES = ("worker", "director", "ttp")
"""Those of docker/Dockerfile, whose common part is a layer of its own; a TTP's image is made on the director's layers."""

Lock = dict[str, str]
"""The lines of each package by its name."""


def read(text: str) -> Lock:
    """The packages of a lock."""
    lock: Lock = {}
    for block in re.findall(r"^(?=\S)(?!#).*(?:\n[ \t]+.*)*", text.replace(EVERYWHERE, ""), re.MULTILINE):
        name = re.split(r"[=\s\[;]", block, maxsplit=1)[0]
        # Two versions, each for its machines, stay together.
        lock[name] = f"{lock[name]}\n{block}" if name in lock else block
    return lock


def closure(
    requirements: Path | str,
    *options: str,
    machines: str = "--universal",
    before: Path | None = None,
    constraints: Lock | None = None,
) -> Lock:
    """Everything that is installed along with some requirements, on any machine with this version of Python.

    Args:
        requirements: a file of them, or one on each line.
        machines: the option of uv that says for which.
        before: a lock whose versions stay where they can.
        constraints: versions that are decided already.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        output, wanted, decided = folder / "lock.txt", folder / "wanted.in", folder / "decided.txt"
        if before is not None and before.is_file():
            shutil.copy(before, output)
        if isinstance(requirements, str):
            wanted.write_text(f"{requirements}\n")
            requirements = wanted
        pins = re.findall(r"^\S+==\S+", "\n".join((constraints or {}).values()), re.MULTILINE)
        decided.write_text("\n".join(pins))
        fixed = ("--generate-hashes", "--no-header", "--no-annotate", machines, "--python-version", "3.11", "--quiet")
        command = [
            "uv",
            "pip",
            "compile",
            *fixed,
            "--constraint",
            str(decided),
            *options,
            "-o",
            str(output),
            str(requirements),
        ]
        subprocess.run(command, check=True, cwd=ROOT, env={"UV_NATIVE_TLS": "true", **os.environ})
        return read(output.read_text())


def write(name: str, lock: Lock) -> None:
    """Write one file of ``locks/``."""
    (LOCKS / f"{name}.txt").write_text("".join(f"{block}\n" for _, block in sorted(lock.items())))


def without(lock: Lock, *others: Lock) -> Lock:
    """What the others do not have."""
    return {name: block for name, block in lock.items() if not any(name in other for other in others)}


def lock_all(upgrade: bool, torch_place: str | None) -> None:
    """Write all of them; torch's build for CPUs only where somebody says where it is."""
    project = tomllib.loads(PROJECT.read_text())
    options = ("--upgrade",) if upgrade else ()
    [torch] = [each for each in project["project"]["optional-dependencies"]["learning"] if each.startswith("torch==")]
    LOCKS.mkdir(exist_ok=True)
    # Resolved at once, so that one package has one version wherever it is installed.
    everything = closure(PROJECT, "--extra", "dev", *options, before=LOCKS / "tests.txt")
    torch_alone = closure(torch, constraints=without(everything, {"torch": ""}))
    # A container can send spans without being made anew.
    images = {name: closure(PROJECT, "--extra", name, "--extra", "traces", constraints=everything) for name in IMAGES}
    everywhere = {
        name: block for name, block in images["worker"].items() if all(name in lock for lock in images.values())
    }
    of_torch_only = {
        name: block for name, block in torch_alone.items() if re.match(r"torch|triton|nvidia-|cuda-", name)
    }
    write("torch", of_torch_only)
    write("common", without(everywhere, of_torch_only))
    write("worker", without(images["worker"], everywhere))
    write("director", without(images["director"], everywhere))
    write("ttp", without(images["ttp"], everywhere, images["director"]))
    # An image of its own, without torch's layers.
    write("portal", closure(PROJECT, "--extra", "portal", constraints=everything))
    # hatchling asks for editables when it installs a folder as it is.
    write("build", closure("\n".join([*project["build-system"]["requires"], "editables"]), constraints=everything))
    # The server is the client's: one version of MLflow, which pyproject.toml's range and the newest lock decide.
    client = {"mlflow-skinny": everything["mlflow-skinny"]}
    write("mlops", closure(PROJECT, "--extra", "mlops", *options, before=LOCKS / "mlops.txt", constraints=client))
    simulator = closure(PROJECT, "--extra", "simulator", constraints=everything)
    build = read((LOCKS / "build.txt").read_text())
    write("simulator", without(simulator | build, of_torch_only))
    write("tests", without(everything | build, of_torch_only))
    # A protocol is all that is used of it; what else it needs is another project's business.
    write("gelf-receiver", closure("kinesyslog>=2.0.1,<3", "--no-deps", *options, before=LOCKS / "gelf-receiver.txt"))
    if torch_place is not None:
        where = "--index" if "://" in torch_place else "--find-links"
        write(
            "torch-cpu",
            {
                "torch": closure(
                    f"{torch}+cpu",
                    where,
                    torch_place,
                    machines="--python-platform=x86_64-manylinux_2_28",
                    constraints=without(everything, of_torch_only),
                )["torch"]
            },
        )


def main() -> None:
    """Read the command line and write the locks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    parser.add_argument("--torch", metavar="FOLDER", help="where torch's build for CPUs is, a folder or an index's URL")
    given = parser.parse_args()
    try:
        lock_all(given.upgrade, given.torch)
    except FileNotFoundError:
        sys.exit("lock.py: uv is needed: bash tests/run.sh installs it, and so does pip install uv")
    except subprocess.CalledProcessError as error:
        sys.exit(f"lock.py: uv found no versions that fit; what it said is above (exit code {error.returncode})")


if __name__ == "__main__":
    main()
