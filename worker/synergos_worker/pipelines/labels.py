"""Labels: the column ``target``, which is never an input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synergos.domain.feature_space import LABEL, Action, Feature, FeatureSpace
from synergos.domain.natural_order import natural_order
from synergos.errors import UnusableData
from synergos.tables.cells import Levels, recoded
from synergos.tables.rows import FileRows
from synergos.tables.schema import CATEGORY, TARGET
from synergos_worker.pipelines.pipeline import LabelCounts


@dataclass(frozen=True)
class Labels:
    """The labels of a table's rows, none of them missing.

    Attributes:
        values: numbers (regression), else codes into ``levels``.
        levels: names of the classes that occur, in class order; empty for a regression.
    """

    values: NDArray[Any]
    levels: tuple[str, ...] = ()

    @property
    def header(self) -> tuple[Feature, ...]:
        """The column of labels alone for a regression, else with each class."""
        return tuple(Feature(LABEL, level) for level in self.levels) or (Feature(LABEL),)

    @property
    def classes(self) -> Levels | None:
        """Codes into the levels, where there are classes."""
        return Levels(self.values, self.levels) if self.levels else None

    def showing(self, levels: Sequence[str]) -> Labels | None:
        """The same with these levels and no others, to be described; None when there are none."""
        return Labels(recoded(self.values, self.levels, levels), tuple(levels)) if levels else None

    def targets(self, space: FeatureSpace) -> NDArray[Any]:
        """The labels as the loss takes them: (N, 1) float32 where the network has one output, else (N,) int64.

        One that the space does not have is -1; see :meth:`never_trained`.
        """
        if space.action is Action.REGRESS:
            return self.values.astype(np.float32)[:, np.newaxis]
        classes = recoded(self.values, self.levels, space.labels)
        return classes.astype(np.float32)[:, np.newaxis] if space.outputs == 1 else classes.astype(np.int64)

    def never_trained(self, space: FeatureSpace) -> NDArray[np.bool_] | None:
        """The rows (N,) whose label nobody trained; None when there are none."""
        if space.action is Action.REGRESS:
            return None
        rows: NDArray[np.bool_] = recoded(self.values, self.levels, space.labels) < 0
        return rows if rows.any() else None


def read_labels(parts: Sequence[FileRows], action: Action, *, needed: bool) -> Labels | None:
    """The labels of files put one after another; None where they are not needed and some are missing.

    Raises:
        UnusableData: labels are needed and missing, or are of the wrong dtype; names the file and how many rows.
    """
    for part in parts:
        _check_dtype(part, action)
    missing = {part.name: _missing(part) for part in parts}
    if not any(missing.values()):
        return _joined(parts, action)
    if needed:
        (name, count), *others = ((name, count) for name, count in missing.items() if count)
        more = "".join(f", and in {count} of {name}" for name, count in others)
        raise UnusableData(f"column {TARGET!r}: expected a label in every row, missing in {count} of them{more}", name)
    return None


def _check_dtype(part: FileRows, action: Action) -> None:
    dtype = part.dtypes.get(TARGET)
    if dtype is not None and (dtype == CATEGORY) is not (action is Action.CLASSIFY):
        expected = CATEGORY if action is Action.CLASSIFY else "a number (float64)"
        raise UnusableData(
            f"column {TARGET!r}: a project that does {action} needs {expected}, its schema says {dtype}", part.name
        )


def _missing(part: FileRows) -> int:
    if TARGET not in part.dtypes:
        return part.count
    if TARGET in part.categorical:
        return int((part.categorical[TARGET].codes < 0).sum())
    return int(np.isnan(part.numbers[:, part.numeric.index(TARGET)]).sum())


def _joined(parts: Sequence[FileRows], action: Action) -> Labels:
    if action is Action.REGRESS:
        return Labels(np.concatenate([part.numbers[:, part.numeric.index(TARGET)] for part in parts]))
    columns = [part.categorical[TARGET] for part in parts]
    levels = tuple(natural_order(level for column in columns for level in column.levels))
    return Labels(np.concatenate([recoded(column.codes, column.levels, levels) for column in columns]), levels)


def label_counts(parts: Sequence[FileRows]) -> LabelCounts | None:
    """How many rows of some files have each label; None where a file has no classes."""
    if any(TARGET not in part.categorical for part in parts):
        return None
    labels = _joined(parts, Action.CLASSIFY)
    counts = np.bincount(labels.values[labels.values >= 0], minlength=len(labels.levels))
    declared = [part.declared[TARGET].levels if TARGET in part.declared else None for part in parts]
    listed = dict.fromkeys(level for levels in declared for level in levels or ())
    return LabelCounts(
        dict(zip(labels.levels, counts.tolist(), strict=True)), None if None in declared else tuple(listed)
    )
