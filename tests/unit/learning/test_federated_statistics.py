from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from factories.feature_spaces import columns, features, labels, prepared, statistics
from synergos.domain.feature_space import Action, CategoricalColumn, Feature, FeatureSpace, NumericColumn
from synergos.domain.preparation import TableColumns
from synergos.errors import Conflict, InvalidRequest, NotSupported, WireFormatError
from synergos.learning.column_alignment import Alignment
from synergos.learning.feature_space_agreement import feature_space
from synergos.learning.federated_statistics import combine


def numbers(*values: float) -> dict[str, float | int | None]:
    """What a worker reports of a numeric column with those cells."""
    if not values:
        return {"count": 0, "sum": 0.0, "minimum": None, "maximum": None}
    return {"count": len(values), "sum": sum(values), "minimum": min(values), "maximum": max(values)}


def polled(
    X: list[str],
    y: Sequence[Feature],
    schema: dict[str, str],
    numeric: dict[str, Any],
    categorical: dict[str, dict[str, int]] | None = None,
    **others: TableColumns,
) -> dict[str, Any]:
    """A participant's preparation; ``others`` are the headers of its other tables."""
    headers = {"train": columns(X, y), **others}
    return {
        "headers": headers,
        "schemas": dict.fromkeys(headers, schema),
        "metadata": {purpose: {"_type": "tabular", "src_count": 10} for purpose in headers},
        "statistics": {"train": {"numeric": numeric, "categorical": categorical or {}}},
    }


def agree(
    participants: Mapping[str, dict[str, Any]], action: Action, auto_align: bool = True
) -> tuple[FeatureSpace, Alignment]:
    return feature_space({who: prepared(said) for who, said in participants.items()}, action, auto_align)


SCHEMA = {"age": "int32", "sex": "category", "target": "category"}


def two_participants() -> dict[str, dict[str, Any]]:
    return {
        "worker_1": polled(
            ["age", "sex=0", "sex=1"],
            labels("0", "1"),
            SCHEMA,
            {"age": numbers(20, 40)},
            {"sex": {"0": 3, "1": 1}},
        ),
        "worker_2": polled(
            ["age", "sex=1", "sex=2"],
            labels("1", "2"),
            SCHEMA,
            {"age": numbers(60, 10, 10, 10, 30)},
            {"sex": {"1": 2, "2": 1}},
            evaluate=columns(["age", "sex=10"], labels("10")),
        ),
    }


def test_numeric_columns_are_combined_from_sums_and_counts() -> None:
    numeric, _ = combine(
        {
            "a": statistics(numeric={"age": numbers(20, 40)}),
            "b": statistics(numeric={"age": numbers(60, 10, 10, 10, 30)}),
        }
    )

    assert numeric == {"age": NumericColumn(minimum=10.0, maximum=60.0, mean=180 / 7)}


def test_who_has_no_cell_has_no_say() -> None:
    numeric, categorical = combine(
        {
            "a": statistics(numeric={"age": numbers()}, categorical={"sex": {}}),
            "b": statistics(numeric={"age": numbers(2, 4)}),
        }
    )

    assert numeric == {"age": NumericColumn(2.0, 4.0, 3.0)}
    assert categorical == {}


def test_a_column_without_any_cell_scales_to_a_constant() -> None:
    assert combine({"a": statistics(numeric={"age": numbers()})})[0] == {"age": NumericColumn(0.0, 0.0, 0.0)}


def test_the_mean_does_not_depend_on_the_order_of_the_participants() -> None:
    values = {"a": 1e16, "b": 1.0, "c": -1e16}
    parts = {name: statistics(numeric={"x": numbers(value)}) for name, value in values.items()}

    assert combine(parts)[0] == combine(dict(reversed(parts.items())))[0]
    assert combine(parts)[0]["x"].mean == 1 / 3


def test_the_most_frequent_level_counts_all_participants() -> None:
    _, categorical = combine(
        {
            "a": statistics(categorical={"sex": {"10": 3, "9": 2}}),
            "b": statistics(categorical={"sex": {"9": 2, "1": 1}}),
        }
    )

    assert categorical == {"sex": CategoricalColumn(("1", "9", "10"), "9")}


def test_of_equally_frequent_levels_the_first_is_taken() -> None:
    _, categorical = combine({"a": statistics(categorical={"sex": {"10": 2, "9": 2}})})

    assert categorical["sex"].most_frequent == "9"


