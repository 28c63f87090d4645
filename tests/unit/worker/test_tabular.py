from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from factories.feature_spaces import columns, features, labels, prepared
from factories.worker_data import SHARED, write_dataset
from synergos.domain.feature_space import Action, CategoricalColumn, Feature, FeatureSpace, NumericColumn
from synergos.domain.preparation import STATISTICS
from synergos.errors import UnusableData
from synergos.learning.datatypes.tabular import TABULAR, TabularMetadata
from synergos.learning.feature_space_agreement import feature_space
from synergos_worker.data_root import DataRoot
from synergos_worker.pipelines import Description, tabular
from synergos_worker.pipelines.tabular import TabularPipeline, TabularTable

SCHEMA = {"age": "int32", "ward": "category", "target": "category"}
CSV = 'age,ward,target\n20,north,1\n,“south”,0\n40," south ",1.0\nNA,,0\n'
SPACE = FeatureSpace(
    datatype="tabular",
    action=Action.CLASSIFY,
    X=features("age", "ward=east", "ward=north", "ward=south"),
    y=labels("0", "1"),
    input_shape=(4,),
    numeric={"age": NumericColumn(minimum=0.0, maximum=50.0, mean=25.0)},
    categorical={"ward": CategoricalColumn(("east", "north", "south"), "east")},
)
PIPELINE = TabularPipeline()
NUMBERS = {"age": "float64", "weight": "float64", "target": "float64"}


def read(root: Path, *tags: str, action: Action = Action.CLASSIFY, needs_labels: bool = True) -> TabularTable:
    datasets = [DataRoot(root).dataset(tuple(tag.split("/")), "tags.train[0]") for tag in tags or ("a",)]
    return PIPELINE.read(datasets, action, needs_labels=needs_labels)


def table_of(root: Path, csv: str, schema: Mapping[str, object] = SCHEMA, **options: Any) -> TabularTable:
    write_dataset(root, ["a"], csv, schema)
    return read(root, **options)


def written(described: Description) -> dict[str, Any]:
    """What is told of a table beside its columns, as JSON has it."""
    return TABULAR.metadata.write(TabularMetadata.of(described.metadata))


def test_what_crosses_is_sums_counts_minima_and_maxima(tmp_path: Path) -> None:
    fitted = PIPELINE.fit(table_of(tmp_path, CSV))

    assert STATISTICS.write(fitted) == {
        "numeric": {"age": {"count": 2, "sum": 60.0, "minimum": 20.0, "maximum": 40.0}},
        "categorical": {"ward": {"north": 1, "south": 2}},
    }


def test_a_table_is_described_without_its_cells(tmp_path: Path) -> None:
    described = PIPELINE.describe(table_of(tmp_path, CSV))

    assert described.header == columns(["age", "ward=north", "ward=south"], labels("0", "1"))
    assert described.schema == SCHEMA
    told = written(described)
    assert (told["_type"], told["src_count"]) == ("tabular", 4)
    json.dumps(told, allow_nan=False)


def test_bounds_that_a_schema_declares_are_told_of_numeric_inputs_alone(tmp_path: Path) -> None:
    bounded = {"type": "float64", "bounds": {"minimum": 0, "maximum": 90}}
    schema = {"version": 1, "columns": {"age": bounded, "weight": "float64", "target": bounded}}

    table = table_of(tmp_path, "age,weight,target\n1,50,2\n", schema, action=Action.REGRESS)

    assert written(PIPELINE.describe(table))["bounds"] == {"age": (0.0, 90.0)}
    assert "bounds" not in written(PIPELINE.describe(table_of(tmp_path, CSV)))


