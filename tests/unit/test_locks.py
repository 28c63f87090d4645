"""What is installed is locked: each package by its version and hashes, as pyproject.toml wants them."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "locks"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LAYERS = {
    "worker": ("torch", "common", "worker"),
    "director": ("torch", "common", "director"),
    "ttp": ("torch", "common", "director", "ttp"),
    "mlops": ("mlops",),
    "portal": ("portal",),
    "simulator": ("torch", "simulator"),
    "dev": ("torch", "tests"),
}
"""What is installed for an extra, one file on top of the other."""


@cache
def locked(name: str) -> dict[str, str]:
    """The packages of a lock, and their versions."""
    lines = re.findall(r"^([\w.-]+)==([\w.+!-]+)", (LOCKS / f"{name}.txt").read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in lines}


@cache
def wanted(extra: str) -> tuple[Requirement, ...]:
    """What an extra asks for, the project's own extras followed to what they ask for in turn."""
    found = [*map(Requirement, PROJECT["dependencies"])]
    for requirement in map(Requirement, PROJECT["optional-dependencies"][extra]):
        if requirement.name == "synergos":
            found += (each for other in sorted(requirement.extras) for each in wanted(other))
        else:
            found.append(requirement)
    return tuple(found)


IMAGES = ("worker", "director", "ttp")


@pytest.mark.parametrize(
    ("layers", "extra"),
    [*((extra, extra) for extra in LAYERS), *((image, "traces") for image in IMAGES)],
)
def test_the_locks_have_what_pyproject_asks_for(layers: str, extra: str) -> None:
    versions = {package: version for name in LAYERS[layers] for package, version in locked(name).items()}
    missing = [
        str(requirement)
        for requirement in wanted(extra)
        if not requirement.specifier.contains(versions.get(canonicalize_name(requirement.name), "0"), prereleases=True)
    ]

    assert not missing, "python release/lock.py brings locks/ up to date"


def test_the_two_builds_of_torch_are_of_one_version() -> None:
    assert locked("torch-cpu") == {"torch": f"{locked('torch')['torch']}+cpu"}


def test_a_package_has_one_version_wherever_it_is_installed() -> None:
    tests = locked("tests") | locked("torch")

    for name in ("build", "common", "director", "simulator", "ttp", "worker"):
        assert locked(name).items() <= tests.items(), name


def test_mlflows_server_is_of_its_clients_version_wherever_one_of_them_is_installed() -> None:
    dockerfile = (ROOT / "docker" / "mlops.Dockerfile").read_text()

    [client] = {locked(name)["mlflow-skinny"] for name in ("ttp", "simulator", "tests", "mlops")}
    assert locked("mlops")["mlflow"] == client
    assert re.findall(r"pip install .*", dockerfile) == [
        "pip install --no-deps --require-hashes -r /locks/mlops.txt && pip check"
    ]


@pytest.mark.parametrize("path", sorted(LOCKS.iterdir()), ids=lambda path: path.name)
def test_every_package_has_hashes_and_no_address(path: Path) -> None:
    text = path.read_text()
    packages = re.split(r"\n(?=\S)", text)

    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}(\s|$)", package) for package in packages)
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)
