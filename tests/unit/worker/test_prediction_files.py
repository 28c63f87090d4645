from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synergos.domain.feature_space import Action, Feature, FeatureSpace, Unseen
from synergos.domain.keys import RunKey
from synergos.domain.tags import Purpose
from synergos.errors import JobCancelled
from synergos.learning.families import Array
from synergos.tables.never_trained import NeverTrained
from synergos_worker.pipelines.pipeline import Ids
from synergos_worker.prediction_files import Inference, PredictionFiles

SPACE = FeatureSpace("tabular", Action.REGRESS, (Feature("a"),), (Feature("target"),), (1,))
RUN = RunKey("c", "p", "e", "r")


def test_ids_are_carried_into_the_predictions_file(tmp_path: Path) -> None:
    ids: Ids = {"patient": ["007", None], "row": ["x", "y"]}
    predicted = np.array([[1.0], [2.0]], dtype=np.float32)
    inference = Inference((("a/rows.csv", 2),), predicted, predicted, {}, ids=ids)

    path = PredictionFiles(tmp_path).write(RUN, Purpose.PREDICT, SPACE, inference, lambda: None)

    found = pd.read_csv(path.with_name("predictions_predict.csv"), dtype="str", keep_default_na=False)
    assert found.columns.tolist() == ["file", "row", "patient", "id_row", "prediction"]
    assert found["patient"].tolist() == ["007", ""]
    assert found["row"].tolist() == ["1", "2"]
    assert [file.name for file in path.parent.iterdir() if "007" in file.read_text()] == ["predictions_predict.csv"]


CLASSES = FeatureSpace(
    "tabular", Action.CLASSIFY, (Feature("a"),), (Feature("target", "no"), Feature("target", "yes")), (1,)
)


def classified() -> Inference:
    """Seven rows: one that nobody predicts, one without a finite score."""
    scores: Array = np.array([[0.25], [1 / 3], [1e-9], [0.5], [np.nan], [0.75], [1]], dtype=np.float32)
    never = NeverTrained({"sex": np.arange(7) == 2}, unseen=Unseen.REFUSE)
    return Inference(
        (("a/é.csv", 7),), scores, scores > 0.3, {}, never, {"patient": ["=1", None, "\r\n", "x", "y", ",", '"']}
    )


def test_files_are_written_in_pieces_and_have_the_bytes_they_have_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[dict[str, bytes]] = []
    pieces: list[int] = []
    for block in (1000, 2):
        monkeypatch.setattr("synergos_worker.prediction_files._BLOCK", block)
        calls: list[None] = []
        files = PredictionFiles(tmp_path / str(block))
        path = files.write(RUN, Purpose.PREDICT, CLASSES, classified(), partial(calls.append, None))
        written.append({file.name: file.read_bytes() for file in path.parent.iterdir()})
        pieces.append(len(calls))

    scores = written[0]["inference_scores_predict.txt"].splitlines()
    assert written[0] == written[1]
    assert (len(written[0]), len(scores), scores[2]) == (4, 7, b"nan")
    assert written[0]["predictions_predict.csv"].startswith(b"file,row,patient,prediction,score_no,score_yes,note\n")
    assert pieces == [4, 16]


def test_nothing_is_written_when_it_is_given_up_between_two_pieces(tmp_path: Path) -> None:
    def give_up() -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        PredictionFiles(tmp_path).write(RUN, Purpose.PREDICT, CLASSES, classified(), give_up)

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
