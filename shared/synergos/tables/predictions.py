"""Predictions as a frame: one line per row, the predicted class or value, the score of each class, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.foreign_text import in_spreadsheet
from synergos.tables.never_trained import NeverTrained

Ids: TypeAlias = Mapping[str, Sequence[str | None]]
"""Columns that tell rows apart for their owner, by name."""


def prediction_frame(
    about: pd.DataFrame,
    space: FeatureSpace,
    scores: NDArray[Any],
    predicted: NDArray[Any],
    never: NeverTrained,
    ids: Ids = MappingProxyType({}),
) -> pd.DataFrame:
    """What a model says of rows.

    Args:
        about: one line per row: where it comes from.
        scores: as :meth:`synergos.learning.families.Predictor.predict` has them, and so ``predicted``.
        ids: by column, what tells the rows apart for their owner.

    Returns:
        The columns of ``about``, the ids, ``prediction``, ``score_<class>`` and, where there is something to note, ``note``;
        nothing is predicted of a row that is refused, or of which the model has no finite score.
    """
    flat, has_scores = predicted.reshape(-1), np.isfinite(scores.reshape(len(scores), -1)).all(axis=1)
    if space.action is Action.REGRESS:
        own: dict[str, NDArray[Any]] = {"prediction": flat}
    else:
        labels = np.array(space.labels, dtype=object)
        by_label = scores_by_label(scores, space)
        ids_of_classes = np.where(has_scores, flat, 0).astype(np.int64)
        own = {"prediction": labels[np.minimum(ids_of_classes, len(labels) - 1)]}
        own |= {f"score_{label}": by_label[:, index] for index, label in enumerate(space.labels)}
    found = pd.DataFrame(own, index=about.index)
    is_predicted = never.predicted(len(found)) & has_scores
    if not is_predicted.all():
        found.loc[~is_predicted, :] = None
    if never.by_column or not has_scores.all():
        found["note"] = _notes(never, has_scores)
    # An id may be called like one of the columns there are.
    named = {f"id_{name}" if _is_taken(name) else name: cells for name, cells in ids.items()}
    return pd.concat([about, pd.DataFrame(named, index=about.index), found], axis=1)


def as_spreadsheet(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame for a csv file, which a spreadsheet may open: labels are others' text, and none of it is a formula there."""
    texts = frame.select_dtypes(exclude="number").columns
    safe = frame.assign(**{name: frame[name].map(_cell) for name in texts})
    return safe.rename(columns=in_spreadsheet)


def _cell(value: object) -> object:
    return in_spreadsheet(value) if isinstance(value, str) else value


def _notes(never: NeverTrained, has_scores: NDArray[np.bool_]) -> list[str]:
    """What is to be said of each row."""
    said = [[note] if note else [] for note in never.notes(len(has_scores))]
    for index in np.flatnonzero(~has_scores & never.predicted(len(has_scores))).tolist():
        said[index].append("not predicted: the model has no finite score for its values")
    return ["; ".join(each) for each in said]


def scores_by_label(scores: NDArray[Any], space: FeatureSpace) -> NDArray[Any]:
    """The score of each class, (N, classes) in class order."""
    if scores.shape[1] == 1:
        scores = np.hstack([1 - scores, scores])
    # With one label only, the second score belongs to none.
    return scores[:, : len(space.labels)]


def _is_taken(name: str) -> bool:
    return name in {"file", "row", "note", "prediction"} or name.startswith("score_")
