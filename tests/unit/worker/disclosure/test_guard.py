from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from factories.feature_spaces import features, labels
from factories.image_data import stripes, write_images
from factories.worker_data import write_dataset
from synergos.domain.feature_space import Action, Feature, FeatureSpace
from synergos.domain.preparation import STATISTICS
from synergos.domain.tags import Purpose
from synergos.errors import UnusableData
from synergos_worker.data_root import DataRoot
from synergos_worker.disclosure import guard
from synergos_worker.disclosure.policy import OPEN, STRICT, Policy
from synergos_worker.tables import LoadedTable, Tables

SCHEMA = {"age": "float64", "ward": "category", "target": "category"}


def rows(count: int = 40, ward: str = "north", ages: int = 100, label: str = "well") -> str:
    return "".join(f"{index % ages},{ward},{label}\n" for index in range(count))


def loaded(
    root: Path, body: str, purpose: Purpose = Purpose.TRAIN, policy: Policy = STRICT, disclosure: Any = None
) -> LoadedTable:
    metadata = {"datatype": "tabular", "operations": {}}
    said = metadata if disclosure is None else metadata | {"disclosure": disclosure}
    write_dataset(root, ["a"], "age,ward,target\n" + body, SCHEMA, metadata=json.dumps(said))
    return Tables(DataRoot(root), 2, policy).get(Action.CLASSIFY, purpose, [("a",)])


def test_rows_that_are_too_few_are_refused_with_the_minimum_and_never_their_number(tmp_path: Path) -> None:
    found = loaded(tmp_path, rows(count=9))

    with pytest.raises(UnusableData) as refused:
        guard.refuse_few_rows(found, Purpose.TRAIN)

    assert refused.value.field == "tags.train"
    assert "fewer than 10 distinct rows" in str(refused.value)
    assert "9" not in str(refused.value)


def test_the_same_row_again_is_no_other_row(tmp_path: Path) -> None:
    found = loaded(tmp_path, rows(count=200, ages=9))

    with pytest.raises(UnusableData, match="fewer than 10 distinct rows"):
        guard.refuse_few_rows(found, Purpose.TRAIN)


def test_rows_of_all_tags_count_together(tmp_path: Path) -> None:
    for name, start in (("a", 0), ("b", 5)):
        body = "".join(f"{start + index},north,well\n" for index in range(5))
        write_dataset(tmp_path, [name], "age,ward,target\n" + body, SCHEMA)
    tables = Tables(DataRoot(tmp_path), 2, STRICT)

    guard.refuse_few_rows(tables.get(Action.CLASSIFY, Purpose.TRAIN, [("a",), ("b",)]), Purpose.TRAIN)
    with pytest.raises(UnusableData):
        guard.refuse_few_rows(tables.get(Action.CLASSIFY, Purpose.TRAIN, [("a",)]), Purpose.TRAIN)


def test_a_folders_own_minimum_counts(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match="fewer than 50 distinct rows"):
        guard.refuse_few_rows(loaded(tmp_path, rows(), disclosure={"minimum_rows": 50}), Purpose.TRAIN)


def test_an_open_worker_refuses_nothing(tmp_path: Path) -> None:
    found = loaded(tmp_path, rows(count=2), policy=OPEN)

    guard.refuse_few_rows(found, Purpose.TRAIN)

    assert features("age", "ward=north") == guard.description(found, Purpose.TRAIN).header.X
    numeric = guard.statistics(found).numeric
    assert numeric is not UNSET
    assert numeric["age"].maximum == 1


def test_a_level_of_few_rows_is_neither_among_the_columns_nor_counted(tmp_path: Path) -> None:
    found = loaded(tmp_path, rows(ward="north") + rows(ward="south") + rows(count=3, ward="of Ms Jones"))

    description, statistics = guard.description(found, Purpose.TRAIN), STATISTICS.write(guard.statistics(found))

    assert features("age", "ward=north", "ward=south") == description.header.X
    assert statistics["categorical"] == {"ward": {"north": 40, "south": 40}}
    assert "Jones" not in f"{description}{statistics}"


def test_a_column_all_of_whose_levels_are_rare_is_told_by_name_and_kind(tmp_path: Path) -> None:
    body = "".join(f"{index},ward {index % 10},well\n" for index in range(40))

    found = loaded(tmp_path, body)

    assert features("age") == guard.description(found, Purpose.TRAIN).header.X
    assert guard.description(found, Purpose.TRAIN).schema["ward"] == "category"
    assert guard.statistics(found).categorical == {"ward": {}}


def test_files_of_few_rows_are_not_told(tmp_path: Path) -> None:
    write_dataset(tmp_path, ["a"], "age,ward,target\n" + rows(count=3, ward="south"), SCHEMA, name="jones.csv")

    found = guard.description(loaded(tmp_path, rows()), Purpose.TRAIN)

    assert found.metadata.files == {"a/rows.csv": 40}


