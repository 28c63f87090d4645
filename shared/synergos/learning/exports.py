"""A trained run as files: every model twice (``.pt`` and ``.safetensors``), every loss history, and what they belong to.

The folder of a run appears whole: it is written beside its place under another name and renamed when all is on the disk.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from synergos.domain.loss_history import LossHistory
from synergos.errors import RecordNotFound, WireFormatError
from synergos.learning.algorithms import Weights
from synergos.learning.families.layers.layers import Layer

ORIGIN = "ttp"
"""Where the global model comes from, as records say it."""

_STAGING = "staging"
_REPLACED = "replaced"


def write_run(
    folder: Path,
    *,
    architecture: Sequence[Layer],
    global_weights: Weights,
    local_weights: Mapping[str, Weights],
    history: LossHistory,
) -> dict[str, dict[str, str]]:
    """Write a run's folder; one that is there is replaced as a whole.

    Args:
        local_weights: by participant, in order of registration; read one at a time, so they may be memory-mapped.

    Returns:
        ``{"global": {"origin", "path", "loss_history"}, "local_1": {…}, …}`` with the paths as they are in the end.

    Raises:
        OSError: the disk takes no more, or fails; what was there before is still there, and nothing else.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _tidy(folder)
    staging = _beside(folder, _STAGING)
    staging.mkdir()
    try:
        _write_weights(staging / "global_model.pt", global_weights)
        _write_json(staging / "global_loss_history.json", history.of_global())
        for participant, weights in local_weights.items():
            model, losses = _local_names(participant)
            _write_weights(staging / f"{model}.pt", weights)
            _write_json(staging / f"{losses}.json", history.of_participant(participant))
        _write_json(staging / "manifest.json", _manifest(architecture, list(local_weights)))
        _sync(staging)
        _swap(staging, folder)
    except BaseException:
        # A disk that is full has no room for what nobody will read.
        shutil.rmtree(staging, ignore_errors=True)
        raise
    local = {
        f"local_{number}": _outputs(folder, participant, *_local_names(participant))
        for number, participant in enumerate(local_weights, start=1)
    }
    return {"global": _outputs(folder, ORIGIN, "global_model", "global_loss_history"), **local}


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read weights that :func:`write_run` wrote; nothing in the file is ever executed.

    Raises:
        RecordNotFound: there is no such file.
        WireFormatError: the file does not hold weights.
    """
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise RecordNotFound(f"the model file {path.name} is not there any more; train the run again") from error
    except Exception as error:  # torch and safetensors each raise several kinds, for bytes that are not theirs
        raise WireFormatError(f"{path.name} does not hold a model") from error
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise WireFormatError(f"{path.name} does not hold a model")
    return dict(weights)


def _local_names(participant: str) -> tuple[str, str]:
    return f"local_model_{participant}", f"local_loss_history_{participant}"


def _outputs(folder: Path, origin: str, model: str, losses: str) -> dict[str, str]:
    return {"origin": origin, "path": str(folder / f"{model}.pt"), "loss_history": str(folder / f"{losses}.json")}


def _manifest(architecture: Sequence[Layer], participants: list[str]) -> dict[str, Any]:
    packages = ("synergos", "torch", "safetensors")
    return {
        "format": 1,
        "architecture": list(architecture),
        "participants": participants,
        "versions": {package: version(package) for package in packages},
    }


def _write_weights(path: Path, weights: Weights) -> None:
    # Tensors that are views of one buffer would be saved with all of it.
    own = {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in weights.items()}
    try:
        torch.save(own, path)
        save_file(own, path.with_suffix(".safetensors"))
    except (RuntimeError, SafetensorError) as error:
        # What torch and safetensors make of a disk that takes no more; neither is an OSError.
        raise OSError(errno.EIO, "the disk is full, or fails", str(path)) from error


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _sync(folder: Path) -> None:
    """Have the disk hold everything before a name points to it."""
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _swap(staging: Path, folder: Path) -> None:
    """Put a finished folder in its place; the one before it goes last, so that a crash leaves one of the two."""
    replaced = _beside(folder, _REPLACED)
    if folder.exists():
        folder.rename(replaced)
    staging.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)


def _tidy(folder: Path) -> None:
    """Remove what a crash left beside the folder, or put back what it had only moved away."""
    for replaced in _leftovers(folder, _REPLACED):
        if folder.exists():
            shutil.rmtree(replaced, ignore_errors=True)
        else:
            replaced.rename(folder)
    for staging in _leftovers(folder, _STAGING):
        shutil.rmtree(staging, ignore_errors=True)


def _beside(folder: Path, purpose: str) -> Path:
    # Ids start with a letter or digit, so no run can have such a name.
    return folder.with_name(f".{purpose}-{uuid4().hex}-{folder.name}")


def _leftovers(folder: Path, purpose: str) -> list[Path]:
    prefix, suffix = f".{purpose}-", f"-{folder.name}"
    length = len(prefix) + len(uuid4().hex) + len(suffix)
    return [
        path
        for path in folder.parent.iterdir()
        if len(path.name) == length and path.name.startswith(prefix) and path.name.endswith(suffix)
    ]
