"""What the documents show of the driver."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("simulator/**/*.md")])
NOTEBOOKS = sorted(ROOT.glob("simulator/datasets/*/*.ipynb"))
_DRIVER = re.compile(r"\bDriver\((?!…)[^)]*\)")


def drivers(text: str) -> list[str]:
    return _DRIVER.findall(text)


def test_drivers_are_found_in_documents() -> None:
    assert sum(len(drivers(path.read_text(encoding="utf-8"))) for path in DOCUMENTS) >= 2
    assert NOTEBOOKS


@pytest.mark.parametrize("path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_a_driver_in_a_document_raises_errors(path: Path) -> None:
    assert [each for each in drivers(path.read_text(encoding="utf-8")) if "raise_errors=True" not in each] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.name for path in NOTEBOOKS])
def test_the_driver_of_an_example_notebook_raises_errors(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    found = [driver for cell in cells if cell["cell_type"] == "code" for driver in drivers("".join(cell["source"]))]

    assert len(found) == 1
    assert "raise_errors=True" in found[0]