@pytest.mark.parametrize(
    ("missing", "told"), [(9, {}), (1234, {"age": {"missing": 1230, "unreadable": 0, "filled": 1230}})]
)
def test_how_many_cells_are_missing_is_told_as_numbers_of_rows_are(
    tmp_path: Path, missing: int, told: dict[str, dict[str, int]]
) -> None:
    found = loaded(tmp_path, rows() + ",north,well\n" * missing)

    assert guard.description(found, Purpose.TRAIN).metadata.cells == told


def test_identifiers_are_refused_by_the_name_of_their_column(tmp_path: Path) -> None:
    body = "".join(f"{index},P-{index},well\n" for index in range(40))

    with pytest.raises(UnusableData) as refused:
        guard.description(loaded(tmp_path, body), Purpose.TRAIN)

    assert refused.value.field == "ward"
    assert "'id'" in str(refused.value)
    assert "'ignore'" in str(refused.value)
    assert "P-" not in str(refused.value)


def test_few_rows_to_predict_may_all_differ_and_nothing_of_them_is_told(tmp_path: Path) -> None:
    body = "".join(f"{index},P-{index},well\n" for index in range(12))

    assert features("age") == guard.description(loaded(tmp_path, body, Purpose.PREDICT), Purpose.PREDICT).header.X


def test_a_label_of_few_rows_is_not_told(tmp_path: Path) -> None:
    found = loaded(tmp_path, rows() + rows(count=3, label="rare"))

    assert guard.description(found, Purpose.TRAIN).header.y == labels("well")


def test_rows_none_of_whose_labels_may_be_told_are_no_rows_to_train_on(tmp_path: Path) -> None:
    body = rows(count=5, label="well") + rows(count=6, label="ill", ward="south")

    with pytest.raises(UnusableData, match="has no label in 10 rows or more"):
        guard.description(loaded(tmp_path, body), Purpose.TRAIN)


def test_rows_whose_label_nobody_may_tell_are_refused_for_training(tmp_path: Path) -> None:
    found = loaded(tmp_path, rows() + rows(count=3, label="rare"))
    told = FeatureSpace("tabular", Action.CLASSIFY, (), (Feature("target", "rare"), Feature("target", "well")), (0,))
    untold = replace(told, y=(Feature("target", "well"),))

    guard.refuse_untold_labels(found, told)
    with pytest.raises(UnusableData, match="fewer than 10 rows") as refused:
        guard.refuse_untold_labels(found, untold)

    assert "rare" not in str(refused.value)


def test_what_the_schema_declares_is_told_in_place_of_what_is_there(tmp_path: Path) -> None:
    columns = {
        "age": {"type": "float64", "bounds": {"minimum": 0, "maximum": 120}},
        "ward": {"type": "category", "levels": ["east", "north", "south"]},
        "target": {"type": "category", "levels": ["ill", "well"]},
        "patient": "id",
    }
    body = "".join(f"{index},{'south' if index < 3 else 'north'},well,P-{index}\n" for index in range(40))
    folder = write_dataset(tmp_path, ["a"], "age,ward,target,patient\n" + body, {"version": 1, "columns": columns})
    found = Tables(DataRoot(folder.parent), 2, STRICT).get(Action.CLASSIFY, Purpose.TRAIN, [("a",)])

    description, statistics = guard.description(found, Purpose.TRAIN), STATISTICS.write(guard.statistics(found))

    assert [*map(str, description.header.X)] == ["age", "ward=east", "ward=north", "ward=south"]
    assert [*map(str, description.header.y)] == ["target=ill", "target=well"]
    assert statistics["numeric"] == {"age": {"count": 40, "sum": 780, "minimum": 0, "maximum": 120}}
    assert statistics["categorical"] == {"ward": {"east": 0, "north": 37, "south": 0}}
    assert "patient" not in f"{description}{statistics}"


def test_ids_tell_no_rows_apart(tmp_path: Path) -> None:
    columns = {"age": "float64", "target": "category", "patient": "id"}
    body = "".join(f"{index % 3},well,P-{index}\n" for index in range(40))
    folder = write_dataset(tmp_path, ["a"], "age,target,patient\n" + body, {"version": 1, "columns": columns})
    found = Tables(DataRoot(folder.parent), 2, STRICT).get(Action.CLASSIFY, Purpose.TRAIN, [("a",)])

    with pytest.raises(UnusableData, match="fewer than 10 distinct rows"):
        guard.refuse_few_rows(found, Purpose.TRAIN)


def test_images_are_counted_by_what_they_show(tmp_path: Path) -> None:
    images, labels = stripes(12)
    write_images(tmp_path, ["a"], images, labels)
    found = Tables(DataRoot(tmp_path), 2, STRICT).get(Action.CLASSIFY, Purpose.TRAIN, [("a",)])

    guard.refuse_few_rows(found, Purpose.TRAIN)
    with pytest.raises(UnusableData, match="fewer than 50 distinct rows"):
        guard.refuse_few_rows(replace(found, policy=Policy(minimum_rows=50)), Purpose.TRAIN)
