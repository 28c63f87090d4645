"""Datasets somebody else laid out: ``<name>/[dataset/]data<i>/<purpose>/``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synergos.errors import InvalidRequest
from synergos_simulator.datasets.dataset import Dataset, Holding, Tag, layer

_DEFAULT_HYPERPARAMETERS: Mapping[str, Mapping[str, object]] = {
    "classify": {"rounds": 10, "epochs": 1, "lr_scheduler": "LambdaLR", "lr": 0.01, "criterion": "NLLLoss"},
    "regress": {"rounds": 10, "epochs": 1, "lr_scheduler": "LambdaLR", "lr": 0.001, "criterion": "MSELoss"},
}
_DEFAULT_ACTIVATION = {"classify": "softmax", "regress": ""}


def open_dataset(path: Path, participants: int | None = None) -> Dataset:
    """Find out who holds what in a dataset folder, and how it is to be learnt.

    Each ``data<i>`` folder is one participant's. It has ``train`` and perhaps ``evaluate`` and ``predict``, or
    ``iid_<i>`` (used for training) and ``non_iid_<i>`` (used for the other two). ``architecture.json`` and
    ``hyperparameters.json`` beside them are used where they are there.

    Args:
        participants: use only so many of them; None uses all.

    Raises:
        InvalidRequest: the folder is not laid out like this.
    """
    path = path.resolve()
    base = path / "dataset" if (path / "dataset").is_dir() else path
    folders = _numbered(base)
    if not folders:
        raise InvalidRequest(f"{path} has no folders data1, data2, … with a dataset for each participant", "dataset")
    if participants is not None and participants > len(folders):
        raise InvalidRequest(f"{path} is split over {len(folders)} participants, not {participants}", "participants")
    holdings = [_holding(number, folders[number], path.parent) for number in sorted(folders)[:participants]]
    action = _action(path.parent.joinpath(*holdings[0].train))
    architecture = _read_json(path / "architecture.json", [layer(1, 1, _DEFAULT_ACTIVATION[action], is_input=True)])
    hyperparameters = _read_json(path / "hyperparameters.json", _DEFAULT_HYPERPARAMETERS[action])
    return Dataset(path.name, action, path.parent, holdings, architecture, hyperparameters)


def _numbered(base: Path) -> dict[int, Path]:
    found = {re.fullmatch(r"data(\d+)", folder.name): folder for folder in base.iterdir()} if base.is_dir() else {}
    return {int(match[1]): folder for match, folder in found.items() if match and folder.is_dir()}


def _holding(number: int, folder: Path, root: Path) -> Holding:
    names = {entry.name for entry in folder.iterdir() if (entry / "metadata.json").is_file()}

    def tag(name: str) -> Tag | None:
        return (folder / name).relative_to(root).parts if name in names else None

    train, other = tag("train"), tag(f"non_iid_{number}")
    if train:
        return Holding(f"worker_{number}", train, tag("evaluate"), tag("predict"))
    train = tag(f"iid_{number}")
    if train:
        return Holding(f"worker_{number}", train, other, other)
    raise InvalidRequest(f"{folder} has neither train nor iid_{number} with a metadata.json", "dataset")


def _action(train: Path) -> str:
    """A label that is a category, or an image's or text's, is classified."""
    target = _read_json(train / "schema.json", {}).get("target", "category")
    return "classify" if target == "category" else "regress"


def _read_json(path: Path, default: Any) -> Any:
    if not path.is_file():
        return default
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidRequest(f"{path} is not JSON: {error}", "dataset") from error
