"""What docs/using-a-model.md shows is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from factories.exported_runs import write_model
from factories.network_models import linear
from synergos import load_model
from synergos.learning.families.manifest import MANIFEST

TEXT = (Path(__file__).parents[3] / "docs" / "using-a-model.md").read_text()


def shown(heading: str) -> str:
    """The first lines of Python below a heading."""
    found = re.search(r"```python\n(.*?)```", TEXT.partition(f"## {heading}\n")[2], re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_lines_that_predict_without_this_library_say_what_it_says(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "run", layers=[linear(4, 1, "sigmoid")])
    rows = [
        {"lactate": 4.4, "site": 3, "ward": "icu"},
        {"lactate": None, "ward": "hall"},
        {"ward": "normal", "site": 9},
    ]
    lines = shown("Predicting without Synergos")
    assert "synergos" not in lines

    names: dict[str, Any] = {"folder": folder, "rows": rows}
    exec(lines, names)

    frame = pd.DataFrame(rows)
    np.testing.assert_allclose(names["second"], load_model(folder).predict_proba(frame)[:, 1], rtol=0, atol=1e-6)


def test_every_key_of_the_manifest_is_explained() -> None:
    table = TEXT.partition("## What is in the folder")[2].partition("## ")[0]
    explained = set(re.findall(r"`(\w+)`", table))

    assert MANIFEST.json_schema["properties"].keys() <= explained