def test_rows_become_inputs_of_the_agreed_space(tmp_path: Path) -> None:
    examples = PIPELINE.transform(table_of(tmp_path, CSV), SPACE)

    # Missing ages are 25 of 0 to 50; the missing ward is the grid's most frequent one, which this table lacks.
    expected = [[0.4, 0, 1, 0], [0.5, 0, 0, 1], [0.8, 0, 0, 1], [0.5, 1, 0, 0]]
    np.testing.assert_array_equal(examples.inputs, np.array(expected, dtype=np.float32))
    assert examples.inputs.dtype == np.float32
    assert examples.targets is not None
    assert examples.targets.tolist() == [[1.0], [0.0], [1.0], [0.0]]
    assert examples.targets.dtype == np.float32
    assert examples.origins == (("a/rows.csv", 4),)


def test_a_constant_column_is_zero_and_an_outlier_may_exceed_one(tmp_path: Path) -> None:
    table = table_of(tmp_path, "a,b,target\n7,30,x\n9,-10,x\n", {"a": "float64", "b": "float64", "target": "category"})
    columns = {"a": NumericColumn(7.0, 7.0, 7.0), "b": NumericColumn(0.0, 20.0, 1.0)}
    space = FeatureSpace("tabular", Action.CLASSIFY, features("a", "b"), labels("x"), (2,), columns)

    assert PIPELINE.transform(table, space).inputs.tolist() == [[0.0, 1.5], [0.0, -0.5]]


def test_columns_the_participant_lacks_are_filled_as_cells_are(tmp_path: Path) -> None:
    without_ward = table_of(tmp_path, "age,target\n10,0\n", {"age": "int32", "target": "category"})
    without_age = table_of(tmp_path, "ward,target\nnorth,0\n", {"ward": "category", "target": "category"})

    assert PIPELINE.transform(without_ward, SPACE).inputs.tolist() == [[np.float32(0.2), 1, 0, 0]]
    assert PIPELINE.transform(without_age, SPACE).inputs.tolist() == [[0.5, 0, 1, 0]]


def test_three_classes_become_class_ids_in_the_grid_s_order(tmp_path: Path) -> None:
    table = table_of(tmp_path, "age,target\n1,b\n2,c\n3,b\n", {"age": "int32", "target": "category"})
    space = FeatureSpace(
        "tabular",
        Action.CLASSIFY,
        features("age"),
        labels("a", "b", "c"),
        (1,),
        {"age": NumericColumn(0.0, 4.0, 2.0)},
    )

    targets = PIPELINE.transform(table, space).targets

    assert targets is not None
    assert targets.tolist() == [1, 2, 1]
    assert targets.dtype == np.int64


def test_a_regression_keeps_its_numbers(tmp_path: Path) -> None:
    table = table_of(
        tmp_path, "age,target\n1,2.5\n2,-1\n", {"age": "int32", "target": "float64"}, action=Action.REGRESS
    )
    space = FeatureSpace(
        "tabular", Action.REGRESS, features("age"), labels(), (1,), {"age": NumericColumn(0.0, 4.0, 2.0)}
    )

    targets = PIPELINE.transform(table, space).targets

    assert PIPELINE.describe(table).header == columns(["age"], labels())
    assert targets is not None
    assert targets.tolist() == [[2.5], [-1.0]]
    assert targets.dtype == np.float32


def test_a_column_called_like_another_s_joined_level_is_another_input(tmp_path: Path) -> None:
    table = table_of(
        tmp_path,
        "a_1,a,target\n5,1,0\n",
        {"a_1": "int32", "a": "category", "target": "category"},
        action=Action.CLASSIFY,
    )

    assert table.features == (Feature("a", "1"), Feature("a_1"))


def test_the_label_is_never_an_input(tmp_path: Path) -> None:
    table = table_of(tmp_path, "target,age\n1,2\n0,3\n", {"age": "int32", "target": "category"})

    assert table.features == features("age")
    assert STATISTICS.write(PIPELINE.fit(table))["categorical"] == {}


