from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synergos.errors import UnusableData
from synergos.tables.cells import CellCounts
from synergos.tables.data_file import DataFile
from synergos.tables.rows import FileRows, read_rows
from synergos.tables.schema import parse_schema
from synergos.tables.text_format import TextFormat


def read(folder: Path, text: str, columns: dict[str, Any], decimal: str = ".", **more: Any) -> FileRows:
    (folder / "rows.csv").write_text(text, encoding="utf-8")
    return read_file(folder / "rows.csv", columns, decimal, **more)


def read_file(path: Path, columns: dict[str, Any], decimal: str = ".", **more: Any) -> FileRows:
    schema = parse_schema({"version": 1, "columns": columns, **more}, "schema.json")
    return read_rows(DataFile(path.name, path), schema, TextFormat(";", decimal=decimal))


def levels(rows: FileRows, name: str) -> list[str | None]:
    column = rows.categorical[name]
    return [column.levels[code] if code >= 0 else None for code in column.codes]


def test_a_participant_s_words_and_units_become_the_agreed_ones(tmp_path: Path) -> None:
    text = "Laktat;raucht;Befund\n9,01;ja;pos.\n-1;nein;neg.\n18,02;k.A.;pos.\n"
    columns = {
        "Laktat": {
            "type": "float64",
            "rename": "lactate",
            "missing": [-1],
            "unit": "mmol/L",
            "convert": {"from": "mg/dL", "factor": 0.1},
        },
        "raucht": {"type": "boolean", "rename": "smoker", "map": {"ja": True, "nein": False, "k.A.": None}},
        "Befund": {"type": "category", "map": {"pos.": "positive", "neg.": "negative"}},
    }

    rows = read(tmp_path, text, columns, decimal=",", label="Befund")

    assert rows.dtypes == {"lactate": "float64", "smoker": "category", "target": "category"}
    np.testing.assert_allclose(rows.numbers[:, 0], [0.901, np.nan, 1.802])
    assert levels(rows, "smoker") == ["true", "false", None]
    assert levels(rows, "target") == ["positive", "negative", "positive"]
    assert rows.cells == {
        "lactate": CellCounts(missing=1),
        "smoker": CellCounts(missing=1),
        "target": CellCounts(),
    }


def test_dates_and_ordinals_are_numbers(tmp_path: Path) -> None:
    text = "seen;stage\n02.01.1970;II\n;I\n04.01.1970;\n"
    columns = {"seen": {"type": "date", "format": "%d.%m.%Y"}, "stage": {"type": "category", "order": ["I", "II"]}}

    rows = read(tmp_path, text, columns)

    assert rows.dtypes == {"seen": "float64", "stage": "int32"}
    np.testing.assert_array_equal(rows.numbers, [[1.0, 1.0], [np.nan, 0.0], [3.0, np.nan]])


def test_dates_of_a_typed_file_are_the_same_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "seen": pd.to_datetime(pd.Series(["1970-01-02 00:00", None, "1970-01-04 12:00"])),
            "smoker": [True, False, None],
        }
    )
    frame.to_parquet(tmp_path / "rows.parquet")

    rows = read_file(tmp_path / "rows.parquet", {"seen": "date", "smoker": "boolean"})

    np.testing.assert_array_equal(rows.numbers[:, 0], [1.0, np.nan, 3.5])
    assert levels(rows, "smoker") == ["true", "false", None]


def test_a_mapped_number_is_one_even_where_cells_are_read_at_once(tmp_path: Path) -> None:
    column = {"type": "int32", "map": {"9": None, "<5": 2}}

    np.testing.assert_array_equal(read(tmp_path, "a\n9\n<5\n7\n", {"a": column}).numbers[:, 0], [np.nan, 2.0, 7.0])


def test_ids_are_carried_and_ignored_columns_are_not_even_read(tmp_path: Path) -> None:
    rows = read(tmp_path, "id;note;a\n007;x;1\n;y;2\n", {"id": "id", "note": "ignore", "a": "int32"})

    assert rows.ids == {"id": ["007", None]}
    assert rows.dtypes == {"a": "int32"}
    assert list(rows.cells) == ["a"]


SECRET = "s3cret"


@pytest.mark.parametrize(
    ("cells", "column", "complaint"),
    [
        (
            ["A", "B", SECRET],
            {"type": "category", "levels": ["A", "B"]},
            "1 of 3 cells is unreadable, the first in line 4",
        ),
        (
            ["A", SECRET, SECRET],
            {"type": "category", "order": ["A", "B"]},
            "2 of 3 cells .* a level of its order in schema",
        ),
        (["yes", SECRET], "boolean", "the first in line 3; expected true or false, in its words in schema"),
        (["2024-01-01", SECRET], "date", "expected dates as ISO 8601 has them"),
        (["1", "20"], {"type": "int32", "bounds": {"minimum": 0, "maximum": 9}}, "expected values within its bounds"),
        (
            ["2024-01-01"],
            {"type": "date", "bounds": {"minimum": "1990-01-01", "maximum": "2020-01-01"}},
            "expected values within its bounds",
        ),
    ],
)
def test_what_a_column_cannot_be_is_refused_without_the_cell(
    tmp_path: Path, cells: list[str], column: object, complaint: str
) -> None:
    with pytest.raises(UnusableData, match=rf"rows\.csv: column 'a': .*{complaint}") as caught:
        read(tmp_path, "\n".join(["a", *cells]) + "\n", {"a": column})

    assert SECRET not in str(caught.value)


def test_a_share_of_cells_may_be_unreadable_and_is_counted(tmp_path: Path) -> None:
    columns = {
        "a": {"type": "category", "levels": ["A"], "unreadable": 0.5},
        "b": {"type": "int32", "bounds": {"minimum": 0, "maximum": 9}, "unreadable": 0.5},
    }

    rows = read(tmp_path, "a;b\nA;1\nB;99\n;\n", columns)

    assert levels(rows, "a") == ["A", None, None]
    np.testing.assert_array_equal(rows.numbers[:, 0], [1.0, np.nan, np.nan])
    assert rows.cells == {"a": CellCounts(1, 1), "b": CellCounts(1, 1)}


def test_what_is_outside_the_bounds_can_be_missing(tmp_path: Path) -> None:
    column = {"type": "float64", "bounds": {"minimum": 0, "maximum": 9}, "outside": "missing"}

    rows = read(tmp_path, "a\n1\n1e300\n-1\n", {"a": column})

    np.testing.assert_array_equal(rows.numbers[:, 0], [1.0, np.nan, np.nan])
    assert rows.cells == {"a": CellCounts(missing=2)}
