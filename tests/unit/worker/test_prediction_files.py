from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from synergos.domain.feature_space import Action, Feature, FeatureSpace
from synergos.domain.keys import RunKey
from synergos.domain.tags import Purpose
from synergos_worker.pipelines.pipeline import Ids
from synergos_worker.prediction_files import Inference, PredictionFiles

SPACE = FeatureSpace("tabular", Action.REGRESS, (Feature("a"),), (Feature("target"),), (1,))


def test_ids_are_carried_into_the_predictions_file(tmp_path: Path) -> None:
    ids: Ids = {"patient": ["007", None], "row": ["x", "y"]}
    predicted = np.array([[1.0], [2.0]], dtype=np.float32)
    inference = Inference((("a/rows.csv", 2),), predicted, predicted, {}, ids=ids)

    path = PredictionFiles(tmp_path).write(RunKey("c", "p", "e", "r"), Purpose.PREDICT, SPACE, inference)

    found = pd.read_csv(path.with_name("predictions_predict.csv"), dtype="str", keep_default_na=False)
    assert found.columns.tolist() == ["file", "row", "patient", "id_row", "prediction"]
    assert found["patient"].tolist() == ["007", ""]
    assert found["row"].tolist() == ["1", "2"]
    assert [file.name for file in path.parent.iterdir() if "007" in file.read_text()] == ["predictions_predict.csv"]