def test_files_and_tags_follow_one_another_and_identical_rows_stay(tmp_path: Path) -> None:
    write_dataset(tmp_path, ["b"], "age,ward,target\n1,x,0\n1,x,0\n", SCHEMA, name="2.csv")
    write_dataset(tmp_path, ["b"], "age,ward,target\n9,y,1\n", SCHEMA, name="1/1.csv")
    write_dataset(tmp_path, ["a"], "target,age,ward\n0,1,x\n", SCHEMA)

    table = read(tmp_path, "b", "a")

    assert table.origins == (("b/1/1.csv", 1), ("b/2.csv", 2), ("a/rows.csv", 1))
    assert table.numbers[:, 0].tolist() == [9.0, 1.0, 1.0, 1.0]
    assert table.categorical["ward"].levels == ("x", "y")
    assert table.categorical["ward"].codes.tolist() == [1, 0, 0, 0]


def test_labels_of_several_files_mean_the_same(tmp_path: Path) -> None:
    write_dataset(tmp_path, ["a"], "age,ward,target\n1,x,b\n1,x,c\n", SCHEMA)
    write_dataset(tmp_path, ["b"], "age,ward,target\n1,x,a\n1,x,c\n", SCHEMA)

    labels = read(tmp_path, "a", "b").labels

    assert labels is not None
    assert [labels.levels[code] for code in labels.values] == ["b", "c", "a", "c"]


def test_a_column_that_only_some_files_have_is_missing_in_the_others(tmp_path: Path) -> None:
    write_dataset(tmp_path, ["a"], "age,ward,target\n1,,0\n", SCHEMA)
    write_dataset(tmp_path, ["b"], "age,ward,target\n,x,0\n2,x,0\n", SCHEMA)

    table = read(tmp_path, "a", "b")

    assert table.categorical["ward"].codes.tolist() == [-1, 0, 0]
    np.testing.assert_array_equal(table.numbers[:, 0], [1.0, np.nan, 2.0])


def test_columns_in_which_nothing_stands_are_left_out(tmp_path: Path) -> None:
    table = table_of(tmp_path, 'age,ward,target\n1, ,0\n2,"""""",1\n')

    assert PIPELINE.describe(table).schema == {"age": "int32", "target": "category"}
    assert table.features == features("age")


def test_labels_are_wanted_in_every_row_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match=r"a/rows\.csv: column 'target': .* missing in 2 of them") as caught:
        table_of(tmp_path, "age,ward,target\n1,x,0\n2,x,\n3,x,\n")

    assert caught.value.field == "a/rows.csv"


@pytest.mark.parametrize(
    "csv", ["age,ward\n1,x\n2,y\n", "age,ward,target\n1,x,\n2,y,\n", "age,ward,target\n1,x,0\n2,y,\n"]
)
def test_rows_to_predict_may_lack_labels(tmp_path: Path, csv: str) -> None:
    table = table_of(tmp_path, csv, needs_labels=False)

    assert table.labels is None
    assert PIPELINE.describe(table).header.y == ()
    assert PIPELINE.transform(table_of(tmp_path, "age,ward\n1,east\n", needs_labels=False), SPACE).targets is None


SECRET = "s3cret"


