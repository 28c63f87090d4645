from __future__ import annotations

from dataclasses import replace

import numpy as np

from synergos.domain.feature_space import Action, CategoricalColumn, Feature, FeatureSpace, NumericColumn
from synergos.learning.told_space import told
from synergos.tables.encoding import encode

SPACE = FeatureSpace(
    "tabular",
    Action.CLASSIFY,
    (Feature("age"), Feature("dose"), Feature("ward", "north"), Feature("ward", "south")),
    (Feature("target", "ill"), Feature("target", "well")),
    (4,),
    {"age": NumericColumn(18.0, 93.0, 47.3), "dose": NumericColumn(0.7, 13.1, 4.9)},
    {"ward": CategoricalColumn(("north", "south"), "south")},
)


def test_a_participant_that_has_all_columns_is_told_all() -> None:
    assert told(SPACE, ["age", "dose", "ward", "target"]) is SPACE


def test_of_a_column_it_lacks_it_is_told_name_kind_and_fill() -> None:
    found = told(SPACE, ["age"])

    assert found.numeric["age"] == SPACE.numeric["age"]
    assert (found.numeric["dose"].minimum, found.numeric["dose"].maximum) == (0, 1)
    assert [feature.column for feature in found.X] == ["age", "dose", "ward", "ward"]
    assert found.y == SPACE.y
    for secret in ("0.7", "13.1", "4.9", "north", "south"):
        assert secret not in str(found.to_dict())


def test_what_is_declared_of_a_column_it_lacks_is_not_told_either() -> None:
    declared = {"age": {"type": "number", "unit": "years"}, "dose": {"type": "ordinal", "order": ["once", "twice"]}}

    found = told(replace(SPACE, options={"columns": declared}), ["age"])

    assert found.options == {"columns": {"age": {"type": "number", "unit": "years"}}}


def test_its_rows_become_the_same_inputs_to_the_last_bit() -> None:
    ages = np.array([[20.0], [np.nan], [93.0]])

    assert encode(["age"], ages, {}, told(SPACE, ["age"])).tobytes() == encode(["age"], ages, {}, SPACE).tobytes()


def test_no_cell_is_a_level_it_was_not_told() -> None:
    space = told(SPACE, ["age", "dose"])

    assert all(level.strip() != level for level in space.categorical["ward"].levels)
    assert space.categorical["ward"].most_frequent == space.categorical["ward"].levels[1]


def test_a_constant_column_stays_constant() -> None:
    space = FeatureSpace("tabular", Action.REGRESS, (Feature("a"),), (), (1,), {"a": NumericColumn(7.0, 7.0, 7.0)})

    assert told(space, []).numeric["a"] == NumericColumn(0.0, 1.0, 0.0)
