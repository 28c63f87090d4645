"""Predictions as a frame: what is said of rows that have none."""

from __future__ import annotations

import numpy as np
import pandas as pd

from factories.network_models import space
from synergos.domain.feature_space import Action, Unseen
from synergos.tables.never_trained import NeverTrained
from synergos.tables.predictions import prediction_frame

ABOUT = pd.DataFrame({"row": [1, 2, 3]})
NOTE = "not predicted: the model has no finite score for its values"


def test_a_row_without_a_finite_score_has_no_label() -> None:
    scores = np.array([[0.25], [np.nan], [0.75]], dtype=np.float32)

    found = prediction_frame(ABOUT, space(Action.CLASSIFY, 1, 2), scores, (scores > 0.5).astype(float), NeverTrained())

    assert found.columns.tolist() == ["row", "prediction", "score_0", "score_1", "note"]
    assert found["prediction"].isna().tolist() == [False, True, False]
    assert found["prediction"].dropna().tolist() == ["0", "1"]
    assert found["score_1"].isna().tolist() == [False, True, False]
    assert found["note"].tolist() == ["", NOTE, ""]


def test_of_several_classes_and_of_a_number_too() -> None:
    scores = np.array([[0.2, 0.8, 0.0], [np.nan] * 3, [1.0, 0.0, 0.0]])
    classes = prediction_frame(ABOUT, space(Action.CLASSIFY, 1, 3), scores, np.array([1, -1, 0]), NeverTrained())
    values = np.array([[1.0], [np.inf], [3.0]])
    numbers = prediction_frame(ABOUT, space(Action.REGRESS, 1), values, values, NeverTrained())

    assert classes["prediction"].fillna("nothing").tolist() == ["1", "nothing", "0"]
    assert numbers["prediction"].fillna(-1.0).tolist() == [1.0, -1.0, 3.0]
    assert numbers["note"].tolist() == ["", NOTE, ""]


def test_a_row_that_is_refused_is_refused_for_one_reason() -> None:
    scores = np.array([[0.25], [np.nan], [np.nan]])
    never = NeverTrained({"colour": np.array([True, True, False])}, unseen=Unseen.REFUSE)

    found = prediction_frame(ABOUT, space(Action.CLASSIFY, 1, 2), scores, scores, never)

    refused = "colour: a level that nobody trained, not predicted"
    assert found["note"].tolist() == [refused, refused, NOTE]


def test_without_anything_to_say_there_is_no_note() -> None:
    scores = np.array([[0.25], [0.5], [0.75]])

    found = prediction_frame(ABOUT, space(Action.CLASSIFY, 1, 2), scores, scores > 0.5, NeverTrained())

    assert found.columns.tolist() == ["row", "prediction", "score_0", "score_1"]
    assert found["prediction"].tolist() == ["0", "0", "1"]
