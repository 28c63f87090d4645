"""Dataset folders for a worker: written by hand, or split from scikit-learn's bundled data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

SHARED = Path(__file__).parents[3] / "shared" / "datasets"


def write_dataset(
    root: Path,
    tag: Sequence[str],
    csv: str,
    schema: Mapping[str, object] | None,
    *,
    name: str = "rows.csv",
    metadata: str | None = '{"datatype": "tabular", "operations": {}}',
) -> Path:
    """Write one dataset folder; the folder."""
    folder = root.joinpath(*tag)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(csv, encoding="utf-8")
    if schema is not None:
        (folder / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    if metadata is not None:
        (folder / "metadata.json").write_text(metadata, encoding="utf-8")
    return folder


def write_frame(root: Path, tag: Sequence[str], frame: pd.DataFrame) -> Path:
    """Write a frame as a dataset whose target is a category and everything else numbers."""
    schema = {name: "category" if name == "target" else "float64" for name in frame.columns}
    return write_dataset(root, tag, frame.to_csv(index=False), schema)


def wine() -> pd.DataFrame:
    """178 wines, 13 measures, three cultivars; shuffled."""
    from sklearn.datasets import load_wine  # late: most who write datasets need none of these

    return _named(load_wine(as_frame=True).frame, {0: "barolo", 1: "grignolino", 2: "barbera"})


def breast_cancer() -> pd.DataFrame:
    """569 tumours, 30 measures, two diagnoses; shuffled."""
    from sklearn.datasets import load_breast_cancer

    return _named(load_breast_cancer(as_frame=True).frame, {0: "malignant", 1: "benign"})


def _named(frame: pd.DataFrame, names: Mapping[int, str]) -> pd.DataFrame:
    frame = frame.rename(columns=lambda name: str(name).replace(" ", "_").replace("/", "_"))
    return frame.assign(target=frame["target"].map(names)).sample(frac=1, random_state=1).reset_index(drop=True)
