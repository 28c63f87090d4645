"""Runs an example notebook from top to bottom in a kernel of its own, with the addresses of another grid."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from traitlets.config import Config

EXAMPLES = Path(__file__).resolve().parents[2] / "simulator" / "datasets"
"""The datasets, each with a notebook for every kind of grid."""
NOTEBOOKS: Mapping[str, Sequence[str]] = {
    "synbasic": ("breast_cancer", "diabetes", "digits_images", "wine"),
    "synplus": ("breast_cancer",),
    "syncluster": ("diabetes", "digits_images"),
}
"""Whose notebook for a kind of grid is run on one: the others have no cell that is not in one of these."""
CELL_DEADLINE = 300.0
"""Seconds for a cell: only a mistake takes so long, also on a slow machine."""


@dataclass(frozen=True)
class Executed:
    """A notebook that ran to its end.

    Attributes:
        cells: its code cells with their outputs, by id.
        results: the rows of its final table: ``rows`` (``evaluate`` or ``predict``), ``participant_id``, statistics.
    """

    cells: Mapping[str, NotebookNode]
    results: list[dict[str, Any]]

    def texts_on_standard_error(self) -> list[str]:
        """What a reader would see in red."""
        outputs = [output for cell in self.cells.values() for output in cell.outputs]
        return [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]


def execute(notebook: Path, parameters: Mapping[str, Any]) -> Executed:
    """Run all cells of a copy of a notebook.

    Args:
        parameters: new values for variables of the cell tagged ``parameters``; the others stay.

    Raises:
        CellExecutionError: a cell failed; its traceback is in the message.
    """
    copy = nbformat.read(notebook, as_version=4)
    copy.cells.insert(_place_of("parameters", copy) + 1, _assignments(parameters))
    copy.cells.append(new_code_cell("print(results.reset_index().to_json(orient='records'))", id="results-as-json"))
    with tempfile.TemporaryDirectory(prefix="synergos-kernel-") as folder:
        # Nobody else reaches this kernel, and it reads no settings of whoever runs this.
        connection = {"transport": "ipc", "connection_file": f"{folder}/kernel.json"}
        where = {"metadata": {"path": str(notebook.parent)}}
        settings = Config({"ConnectionFileMixin": connection})
        client = NotebookClient(copy, timeout=CELL_DEADLINE, resources=where, config=settings)
        client.execute(env={**os.environ, "IPYTHONDIR": folder})
    cells = {cell.id: cell for cell in copy.cells if cell.cell_type == "code"}
    return Executed(cells, json.loads(cells["results-as-json"].outputs[0].text))


def _place_of(tag: str, notebook: NotebookNode) -> int:
    return next(index for index, cell in enumerate(notebook.cells) if tag in cell.metadata.get("tags", []))


def _assignments(parameters: Mapping[str, Any]) -> NotebookNode:
    source = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    cell: NotebookNode = new_code_cell(source, id="injected-parameters", metadata={"tags": ["injected-parameters"]})
    return cell
