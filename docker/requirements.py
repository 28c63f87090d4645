"""Writes down what the images install, read from pyproject.toml, one file for each layer.

    python requirements.py pyproject.toml FOLDER

An image's layers are as long-lived as what is in these files: other changes to pyproject.toml reinstall nothing.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

COMPONENTS = ("worker", "director", "ttp", "mlops")


def requirements(project: dict[str, dict[str, list[str]]], extra: str) -> Iterator[str]:
    """What an extra asks for, the project's own extras followed to what they ask for in turn."""
    for requirement in project["optional-dependencies"][extra]:
        if own := re.fullmatch(r"synergos\[(.+)\]", requirement):
            for name in own[1].split(","):
                yield from requirements(project, name.strip())
        else:
            yield requirement


def main(pyproject: Path, folder: Path) -> None:
    """Write ``torch.txt``, ``common.txt`` and one file for each component."""
    project = tomllib.loads(pyproject.read_text())["project"]
    build = tomllib.loads(pyproject.read_text())["build-system"]["requires"]
    common = {*project["dependencies"], *requirements(project, "service"), *requirements(project, "learning")}
    torch = {requirement for requirement in common if re.match(r"torch\b", requirement)}
    layers = {"build": set(build), "torch": torch, "common": common}
    layers |= {component: set(requirements(project, component)) - common for component in COMPONENTS}
    folder.mkdir(parents=True)
    for name, wanted in layers.items():
        (folder / f"{name}.txt").write_text("".join(f"{requirement}\n" for requirement in sorted(wanted)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
