"""Writes the example datasets and their notebooks, which lie in ``simulator/datasets``.

    python simulator/make_examples.py              # after a change to the example data or to simulator/notebook_source
    python simulator/make_examples.py --to FOLDER

Needs the ``dev`` extra. A test compares what it writes with what is in the repository.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import nbformat

from notebook_source.grids import GRIDS
from notebook_source.notebook import Notebook
from notebook_source.project_file import project_file
from notebook_source.stories import STORIES
from synergos.federation import FILE_NAME
from synergos_simulator.datasets import write_example

REPOSITORY = Path(__file__).resolve().parents[1]


def write_examples(root: Path) -> None:
    """Write every dataset as a folder below ``root``, with a project file and a notebook for each kind of grid in it."""
    notebooks = []
    for story in STORIES:
        dataset = write_example(root, story.name, folder=story.name, most_rows=story.most_rows)
        folder = root / story.name
        search_space = json.loads((folder / "ranges.json").read_text(encoding="utf-8"))
        (folder / FILE_NAME).write_text(project_file(story, GRIDS[0], dataset), encoding="utf-8")
        for grid in GRIDS:
            notebook = Notebook(story, grid, dataset, search_space).build()
            nbformat.validate(notebook)
            path = folder / f"{story.name}_{grid.name}.ipynb"
            nbformat.write(notebook, path)
            notebooks.append(str(path))
    settings = ["--config", str(REPOSITORY / "pyproject.toml"), "--quiet", "--no-cache"]
    subprocess.run([sys.executable, "-m", "ruff", "format", *settings, *notebooks], check=True)  # noqa: S603 - own files


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Write the example datasets and their notebooks.")
    arguments.add_argument("--to", type=Path, default=REPOSITORY / "simulator" / "datasets", metavar="FOLDER")
    write_examples(arguments.parse_args().to)
