"""What was declared of a column holds for rows that a model is asked about, too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synergos.domain.feature_space import Action, CategoricalColumn, Feature, FeatureSpace, NumericColumn
from synergos.errors import InvalidRequest
from synergos.model.readers.reader import Choice
from synergos.model.readers.tabular import TabularReader

SPACE = FeatureSpace(
    datatype="tabular",
    action=Action.CLASSIFY,
    X=(Feature("seen"), Feature("smoker", "false"), Feature("smoker", "true"), Feature("stage")),
    y=(Feature("target", "0"), Feature("target", "1")),
    input_shape=(4,),
    numeric={"seen": NumericColumn(0.0, 10.0, 5.0), "stage": NumericColumn(0.0, 2.0, 1.0)},
    categorical={"smoker": CategoricalColumn(("false", "true"), "false")},
    options={
        "columns": {
            "seen": {"type": "date"},
            "smoker": {"type": "boolean"},
            "stage": {"type": "ordinal", "order": ["I", "II", "III"]},
        }
    },
)
EXPECTED = np.array([[0.2, 0, 1, 1.0], [0.5, 1, 0, 0.5]], dtype=np.float32)


def test_dates_booleans_and_ordinals_of_a_frame_are_what_they_were_in_training() -> None:
    frame = pd.DataFrame(
        {"seen": pd.to_datetime(pd.Series(["1970-01-03", None])), "smoker": [True, False], "stage": ["III", "II"]}
    )

    np.testing.assert_array_equal(TabularReader().read(frame, SPACE, Choice()).inputs, EXPECTED)


def test_so_are_those_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("seen,smoker,stage\n1970-01-03,yes,III\n,no,II\n")

    np.testing.assert_array_equal(TabularReader().read(path, SPACE, Choice()).inputs, EXPECTED)


def test_what_a_newer_release_has_agreed_on_is_refused_by_its_column() -> None:
    columns = {**SPACE.options["columns"], "seen": {"type": "hour"}}

    with pytest.raises(InvalidRequest, match=r"^options\.columns\.seen\.type: expected one of "):
        TabularReader().read(pd.DataFrame({"seen": [1]}), replace(SPACE, options={"columns": columns}), Choice())