def test_the_label_is_no_feature() -> None:
    assert combine({"a": statistics(numeric={"target": numbers(1)}, categorical={})}) == ({}, {})


def test_a_column_of_two_kinds_names_the_participants() -> None:
    with pytest.raises(InvalidRequest, match="age: column is numeric for worker_1 and categorical for worker_2"):
        combine(
            {
                "worker_1": statistics(numeric={"age": numbers(1)}),
                "worker_2": statistics(categorical={"age": {"1": 1}}),
            }
        )


@pytest.mark.parametrize("wrong", [{"count": 1}, {"count": 1, "sum": None, "minimum": 0, "maximum": 1}])
def test_statistics_that_are_none_name_the_participant(wrong: Any) -> None:
    with pytest.raises(WireFormatError, match="worker_1: the statistics of column 'age'"):
        combine({"worker_1": statistics(numeric={"age": wrong})})


def test_a_feature_space_holds_what_any_training_table_has() -> None:
    space, alignment = agree(two_participants(), Action.CLASSIFY)

    assert space == FeatureSpace(
        datatype="tabular",
        action=Action.CLASSIFY,
        X=features("age", "sex=0", "sex=1", "sex=2"),
        y=labels("0", "1", "2"),
        input_shape=(4,),
        numeric={"age": NumericColumn(10.0, 60.0, 180 / 7)},
        categorical={"sex": CategoricalColumn(("0", "1", "2"), "0")},
    )
    assert alignment.missing_columns["worker_1"]["train"] == {"X": [3], "y": [2]}
    assert alignment.missing_columns["worker_2"]["evaluate"] == {"X": [1, 2, 3], "y": [0, 1, 2]}
    assert FeatureSpace.from_dict(space.to_dict()) == space


def test_the_order_of_the_participants_does_not_matter() -> None:
    participants = two_participants()

    assert agree(participants, Action.CLASSIFY)[0] == agree(dict(reversed(participants.items())), Action.CLASSIFY)[0]


def test_scaling_and_imputation_of_a_regression() -> None:
    table = polled(["x"], labels(), {"x": "float64", "target": "float64"}, {"x": numbers(1, 3), "target": numbers(5)})

    space, _ = agree({"worker_1": table}, Action.REGRESS)

    assert (space.X, space.y, space.labels, space.outputs) == (features("x"), labels(), (), 1)
    assert space.numeric == {"x": NumericColumn(1.0, 3.0, 2.0)}


def test_what_only_evaluation_rows_have_is_no_part_of_the_space() -> None:
    table = polled(
        ["x"], labels(), {"x": "float64", "late": "float64", "kind": "category"}, {"x": numbers(1)},
        evaluate=columns(["kind=b", "kind=a", "late", "x"], labels()),
    )  # fmt: skip

    space, alignment = agree({"worker_1": table}, Action.REGRESS)

    assert features("x") == space.X
    assert (list(space.numeric), space.categorical) == (["x"], {})
    assert alignment.missing_columns["worker_1"] == {"train": {"X": [], "y": []}, "evaluate": {"X": [], "y": []}}


def test_columns_and_levels_that_read_alike_when_joined_stay_apart() -> None:
    schema = {"a": "category", "a_b": "category", "a_b_c": "float64"}
    found = [Feature("a", "b_c"), Feature("a_b", "c"), Feature("a_b_c")]
    table = polled([], labels(), schema, {"a_b_c": numbers(1)}, {"a": {"b_c": 1}, "a_b": {"c": 1}})
    table["headers"]["train"] = TableColumns(tuple(found), labels())

    space, _ = agree({"worker_1": table}, Action.REGRESS)

    assert tuple(found) == space.X
    assert space.categorical == {"a": CategoricalColumn(("b_c",), "b_c"), "a_b": CategoricalColumn(("c",), "c")}
    assert list(space.numeric) == ["a_b_c"]


@pytest.mark.parametrize("ghost", ["ghost", "x=1", "kind"])
def test_a_feature_that_is_not_as_its_schema_says_names_who_reported_it(ghost: str) -> None:
    table = polled([ghost], labels(), {"x": "float64", "kind": "category"}, {})

    with pytest.raises(WireFormatError, match=f"worker_1: the features of column '{ghost.partition('=')[0]}'"):
        agree({"worker_1": table}, Action.REGRESS)