@pytest.mark.parametrize(
    ("csv", "schema", "complaint"),
    [
        (
            "age,wrad,target\n1,x,0\n",
            SCHEMA,
            r"column 'ward' of its schema\.json is missing; column number 2 of its first line is not in its schema\.json$",
        ),
        ("age,age,ward,target\n1,2,x,0\n", SCHEMA, "column 'age' is there twice"),
        ("age,target\n1,0\n", SCHEMA, r"column 'ward' of its schema\.json is missing"),
        (
            f"age,ward,height,target\n1,{SECRET},3,0\n",
            SCHEMA,
            r"column number 3 of its first line is not in its schema\.json; name it there, with type \"ignore\" if nobody is",
        ),
        (f"age,ward,target1,{SECRET},0\n1,x,0,,\n", SCHEMA, r"column number 3 of its first line is not in its schema"),
        (f"age,ward,target1,{SECRET},0\n1,x,0\n", SCHEMA, "line 2 has fewer cells than its header line"),
        (f"age,wa,{SECRET},0\n1,x,0\n", SCHEMA, r"column 'ward' of its schema\.json is missing"),
        (f"1,{SECRET},0\n2,y,1\n", SCHEMA, r"its first line names no column .* expected 'age', 'ward', 'target'"),
        ("age,ward\n1,x\n", SCHEMA, "column 'target': expected a label in every row, missing in 1"),
        ("", SCHEMA, "is empty"),
        ("age,ward,target\n", SCHEMA, "has no row"),
        (f"age,ward,target\n1,x,0\n1,2,3,4,{SECRET}\n", SCHEMA, "line 3 has more cells than its header line"),
        (f"age,ward,target\n{SECRET},1,x,0\n{SECRET},1,x,0\n", SCHEMA, "more cells than its header line"),
        (f"age,ward,target\n{SECRET},x,0\n", SCHEMA, "column 'age': 1 of 1 cells is unreadable, the first in line 2"),
        (
            "age,ward,target\n1,x,0\n",
            {**SCHEMA, "target": "float64"},
            "does classify needs category, its schema says float64",
        ),
        ("age,ward,target\n1,x,0\n", None, r"there is no schema\.json beside it"),
        ("target\n0\n", {"target": "category"}, "there is no column beside 'target'"),
    ],
)
def test_bad_files_are_refused_by_name_and_without_their_cells(
    tmp_path: Path, csv: str, schema: Mapping[str, object] | None, complaint: str
) -> None:
    write_dataset(tmp_path, ["a"], csv, schema)

    with pytest.raises(UnusableData, match=complaint) as caught:
        read(tmp_path)

    assert SECRET not in str(caught.value)
    assert str(caught.value).startswith("a")


@pytest.mark.parametrize(
    "content", [bytes(range(256)) * 50, b"\xff\xfe" + "age,ward,target\n1,x,0\n".encode("utf-16le")]
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = write_dataset(tmp_path, ["a"], CSV, SCHEMA)
    (folder / "rows.csv").write_bytes(content)

    with pytest.raises(UnusableData, match=r"^a/rows\.csv: "):
        read(tmp_path)


def test_a_folder_without_csv_files_is_refused(tmp_path: Path) -> None:
    write_dataset(tmp_path, ["a"], CSV, SCHEMA, name="rows.csv.json")

    with pytest.raises(UnusableData, match="a: there is no csv file in it"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("rows.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook"),
        ("rows.xlsx", b"PK\x03\x04", "a zip archive"),
        ("rows.tsv", b"age\tward\n", r"named \.tsv"),
    ],
)
def test_a_folder_with_a_workbook_alone_is_told_what_that_is(
    tmp_path: Path, name: str, content: bytes, what: str
) -> None:
    (write_dataset(tmp_path, ["a"], CSV, SCHEMA, name="notes.json") / name).write_bytes(content)

    with pytest.raises(
        UnusableData, match=rf"a/{name}: .* this is {what}.*; expected csv, csv\.gz, Parquet or Feather"
    ):
        read(tmp_path)


def test_a_table_that_is_there_in_two_formats_is_refused(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, ["a"], CSV, SCHEMA)
    (folder / "rows.csv.gz").write_bytes(gzip.compress(CSV.encode()))

    with pytest.raises(UnusableData, match=r"a/rows\.csv\.gz: has the name of a/rows\.csv in another format"):
        read(tmp_path)


def test_files_of_several_formats_follow_one_another(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, ["a"], CSV, SCHEMA)
    (folder / "more.csv.gz").write_bytes(gzip.compress(b"age,ward,target\n7,x,0\n"))
    pd.DataFrame({"age": [8], "ward": ["y"], "target": ["1"]}).to_parquet(folder / "others.parquet")

    table = read(tmp_path)

    assert table.origins == (("a/more.csv.gz", 1), ("a/others.parquet", 1), ("a/rows.csv", 4))
    np.testing.assert_array_equal(table.numbers[:, 0], [7, 8, 20, np.nan, 40, np.nan])


