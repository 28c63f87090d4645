"""Other releases of Synergos, built as wheels and unpacked to be run beside the one that is tested."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from io import BytesIO
from pathlib import Path

from synergos.domain.release import Release

ROOT = Path(__file__).parents[2]
_PARTS = (
    "shared/synergos",
    "manager/synmanager",
    "director/synergos_director",
    "ttp/synergos_ttp",
    "worker/synergos_worker",
    "simulator/synergos_simulator",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)
"""Of the tree, all that a wheel is built from."""
_VERSION = re.compile(r'^version = "(.+)"$', re.MULTILINE)


def present_version() -> str:
    """What the tree says it is."""
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return version


def release_before() -> str | None:
    """The tag of the newest release of the minor version before the tree's; None while there is none."""
    now = Release.of(present_version())
    assert now is not None
    listed = _git("tag", "--list", "v*", "--sort=-version:refname")
    for tag in [] if listed is None else listed.decode().split():
        found = Release.of(tag.removeprefix("v"))
        if found is not None and found < now and found.goes_with(now):
            return tag
    return None


def wheel_of_tag(tag: str, folder: Path) -> Path:
    """The wheel of a release, built from what its tag names."""
    source = folder / "source"
    archived = _git("archive", "--format=tar", tag)
    assert archived is not None
    with tarfile.open(fileobj=BytesIO(archived)) as archive:
        archive.extractall(source, filter="data")
    return build(source, folder)


def wheel_of_the_tree(version: str, folder: Path) -> Path:
    """The wheel of what is tested, under another version."""
    source = copy_of_the_tree(folder / "source")
    project = source / "pyproject.toml"
    text, count = _VERSION.subn(f'version = "{version}"', project.read_text(), count=1)
    assert count == 1
    project.write_text(text)
    return build(source, folder)


def copy_of_the_tree(folder: Path, *more: str) -> Path:
    """What a wheel is built from, and more files or folders of the tree."""
    for part in (*_PARTS, *more):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)
    return folder


def build(source: Path, folder: Path) -> Path:
    """The wheel of a source tree."""
    built = folder / "wheel"
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = built.glob("*.whl")
    return wheel


def unpacked(wheel: Path, folder: Path) -> Path:
    """A folder for PYTHONPATH in which a wheel is installed, beside what it needs of this environment."""
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder)
    return folder


def _git(*arguments: str) -> bytes | None:
    """What git answers; None where the tree is in no repository."""
    if not (ROOT / ".git").exists():
        return None
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None
