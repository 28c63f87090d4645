"""What every reader does: raw rows, however they are given, become inputs of a feature space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synergos.domain.feature_space import FeatureSpace
from synergos.errors import UnusableData
from synergos.tables.data_file import DataFile
from synergos.tables.never_trained import NeverTrained
from synergos.tables.predictions import Ids

Rows: TypeAlias = pd.DataFrame | str | Path | Sequence[str | Path]
"""A frame, a file, a folder, or several files in their order."""


@dataclass(frozen=True)
class Choice:
    """Columns that are no inputs.

    Attributes:
        keep: those that come back with the predictions.
        ignore: those that do not.
    """

    keep: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadRows:
    """Rows as a model takes them.

    Attributes:
        about: one line per row: where it comes from.
        inputs: (N, *input shape).
        never_trained: the rows that have what no training row had.
        ids: by column, what is kept beside the predictions.
        absent: columns that the model looks at and that were not there; filled as missing cells are.
    """

    about: pd.DataFrame
    inputs: NDArray[np.float32]
    never_trained: NeverTrained = field(default_factory=NeverTrained)
    ids: Ids = field(default_factory=dict)
    absent: tuple[str, ...] = ()


class Reader(Protocol):
    """One data type; it keeps nothing between calls, and threads may share it."""

    @property
    def name(self) -> str:
        """The data type, as a feature space says it."""

    def read(self, rows: Rows, space: FeatureSpace, choice: Choice) -> ReadRows:
        """Read rows.

        Raises:
            UnusableData: names the file, the column and what was expected.
        """


def paths_of(rows: str | Path | Sequence[str | Path]) -> list[Path]:
    """Paths, however they are given."""
    return [Path(rows)] if isinstance(rows, str | Path) else [Path(path) for path in rows]


def files_in(folder: Path) -> list[DataFile]:
    """The files of a folder and below it, ordered by path; without those whose names begin with a point."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    named = [(path, path.relative_to(folder)) for path in found]
    return [
        DataFile(f"{folder.name}/{inner.as_posix()}", path)
        for path, inner in named
        if not any(part.startswith(".") for part in inner.parts)
    ]


def checked(path: Path) -> Path:
    """A file or folder that is there.

    Raises:
        UnusableData: it is not.
    """
    if not path.exists():
        raise UnusableData("there is no such file or folder", str(path))
    return path