def test_schemas_of_two_kinds_name_the_column_and_the_participants() -> None:
    participants = two_participants()
    participants["worker_2"]["schemas"] = {"train": {**SCHEMA, "age": "category"}}

    with pytest.raises(InvalidRequest, match="age: column is numeric for worker_1 and categorical for worker_2"):
        agree(participants, Action.CLASSIFY)


def test_without_auto_align_differing_tables_are_a_conflict_that_says_who_lacks_what() -> None:
    with pytest.raises(
        Conflict,
        match=r"1 train lacks 1 level of 'sex'; worker_1 train lacks 1 label; .* all training rows lack 1 level of 'sex', 1 label of worker_2",
    ):
        agree(two_participants(), Action.CLASSIFY, auto_align=False)


def test_without_auto_align_equal_tables_are_accepted() -> None:
    one = two_participants()["worker_1"]

    space, alignment = agree({"worker_1": one, "worker_2": one}, Action.CLASSIFY, auto_align=False)

    assert features("age", "sex=0", "sex=1") == space.X
    assert alignment.missing_columns["worker_2"] == {"train": {"X": [], "y": []}}


def test_a_prediction_table_needs_no_label() -> None:
    participants = two_participants()
    participants["worker_1"]["headers"]["predict"] = columns(["age", "sex=0"])
    participants["worker_1"]["metadata"]["predict"] = {"_type": "tabular", "src_count": 1}

    space, alignment = agree(participants, Action.CLASSIFY)

    assert len(space.y) == 3
    assert alignment.missing_columns["worker_1"]["predict"] == {"X": [2, 3], "y": []}


def test_training_rows_need_a_label() -> None:
    table = polled(["x"], (), {"x": "float64"}, {"x": numbers(1)})

    with pytest.raises(InvalidRequest, match="target: the training data of worker_1 has no label"):
        agree({"worker_1": table}, Action.CLASSIFY)


def test_somebody_needs_training_rows() -> None:
    table = polled(["x"], labels(), {"x": "float64"}, {"x": numbers(1)})
    table["headers"] = {"evaluate": table["headers"].pop("train")}
    table["metadata"] = {"evaluate": table["metadata"].pop("train")}

    with pytest.raises(
        InvalidRequest, match=r"tags\.train: expected somebody with data to train on, got worker_1 without"
    ):
        agree({"worker_1": table}, Action.REGRESS)


def test_who_only_measures_decides_nothing() -> None:
    target, schema = [Feature("target")], {"x": "float64", "y": "float64", "target": "float64"}
    training = polled(["x"], target, {"x": "float64", "target": "float64"}, {"x": numbers(1)})
    other = polled(["x", "y"], target, schema, {"x": numbers(9), "y": numbers(9)})
    measuring = {name: {"evaluate": other[name]["train"]} for name in ("headers", "schemas", "metadata")}

    space, alignment = agree({"worker_1": training, "worker_2": measuring | {"statistics": {}}}, Action.REGRESS)

    assert space == agree({"worker_1": training}, Action.REGRESS)[0]
    assert [feature.column for feature in space.X] == ["x"]
    assert alignment.missing_columns["worker_2"].keys() == {"evaluate"}


def test_a_regression_has_one_label_column() -> None:
    with pytest.raises(InvalidRequest, match="a regression has one label column"):
        agree(two_participants(), Action.REGRESS)


def test_datatypes_are_not_mixed() -> None:
    participants = two_participants()
    image = {"_type": "image", "src_count": 10, "shape": [1, 2, 2], "options": {}}
    participants["worker_2"]["metadata"]["train"] = image

    with pytest.raises(InvalidRequest, match=r"image \(worker_2\), tabular \(worker_1\)"):
        agree(participants, Action.CLASSIFY)


def test_text_cannot_be_aligned_yet() -> None:
    table = polled(["x"], labels(), {"x": "float64"}, {"x": numbers(1)})
    table["metadata"] = {"train": {"_type": "text", "src_count": 10}}

    with pytest.raises(NotSupported):
        agree({"worker_1": table}, Action.REGRESS)


def test_nobody_polled_is_a_conflict() -> None:
    with pytest.raises(Conflict):
        agree({}, Action.REGRESS)
