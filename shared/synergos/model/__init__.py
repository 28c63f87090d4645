"""A trained model, used without a grid: raw rows in, predictions out, as the worker that would predict them says it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synergos.extras import needing

if TYPE_CHECKING:
    from synergos.model.trained_model import TrainedModel

__all__ = ["load_model"]


def load_model(folder: str | Path, name: str = "global_model", *, cpus: int | None = None) -> TrainedModel:
    """A model of an exported run, ready to use; ``driver.models.download`` fetches such a folder.

    Args:
        folder: with ``manifest.json`` and the files of the model.
        name: of the model's files, without a suffix: ``global_model`` or ``local_model_<participant>``.
        cpus: threads that calculate; by default as many as a worker takes, all cores but one. The last bit of a prediction
            can depend on it where rows are long.

    Raises:
        NotInstalled: a package that it takes is not installed; names the extra that brings it.
        RecordNotFound: it is not there.
        WireFormatError: the files do not hold a model.
    """
    with needing("predict"):
        from synergos.model.trained_model import TrainedModel
    return TrainedModel.load(Path(folder), name, cpus=cpus)
