"""A model of an exported run as its files have it, without what reads rows; that much a TTP has too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synergos.domain.feature_space import FeatureSpace
from synergos.extras import needing
from synergos.learning import datatypes, families
from synergos.learning.families import Recipe, manifest


class StoredModel:
    """One model, and all that is known of it.

    Attributes:
        folder: of the run.
        name: of the model's files, without a suffix.
        manifest: all that is known of it, see ``docs/using-a-model.md``.
        file: that it was read from.
        recipe: what it is made from.
        weights: by name.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.manifest: Mapping[str, Any] = manifest.read(folder)
        self.recipe: Recipe = families.recipe_in(self.manifest)
        self.file = manifest.file_of(folder, self.manifest, name)
        self.weights = self.recipe.family.read(self.file)

    @property
    def space(self) -> FeatureSpace:
        """How raw rows become inputs, in which order, and what the outputs mean."""
        return self.recipe.space

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that it looks at."""
        return datatypes.get(self.space.datatype).columns(self.space)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in order; empty for a regression."""
        return self.space.labels

    def to_mlflow(self, path: str | Path) -> Path:
        """Write it as a folder that MLflow loads: ``mlflow.pyfunc`` from frames of raw rows to frames of predictions, and
        ``mlflow.pytorch``.

        Raises:
            NotInstalled: a package that it takes is not installed.
            OSError: it cannot be written, or is there already.
        """
        with needing("export"):
            from synergos.model.mlflow_folder import write_mlflow
        return write_mlflow(self, Path(path))
