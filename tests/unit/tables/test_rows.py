from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as pa_feather
import pyarrow.parquet as pa_parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synergos.errors import UnusableData
from synergos.tables.data_file import DataFile
from synergos.tables.rows import FileRows, read_rows
from synergos.tables.schema import parse_schema
from synergos.tables.text_format import TextFormat

SECRET = "s3cret"
PLAIN = {"id": "int32", "age": "float64", "ward": "category"}


def rows_of(
    folder: Path,
    content: str | bytes,
    schema: Mapping[str, Any] = PLAIN,
    *,
    name: str = "rows.csv",
    **written: str,
) -> FileRows:
    """What is read of a file with this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_rows(DataFile(f"a/{name}", path), parse_schema(schema, "a/schema.json"), TextFormat(**written))


def refusal(folder: Path, content: str | bytes, schema: Mapping[str, Any] = PLAIN, **options: Any) -> str:
    """The error a file is refused with; it never has the secret in it."""
    with pytest.raises(UnusableData) as caught:
        rows_of(folder, content, schema, **options)
    assert SECRET not in str(caught.value)
    return str(caught.value)


# Structure


@pytest.mark.parametrize(
    ("rows", "line", "what"),
    [
        ("1,60,x,\n2,80,y\n3,45,z\n", 2, "more cells than its header line: expected 3, found 4"),
        ("1,60,x,\n2,80,y,\n3,45,z,\n", 2, "more cells than its header line: expected 3, found 4"),
        ("11,60,x\n25,80,y\n31,45,z,\n", 4, "more cells than its header line: expected 3, found 4"),
        ("1,60,x\n2,80\n3,45,z\n", 3, "fewer cells than its header line: expected 3, found 2"),
        ('1,60,"x\ny"\n2,80,"a,b",\n', 4, "more cells than its header line: expected 3, found 4"),
        (f"1,60,x\n{SECRET}\n", 3, "fewer cells"),
        ("1,60,x\n\n3,45,z\n", 3, "is blank; expected 3 cells"),
        ("1,60,x\n\r\n\n3,45,z\n", 3, "is blank; expected 3 cells"),
        (f'1,60,"x\n{SECRET},80,y\n', 2, "quotation marks is not closed"),
        (f'1,60,"x\n2,80,"{SECRET}\n', 2, "something follows its closing mark"),
        (f'1,60,x\n2,80,"x"{SECRET}\n', 3, "something follows its closing mark"),
        (f"1,60,x\n2,80,{SECRET}\0\n", 3, "NUL character"),
    ],
)
def test_every_line_has_as_many_cells_as_the_header(tmp_path: Path, rows: str, line: int, what: str) -> None:
    message = refusal(tmp_path, f"id,age,ward\n{rows}")

    assert re.match(rf"a/rows\.csv: line {line}\b", message)
    assert what in message


def test_a_comma_too_many_in_the_header_too_is_a_column_in_which_nothing_stands(tmp_path: Path) -> None:
    found = rows_of(tmp_path, "id,age,ward,,\n1,60,x,,\n2,80,y, ,\n")

    assert found.numeric == ("id", "age")
    assert found.numbers.tolist() == [[1, 60], [2, 80]]


def test_what_stands_in_a_column_without_a_name_is_refused_by_its_place(tmp_path: Path) -> None:
    assert "column number 4 of its first line is not in its schema" in refusal(
        tmp_path, f"id,age,ward,\n1,60,x,{SECRET}\n"
    )


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\r\n\r\n", "\n\n\n"])
def test_blank_lines_at_the_end_of_a_table_are_no_rows(tmp_path: Path, end: str) -> None:
    assert rows_of(tmp_path, "id,age,ward\n1,60,x\n2,80,y" + end).numbers.tolist() == [[1, 60], [2, 80]]


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("age\n1\n\n2\n", [1, None, 2]),
        ("age\n1\n\n2", [1, None, 2]),
        ("age\n\n1\n", [None, 1]),
        ("age\n1\n\n", [1, None]),
        ("age\r\n1\r\n\r\n2\r\n", [1, None, 2]),
        ("age\r1\r\r2\r", [1, None, 2]),
        ('age\n1\n""\n  \n2\n', [1, None, None, 2]),
    ],
)
def test_blank_lines_of_a_file_of_one_column_are_rows(tmp_path: Path, content: str, values: list[float | None]) -> None:
    found = rows_of(tmp_path, content, {"age": "float64"})

    np.testing.assert_array_equal(found.numbers[:, 0], np.array(values, dtype=np.float64))
    assert found.cells["age"].missing == values.count(None)


def test_cells_may_hold_delimiters_quotation_marks_and_lines(tmp_path: Path) -> None:
    found = rows_of(tmp_path, 'id,age,ward\n1,60,"a, ""b""\nc"\n2,80,5" pipe\n')

    assert found.count == 2
    assert set(found.categorical["ward"].levels) == {'a, "b"\nc', '5" pipe'}


def test_the_first_line_of_a_fault_is_right_behind_cells_of_several_lines(tmp_path: Path) -> None:
    assert "the first in line 5" in refusal(tmp_path, f'id,age,ward\n1,60,"a\nb\nc"\n2,{SECRET},x\n')


def test_a_cell_may_be_longer_than_what_is_read_at_a_time(tmp_path: Path) -> None:
    lines = "".join(f'{number},60,"{"x" * 99_000}"\n' for number in range(200))

    assert rows_of(tmp_path, "id,age,ward\n" + lines).count == 200


@given(st.lists(st.tuples(st.integers(-99, 99), st.text(alphabet='ab,"\n\r é;', max_size=5)), min_size=1, max_size=6))
def test_no_row_is_lost_and_none_is_made(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]]) -> None:
    quoted = ['{},"{}"\n'.format(number, text.replace('"', '""')) for number, text in rows]

    found = rows_of(tmp_path_factory.mktemp("rows"), "n,t\n" + "".join(quoted), {"n": "int32", "t": "id"})

    assert found.numbers[:, 0].tolist() == [number for number, _ in rows]
    assert found.ids["t"] == [text or None for _, text in rows]


def test_a_column_there_twice_is_refused(tmp_path: Path) -> None:
    assert "column 'age' is there twice" in refusal(tmp_path, "id,age,ward,age\n1,2,x,3\n")


def test_headers_are_compared_as_people_see_them(tmp_path: Path) -> None:
    found = rows_of(
        tmp_path, "\ufeff id ,gro\u0308ße\u00a0,ward\n1,2,x\n", {"id": "int32", "größe": "int32", "ward": "category"}
    )

    assert found.numeric == ("id", "größe")


# Formats


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "utf-16-le", "utf-8-sig"])
def test_delimiter_encoding_and_decimal_mark_are_declared(tmp_path: Path, delimiter: str, encoding: str) -> None:
    lines = ["id,age,ward", "1,60.5,Köln", "2,-3.25e1,Überlingen"]
    text = "\r\n".join(line.replace(",", delimiter).replace(".", ",") for line in lines) + "\r\n"

    found = rows_of(
        tmp_path, text.encode(encoding), delimiter=delimiter, encoding=encoding.removesuffix("-sig"), decimal=","
    )

    assert found.numbers.tolist() == [[1, 60.5], [2, -32.5]]
    assert found.categorical["ward"].levels == ("Köln", "Überlingen")


@pytest.mark.parametrize(("delimiter", "shown"), [(";", ";"), ("\t", "\\t"), ("|", "|")])
def test_another_delimiter_is_noticed_and_what_would_be_accepted_is_said(
    tmp_path: Path, delimiter: str, shown: str
) -> None:
    message = refusal(tmp_path, f"id,age,ward\n1,6,{SECRET}\n".replace(",", delimiter))

    assert "expected a comma" in message
    assert f'"delimiter": "{shown}" in metadata.json' in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,age,ward\n1,2,x\n2,3,Köln\n".encode("cp1252"), 'line 3 is no utf-8 text; .* "encoding": "cp1252"'),
        ("id,age,ward\n1,2,x\n".encode("utf-16"), '"encoding": "utf-16"'),
        ("id,age,ward\n1,2,x\n".encode("utf-16-le"), '"encoding": "utf-16"'),
        (b"id,age,ward\n" + bytes(range(256)), "line [0-9]+ "),
    ],
)
def test_another_encoding_is_noticed_and_its_line_said(tmp_path: Path, content: bytes, expected: str) -> None:
    with pytest.raises(UnusableData, match=expected):
        rows_of(tmp_path, content)


def test_a_decimal_comma_is_noticed(tmp_path: Path) -> None:
    message = refusal(tmp_path, "id;age;ward\n1;60,5;x\n", delimiter=";")

    assert "column 'age': 1 of 1 cells is unreadable, the first in line 2" in message
    assert '"decimal": "," in metadata.json' in message


def test_thousands_separators_are_not_taken_for_decimal_commas(tmp_path: Path) -> None:
    expected = "expected numbers such as 1200.5, without thousands separators"

    for cell in ("1,200", "1,200,000"):
        assert expected in refusal(tmp_path, f"id;age;ward\n1;{cell};x\n", delimiter=";")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_much_text_is_read_as_little_is(tmp_path: Path, encoding: str) -> None:
    lines = "".join(f"{number};{number},5;Köln {number % 7}\r\n" for number in range(90_000))

    found = rows_of(tmp_path, f"id;age;ward\r\n{lines}".encode(encoding), delimiter=";", encoding=encoding, decimal=",")

    np.testing.assert_array_equal(found.numbers[:, 1], np.arange(90_000) + 0.5)
    assert len(found.categorical["ward"].levels) == 7


@pytest.mark.parametrize("odd", ["", "NA", " 7 ", "'7'", "<5"])
def test_a_cell_written_otherwise_far_below_changes_nothing_above_it(tmp_path: Path, odd: str) -> None:
    schema = {"version": 1, "unreadable": 0.5, "columns": PLAIN}
    lines = "".join(f"{number},{number},x\n" for number in range(50_000))

    found = rows_of(tmp_path, f"id,age,ward\n{lines}50000,{odd},y\n50001,1,y\n", schema)

    np.testing.assert_array_equal(found.numbers[:50_000, 1], np.arange(50_000))
    np.testing.assert_array_equal(found.numbers[:, 0], np.arange(50_002))
    assert np.nan_to_num(found.numbers[-2, 1], nan=-1) == (7 if "7" in odd else -1)
    assert found.cells["age"].unreadable == (odd == "<5")


def test_a_line_that_is_wrong_far_below_is_named(tmp_path: Path) -> None:
    lines = "".join(f"{number},{number},x\n" for number in range(50_000))

    assert "line 50002 has fewer cells" in refusal(tmp_path, f"id,age,ward\n{lines}1,2\n")


def test_compressed_text_is_text(tmp_path: Path) -> None:
    found = rows_of(tmp_path, gzip.compress(b"id,age,ward\n1,60,x\n"), name="rows.csv.gz")

    assert found.numbers.tolist() == [[1, 60]]


@pytest.mark.parametrize("cut", [5, -9])
def test_half_of_a_compressed_file_is_refused(tmp_path: Path, cut: int) -> None:
    whole = gzip.compress(b"id,age,ward\n" + b"1,60,x\n" * 9999)

    assert "is no complete gzip file" in refusal(tmp_path, whole[:cut], name="rows.csv.gz")


COLUMNS = {
    "id": pa.array([1, 2, 3], pa.int32()),
    "age": pa.array([60.5, None, float("nan")]),
    "ward": pa.array(["x", None, "01"]).dictionary_encode(),
    "smoker": pa.array([True, False, None]),
    "born": pa.array([date(1960, 1, 2), None, date(1970, 3, 4)]),
    "dose": pa.array([1.0, 2.5, None], pa.float32()),
}
TYPES = {**PLAIN, "smoker": "category", "born": "category", "dose": "category"}


def columnar(name: str, columns: Mapping[str, Any] = COLUMNS) -> bytes:
    buffer = io.BytesIO()
    table = pa.table(dict(columns))
    if name.endswith("parquet"):
        pa_parquet.write_table(table, buffer)
    else:
        pa_feather.write_feather(table, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["rows.parquet", "rows.feather"])
def test_files_with_types_mean_what_the_same_csv_file_means(tmp_path: Path, name: str) -> None:
    typed = rows_of(tmp_path, columnar(name), TYPES, name=name)
    text = rows_of(
        tmp_path,
        "id,age,ward,smoker,born,dose\n1,60.5,x,True,1960-01-02,1.0\n2,,,False,,2.5\n3,NaN,01,,1970-03-04,\n",
        TYPES,
    )

    np.testing.assert_array_equal(typed.numbers, text.numbers)
    assert {name: column.levels for name, column in typed.categorical.items()} == {
        name: column.levels for name, column in text.categorical.items()
    }
    assert typed.cells == text.cells


@pytest.mark.parametrize("name", ["rows.parquet", "rows.feather"])
@pytest.mark.parametrize("part", [slice(0, 6), slice(0, 200), slice(9, None), slice(0, 0)])
def test_damaged_files_with_types_are_refused(tmp_path: Path, name: str, part: slice) -> None:
    assert f"is no complete {name[5:].capitalize()} file" in refusal(tmp_path, columnar(name)[part], TYPES, name=name)


def test_columns_of_lists_are_refused_by_name(tmp_path: Path) -> None:
    content = columnar("rows.parquet", COLUMNS | {"age": pa.array([[1], [2], [3]])})

    assert "column 'age' holds list" in refusal(tmp_path, content, TYPES, name="rows.parquet")


@pytest.mark.parametrize("cells", [pa.array([1, 2, 3], pa.duration("s")), pa.array([b"1", b"2", b"3"])])
def test_columns_of_values_that_are_no_cells_are_refused_by_name(tmp_path: Path, cells: Any) -> None:
    content = columnar("rows.parquet", COLUMNS | {"age": cells})

    assert "column 'age' holds" in refusal(tmp_path, content, TYPES, name="rows.parquet")


@pytest.mark.parametrize("name", ["rows.parquet", "rows.feather"])
def test_two_columns_of_one_name_are_refused_by_their_place(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], ["id", "x", "x"])
    (pa_parquet.write_table if name.endswith("parquet") else pa_feather.write_feather)(table, buffer)

    assert "column number 3 has the name of another" in refusal(tmp_path, buffer.getvalue(), {"id": "int32"}, name=name)


def test_faults_in_files_with_types_are_told_by_their_row(tmp_path: Path) -> None:
    content = columnar("rows.parquet", COLUMNS | {"age": pa.array(["1", "2", SECRET])})

    assert "column 'age': 1 of 3 cells is unreadable, the first in row 3" in refusal(
        tmp_path, content, TYPES, name="rows.parquet"
    )


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as written:
        for name in names:
            written.writestr(name, SECRET)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (archive("[Content_Types].xml", "xl/workbook.xml"), "is an Excel workbook"),
        (archive("mimetype", "content.xml"), "is an OpenDocument"),
        (archive("rows.csv"), "is a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is an Excel workbook"),
        (gzip.compress(b"id,age,ward\n1,2,x\n"), "is compressed with gzip; name it .csv.gz"),
        (columnar("rows.parquet"), "is a Parquet file; name it .parquet"),
        (b"%PDF-1.7\n", "is a PDF document"),
        (b"FEA1" + bytes(99), "is a Feather file of version 1"),
    ],
    # Not called by their content: an archive holds the time at which it was made.
    ids=["xlsx", "ods", "zip", "xls", "gzip", "parquet", "pdf", "feather"],
)
def test_what_is_no_text_is_called_by_its_name(tmp_path: Path, content: bytes, what: str) -> None:
    message = refusal(tmp_path, content)

    assert what in message
    assert "expected csv, csv.gz, Parquet or Feather" in message


# What is missing, and what is unreadable


@pytest.mark.parametrize("kind", ["category", "float64"])
def test_words_are_missing_numbers_and_levels_like_any_others(tmp_path: Path, kind: str) -> None:
    found = rows_of(tmp_path, "a,b\nNA,1\nNone,1\n1,1\nnull,1\n,1\n", {"a": kind, "b": "int32"})

    assert found.cells["a"].missing == (1 if kind == "category" else 4)


def test_unreadable_cells_are_refused_with_column_count_and_first_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, f'id,age,ward\n1,1,x\n2,"1,200.00",x\n3,<5,x\n4,{SECRET},x\n')

    assert "a/rows.csv: column 'age': 3 of 4 cells are unreadable, the first in line 3" in message


@pytest.mark.parametrize(("share", "is_read"), [(0.5, True), (0.4, False)])
@pytest.mark.parametrize("place", ["file", "column"])
def test_a_schema_allows_a_share_of_unreadable_cells(tmp_path: Path, share: float, is_read: bool, place: str) -> None:
    age = {"type": "float64"} | ({"unreadable": share} if place == "column" else {})
    schema = {"version": 1, "columns": {"id": "int32", "age": age, "ward": "category"}}
    schema |= {"unreadable": share} if place == "file" else {}
    content = f"id,age,ward\n1,<5,x\n2,{SECRET},x\n3,,x\n4,7,x\n"

    if not is_read:
        assert "2 of 4 cells are unreadable" in refusal(tmp_path, content, schema)
        return
    found = rows_of(tmp_path, content, schema)
    np.testing.assert_array_equal(found.numbers[:, 1], [np.nan, np.nan, np.nan, 7])
    assert (found.cells["age"].missing, found.cells["age"].unreadable, found.cells["age"].filled) == (1, 2, 3)


@pytest.mark.parametrize("place", ["file", "column"])
def test_further_words_and_codes_are_named_in_the_schema(tmp_path: Path, place: str) -> None:
    words: dict[str, Any] = {"missing": [-999, ".", "?", "unknown"]}
    kinds = {"age": "float64", "ward": "category"}
    schema = {
        "version": 1,
        "columns": {name: {"type": kind} | (words if place == "column" else {}) for name, kind in kinds.items()},
    } | (words if place == "file" else {})

    found = rows_of(tmp_path, "age,ward\n-999,x\n-999.0,?\n.,-999\n7,unknown\n?,x\n", schema)

    np.testing.assert_array_equal(found.numbers[:, 0], [np.nan, np.nan, np.nan, 7, np.nan])
    assert found.categorical["ward"].levels == ("x",)
    assert (found.cells["age"].missing, found.cells["ward"].missing) == (4, 3)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("float64", "1.7e308"),
        ("float64", "-inf"),
        ("float64", "Infinity"),
        ("float64", "1e400"),
        ("float64", "4e38"),
        ("float32", "1e39"),
        ("float16", "70000"),
        ("int32", "4000000000"),
        ("int32", "-3000000000"),
        ("int64", "9007199254740993"),
        ("int64", "99999999999999999999"),
        ("uint8", "-1"),
        ("uint8", "256"),
    ],
)
def test_numbers_beyond_what_sums_and_types_hold_are_refused_by_column(tmp_path: Path, kind: str, cell: str) -> None:
    schema = {"version": 1, "columns": {"x": {"type": kind, "unreadable": 1.0}}}

    message = refusal(tmp_path, f"x\n1\n{cell}\n", schema)

    assert "column 'x': 1 of 2 cells is infinite or too large, the first in line 3" in message
    assert cell not in message


def test_a_whole_number_beyond_what_64_bits_hold_exactly_is_refused_in_files_with_types_too(tmp_path: Path) -> None:
    content = columnar("rows.parquet", {"x": pa.array([1, 2**53 + 1])})

    assert "infinite or too large, the first in row 2" in refusal(
        tmp_path, content, {"x": "int64"}, name="rows.parquet"
    )


def test_a_fraction_is_no_whole_number(tmp_path: Path) -> None:
    assert rows_of(tmp_path, "x\n3.0\n4e1\n", {"x": "int32"}).numbers[:, 0].tolist() == [3, 40]
    assert "expected whole numbers" in refusal(tmp_path, "x\n3.7\n4\n", {"x": "int32"})


@pytest.mark.parametrize("cell", ["", "NA", " ", "-9"])
def test_a_column_in_which_nothing_stands_is_left_out_and_told(tmp_path: Path, cell: str) -> None:
    schema = {"version": 1, "missing": [-9], "columns": {"x": "int32", "y": "int32"}}

    found = rows_of(tmp_path, f"x,y\n{cell},1\n{cell},2\n", schema)

    assert found.numeric == ("y",)
    assert found.numbers.tolist() == [[1], [2]]
    assert found.cells["x"].missing == 2


def test_codes_stay_what_is_written(tmp_path: Path) -> None:
    found = rows_of(tmp_path, "w\n01\n1\n1E2\n100\n007\n7\n1.0\n", {"w": "category"})

    assert found.categorical["w"].levels == ("01", "1", "007", "7", "100", "1E2")
    assert found.categorical["w"].codes[1] == found.categorical["w"].codes[6]


def test_ids_are_carried_as_written_and_ignored_columns_not_at_all(tmp_path: Path) -> None:
    found = rows_of(tmp_path, f"i,j,x\n007,{SECRET},1\n,{SECRET},2\n", {"i": "id", "j": "ignore", "x": "int32"})

    assert found.ids == {"i": ["007", None]}
    assert found.dtypes == {"x": "int32"}
    assert found.cells.keys() == {"x"}


def test_the_label_and_renamed_columns_have_the_names_everybody_has_for_them(tmp_path: Path) -> None:
    columns = {"alter": {"type": "int32", "rename": "age"}, "dx": "category"}

    found = rows_of(tmp_path, "alter,dx\n1,x\n", {"version": 1, "label": "dx", "columns": columns})

    assert found.dtypes == {"age": "int32", "target": "category"}
    assert found.cells.keys() == {"age", "target"}
