from __future__ import annotations

import json
from typing import Any

import pytest

from factories.feature_spaces import features, labels
from synergos.domain.feature_space import Action, CategoricalColumn, Feature, FeatureSpace, NumericColumn
from synergos.errors import InvalidRequest

STORED = {
    "datatype": "tabular",
    "action": "classify",
    "X": ["a_b", "a_b_c", "age"],
    "y": ["target_0", "target_b_1"],
    "input_shape": [3],
    "numeric": {"age": {"minimum": 0.0, "maximum": 1.0, "mean": 0.5}, "a_b": {"minimum": 0, "maximum": 1, "mean": 0}},
    "categorical": {"a": {"levels": ["b_c"], "most_frequent": "b_c"}},
}
"""As it was stored when features were joined names."""


def test_features_are_pairs_in_records_and_messages() -> None:
    space = FeatureSpace(
        "tabular",
        Action.CLASSIFY,
        features("age", "sex=0"),
        labels("no", "yes"),
        (2,),
        {"age": NumericColumn(0.0, 1.0, 0.5)},
        {"sex": CategoricalColumn(("0",), "0")},
    )

    written = json.loads(json.dumps(space.to_dict()))

    assert written["X"] == [["age", None], ["sex", "0"]]
    assert written["y"] == [["target", "no"], ["target", "yes"]]
    assert FeatureSpace.from_dict(written) == space
    assert space.labels == ("no", "yes")


def test_a_space_stored_with_joined_names_is_read_with_pairs() -> None:
    space = FeatureSpace.from_dict(STORED)

    assert (Feature("a_b"), Feature("a", "b_c"), Feature("age")) == space.X
    assert space.y == labels("0", "b_1")
    assert FeatureSpace.from_dict({**STORED, "action": "regress", "y": ["target"]}).y == labels()


@pytest.mark.parametrize("broken", [{}, {"X": 1}, {"categorical": []}, {"categorical": {"a": {}}}, {"y": [1]}])
def test_what_is_no_feature_space_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="not a feature space"):
        FeatureSpace.from_dict({**STORED, **broken} if broken else {})