def test_how_files_are_written_is_declared_for_a_folder(tmp_path: Path) -> None:
    declared = '{"datatype": "tabular", "delimiter": ";", "encoding": "cp1252", "decimal": ","}'
    folder = write_dataset(tmp_path, ["a"], "", {**SCHEMA, "age": "float64"}, metadata=declared)
    (folder / "rows.csv").write_bytes("age;ward;target\n20,5;Köln;1\n".encode("cp1252"))

    table = read(tmp_path)

    assert (table.numbers.tolist(), table.categorical["ward"].levels) == ([[20.5]], ("Köln",))


def test_how_many_cells_were_missing_unreadable_and_filled_is_told_by_column(tmp_path: Path) -> None:
    columns = {**SCHEMA, "age": {"type": "int32", "unreadable": 0.5}}
    write_dataset(tmp_path, ["a"], "age,ward,target\n1,,0\n<5,x,0\nNA,x,1\n", {"version": 1, "columns": columns})
    write_dataset(tmp_path, ["b"], "ward,target\nx,0\nx,0\n", {"ward": "category", "target": "category"})

    assert PIPELINE.describe(read(tmp_path, "a", "b")).metadata.cells == {
        "age": {"missing": 3, "unreadable": 1, "filled": 4},
        "ward": {"missing": 1, "unreadable": 0, "filled": 1},
    }


def test_labels_nobody_knows_are_told_and_never_filled(tmp_path: Path) -> None:
    table = table_of(tmp_path, "age,ward,target\n1,x,0\n2,x,\n", needs_labels=False)

    assert PIPELINE.describe(table).metadata.cells == {"target": {"missing": 1, "unreadable": 0, "filled": 0}}


def test_tags_that_disagree_on_a_column_are_refused(tmp_path: Path) -> None:
    write_dataset(tmp_path, ["a"], CSV, SCHEMA)
    write_dataset(tmp_path, ["b"], "age,ward,target\n1,2,0\n", {**SCHEMA, "ward": "int32"})

    with pytest.raises(UnusableData, match=r"b/rows\.csv: column 'ward' is int32 here and category in a/rows\.csv"):
        read(tmp_path, "a", "b")


def test_a_level_that_nobody_trained_is_a_missing_cell_and_its_row_is_known(tmp_path: Path) -> None:
    examples = PIPELINE.transform(table_of(tmp_path, "age,ward,target\n10,west,0\n10,,1\n10,south,1\n"), SPACE)

    assert examples.inputs[0].tolist() == examples.inputs[1].tolist()
    assert {column: rows.tolist() for column, rows in examples.never_trained.inputs.items()} == {
        "ward": [True, False, False]
    }
    assert examples.never_trained.labels is None


def test_a_row_with_a_label_that_nobody_trained_is_known(tmp_path: Path) -> None:
    examples = PIPELINE.transform(table_of(tmp_path, "age,ward,target\n1,east,2\n1,east,1\n"), SPACE)

    assert examples.never_trained.labels is not None
    assert examples.never_trained.labels.tolist() == [True, False]
    assert examples.targets is not None
    assert examples.targets.tolist() == [[-1.0], [1.0]]


def test_what_nobody_trained_is_known_however_many_rows_are_beside_it(tmp_path: Path) -> None:
    """The same patient scores the same, alone or together."""
    alone = PIPELINE.transform(table_of(tmp_path / "1", "age,ward,target\n20,,0\n"), SPACE).inputs
    together = PIPELINE.transform(table_of(tmp_path / "2", "age,ward,target\n20,,0\n,north,1\n"), SPACE).inputs

    assert alone[0].tolist() == together[0].tolist() == [np.float32(0.4), 1, 0, 0]


