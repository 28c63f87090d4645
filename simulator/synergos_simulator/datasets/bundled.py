"""The real tables (and images) that come with scikit-learn, as datasets of several participants."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synergos.errors import InvalidRequest, UnknownName
from synergos_simulator.datasets.dataset import Dataset, Holding, Layer, any_layer, layer
from synergos_simulator.datasets.pictures import write_pictures
from synergos_simulator.datasets.splitting import Rows, deal, even_shares, purposes, skewed_shares

if TYPE_CHECKING:
    import pandas as pd

SEED = 42
SMALLEST_HOLDING = 10
"""Fewer rows than this are no dataset to train on."""
MOST_BINS = 5
"""Into how many equally large parts a target is cut at most, to split it as if it were a label."""
MISSING_SHARE = 0.01


class Split(StrEnum):
    """How rows are spread over the participants."""

    EVEN = "even"
    SKEWED = "skewed"


@dataclass(frozen=True)
class _Example:
    """How one of scikit-learn's tables is learnt.

    Attributes:
        image_side: its rows are square images of so many pixels a side, and are written as such; 0 when they are not.
    """

    loader: str
    action: str
    architecture: tuple[Layer, ...]
    hyperparameters: Mapping[str, Any]
    categorical: tuple[str, ...] = ()
    image_side: int = 0


_COMMON: Mapping[str, Any] = {
    "rounds": 15,
    "epochs": 5,
    "batch_size": 32,
    "optimizer": "SGD",
    "momentum": 0.9,
    "lr_scheduler": "LambdaLR",
    "lr_decay": 0.01,
}
_EXAMPLES: Mapping[str, _Example] = {
    "breast_cancer": _Example(
        "load_breast_cancer",
        "classify",
        (layer(30, 16, "relu", is_input=True), layer(16, 1, "sigmoid")),
        {**_COMMON, "lr": 0.1, "criterion": "BCELoss"},
    ),
    "wine": _Example(
        "load_wine",
        "classify",
        (layer(13, 16, "relu", is_input=True), layer(16, 3, "softmax")),
        {**_COMMON, "lr": 0.1, "criterion": "NLLLoss"},
    ),
    "diabetes": _Example(
        "load_diabetes",
        "regress",
        (layer(11, 16, "relu", is_input=True), layer(16, 1, "")),
        {**_COMMON, "lr": 0.0003, "criterion": "MSELoss"},
        categorical=("sex",),
    ),
    "digits": _Example(
        "load_digits",
        "classify",
        (layer(64, 32, "relu", is_input=True), layer(32, 10, "softmax")),
        {**_COMMON, "lr": 0.1, "criterion": "NLLLoss"},
    ),
    "digits_images": _Example(
        "load_digits",
        "classify",
        (
            any_layer("Conv2d", "relu", is_input=True, in_channels=1, out_channels=16, kernel_size=3, padding=1),
            any_layer("MaxPool2d", kernel_size=2),
            any_layer("Flatten"),
            layer(256, 10, "softmax"),
        ),
        {**_COMMON, "rounds": 10, "epochs": 2, "lr": 0.05, "criterion": "NLLLoss"},
        image_side=8,
    ),
}
NAMES = tuple(_EXAMPLES)


def write_example(
    root: Path,
    name: str,
    participants: int = 2,
    split: Split = Split.EVEN,
    seed: int = SEED,
    *,
    folder: str | None = None,
    most_rows: int | None = None,
) -> Dataset:
    """Write one example below a data root, as ``<folder>/data<i>/{train,evaluate,predict}/``.

    What is in such ``data<i>`` folders already is replaced, and anything else beside them stays.

    Args:
        folder: what to call it; ``<name>_<split>`` by default.
        most_rows: use no more than the first so many rows.

    Raises:
        InvalidRequest: there is no such example, or too few rows for so many participants.
    """
    if name not in _EXAMPLES:
        raise UnknownName(name, NAMES, "dataset", "an example dataset")
    example = _EXAMPLES[name]
    table, labels = _load(name, bins=min(participants, MOST_BINS))
    table, labels = table.iloc[:most_rows], labels[:most_rows]
    hands = _dealt(labels, participants, split, seed)
    place = root / (folder or f"{name}_{split}")
    for stale in place.glob("data[0-9]*"):  # what is left in a dataset folder would be read along
        shutil.rmtree(stale)
    schema = {str(column): _dtype(table[column].dtype.kind, str(column), example) for column in table}
    holdings = []
    for number, hand in enumerate(hands, start=1):
        tag = (place.name, f"data{number}")
        for purpose, rows in hand.items():
            target = root.joinpath(*tag, purpose)
            if example.image_side:
                write_pictures(target, table.iloc[rows], example.image_side)
            else:
                _write_folder(target, table.iloc[rows], schema, f"{name}_{purpose}_{number}.csv")
        holdings.append(Holding(f"worker_{number}", (*tag, "train"), (*tag, "evaluate"), (*tag, "predict")))
    _write_json(place / "architecture.json", list(example.architecture))
    _write_json(place / "hyperparameters.json", dict(example.hyperparameters))
    _write_json(place / "ranges.json", _ranges(example))
    return Dataset(place.name, example.action, root, holdings, example.architecture, example.hyperparameters)


def _load(name: str, bins: int) -> tuple[pd.DataFrame, Rows]:
    """The table with its ``target``, and the number of the label (or of the target's bin) of each row."""
    import pandas as pd
    from sklearn import datasets

    example = _EXAMPLES[name]
    options = {"scaled": False} if name == "diabetes" else {}
    bunch = getattr(datasets, example.loader)(as_frame=True, **options)
    table: pd.DataFrame = bunch.data.rename(columns=lambda column: re.sub(r"\W+", "_", str(column)))
    if example.action == "classify":
        labels = bunch.target.to_numpy(np.int64)
        table["target"] = [str(bunch.target_names[label]) for label in labels]
    else:
        table["target"] = bunch.target.astype(float)
        labels = pd.qcut(bunch.target, bins, labels=False).to_numpy(np.int64)
        _leave_cells_out(table, [c for c in table.columns if c not in {*example.categorical, "target"}])
    for column in example.categorical:
        table[column] = table[column].map("{:g}".format)
    return table, labels


def _leave_cells_out(table: pd.DataFrame, columns: list[str]) -> None:
    """Blank one reading in a hundred, as records from a ward have them, so that imputation has something to do."""
    blank = np.random.default_rng(SEED).random((len(table), len(columns))) < MISSING_SHARE
    table[columns] = table[columns].astype(float).mask(blank)


def _dealt(labels: Rows, participants: int, split: Split, seed: int) -> list[dict[str, Rows]]:
    rng = np.random.default_rng(seed)
    shares = {Split.EVEN: even_shares, Split.SKEWED: skewed_shares}[split](participants, int(labels.max()) + 1)
    hands = [purposes(rows, labels, rng) for rows in deal(labels, shares, rng)]
    known = len(np.unique(labels))
    for hand in hands:
        if sum(map(len, hand.values())) < SMALLEST_HOLDING or len(np.unique(labels[hand["train"]])) < known:
            raise InvalidRequest(f"{len(labels)} rows are too few for {participants} participants", "participants")
    return hands


def _dtype(kind: str, column: str, example: _Example) -> str:
    if column in example.categorical or (column == "target" and example.action == "classify"):
        return "category"
    return "int32" if kind in "iu" else "float64"


def _write_folder(folder: Path, rows: pd.DataFrame, schema: Mapping[str, str], csv_name: str) -> None:
    folder.mkdir(parents=True)
    rows.to_csv(folder / csv_name, index=False)
    _write_json(folder / "schema.json", schema)
    _write_json(folder / "metadata.json", {"datatype": "tabular", "operations": {}})


def _ranges(example: _Example) -> dict[str, Any]:
    """A search space for tuning, around what is known to work."""
    rate = example.hyperparameters["lr"]
    return {
        "rounds": {"_type": "choice", "_value": [5, 10, 15]},
        "epochs": {"_type": "choice", "_value": [1, 5]},
        "batch_size": {"_type": "choice", "_value": [32, 64]},
        "lr": {"_type": "loguniform", "_value": [rate / 10, rate]},
        "criterion": {"_type": "choice", "_value": [example.hyperparameters["criterion"]]},
        "mu": {"_type": "uniform", "_value": [0.0, 1.0]},
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=4) + "\n", encoding="utf-8")