def test_a_schema_may_stand_above_the_files_it_is_for(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, ["a"], CSV, SCHEMA, name="deep/er/rows.csv")
    write_dataset(tmp_path, ["a"], "age,target\n5,1\n", None, name="own/rows.csv")
    (folder / "own" / "schema.json").write_text('{"age": "float32", "target": "category"}')

    table = read(tmp_path)

    assert table.origins == (("a/deep/er/rows.csv", 4), ("a/own/rows.csv", 1))
    assert table.dtypes["age"] == "float64"


# Real data


def agreed(tables: Mapping[str, Mapping[str, TabularTable]], action: Action) -> FeatureSpace:
    polled: dict[str, Any] = {}
    for participant, tables_of in tables.items():
        described = {purpose: PIPELINE.describe(table) for purpose, table in tables_of.items()}
        polled[participant] = {
            "headers": {purpose: found.header for purpose, found in described.items()},
            "schemas": {purpose: found.schema for purpose, found in described.items()},
            "metadata": {purpose: found.metadata for purpose, found in described.items()},
            "statistics": {"train": PIPELINE.fit(tables_of["train"])},
        }
    return feature_space({who: prepared(said) for who, said in polled.items()}, action)[0]


needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared example datasets are not there")


@needs_shared
def test_abalone_has_ten_inputs() -> None:
    tables = {
        f"p{i}": {
            purpose: read(SHARED, f"abalone/data{i}/{purpose}", action=Action.REGRESS)
            for purpose in ("train", "evaluate", "predict")
        }
        for i in (1, 2)
    }
    space = agreed(tables, Action.REGRESS)

    assert [[table.count for table in tables_of.values()] for tables_of in tables.values()] == [
        [1308, 436, 436],
        [1198, 399, 400],
    ]
    assert (len(space.X), space.y, space.outputs) == (10, labels(), 1)
    inputs = PIPELINE.transform(tables["p1"]["train"], space).inputs
    assert (inputs.shape, inputs.min(), inputs.max()) == ((1308, 10), 0.0, 1.0)


@needs_shared
def test_heart_disease_has_28_inputs_and_five_labels() -> None:
    tables = {
        f"p{i}": {
            "train": read(SHARED, f"heart_disease/data{i}/iid_{i}"),
            "evaluate": read(SHARED, f"heart_disease/data{i}/non_iid_{i}"),
        }
        for i in (1, 2)
    }
    space = agreed(tables, Action.CLASSIFY)

    assert [[table.count for table in tables_of.values()] for tables_of in tables.values()] == [[771, 826], [771, 716]]
    assert len(space.X) == 28
    assert space.y == labels(*map(str, range(5)))


@needs_shared
def test_missing_cells_and_curly_quotes_are_coped_with(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    shutil.copytree(SHARED / "edge_cases" / "missing_coercible_values", folder)
    (folder / "metadata.json").write_text('{"datatype": "tabular"}')

    table = read(tmp_path, "odd")

    restecg = table.categorical["restecg"]
    assert table.count == 826 + 716
    assert set(restecg.levels) <= {"0", "1", "2"}
    assert int((restecg.codes < 0).sum()) == 8


@pytest.mark.parametrize("at_once", [1, 2, 2**16])
def test_the_numbers_of_several_files_stand_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(tabular, "_ROWS_AT_ONCE", at_once)
    write_dataset(tmp_path, ["a"], "age,weight,target\n1,10,0.5\n2,20,1.5\n3,,2.5\n", NUMBERS, name="one.csv")
    write_dataset(tmp_path, ["b"], "weight,target\n40,3.5\n", {"weight": "float64", "target": "float64"})

    table = read(tmp_path, "a", "b", action=Action.REGRESS)

    found = dict(zip(table.numeric, np.nan_to_num(table.numbers, nan=-1).T.tolist(), strict=True))
    assert found == {"age": [1, 2, 3, -1], "weight": [10, 20, -1, 40]}
    assert table.labels is not None
    assert table.labels.values.tolist() == [0.5, 1.5, 2.5, 3.5]
