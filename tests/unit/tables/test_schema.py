from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from synergos.errors import UnusableData
from synergos.tables.schema import Bounds, Column, ColumnType, Conversion, parse_schema, problems_in_schema, published

PUBLISHED = Path(__file__).parents[3] / "docs" / "schemas" / "dataset-schema.json"


def versioned(**columns: object) -> dict[str, Any]:
    return {"version": 1, "columns": columns}


def test_the_first_form_names_columns_and_types() -> None:
    schema = parse_schema({"age": "int32", "target": "category"}, "a/schema.json")

    assert schema.columns == {"age": Column(kind=ColumnType.INT32), "target": Column(kind=ColumnType.CATEGORY)}
    assert (schema.label, schema.missing, schema.unreadable) == ("target", (), 0.0)


def test_columns_of_the_first_form_may_be_called_like_the_fields_of_the_second() -> None:
    schema = parse_schema({"version": "int32", "label": "category", "columns": "float64"}, "a/schema.json")

    assert list(schema.columns) == ["version", "label", "columns"]


def test_a_versioned_schema_has_rules() -> None:
    schema = parse_schema(
        {
            "version": 1,
            "label": "died",
            "missing": [-999, "."],
            "unreadable": 0.01,
            "columns": {
                "patient": "id",
                "laktat": {
                    "type": "float64",
                    "rename": "lactate",
                    "missing": ["?"],
                    "unit": "mmol/L",
                    "convert": {"from": "mg/dL", "factor": 0.111},
                    "bounds": {"minimum": 0, "maximum": 30},
                    "outside": "missing",
                    "unreadable": 0.5,
                },
                "died": {"type": "category", "map": {"ja": "yes", "nein": "no", "unbekannt": None}},
            },
        },
        "a/schema.json",
    )

    assert schema.label == "died"
    assert [schema.agreed_name(name) for name in schema.columns] == ["patient", "lactate", "target"]
    assert schema.missing_words("laktat") == ("-999", ".", "?")
    assert [schema.unreadable_share(name) for name in ("laktat", "died")] == [0.5, 0.01]
    assert schema.columns["laktat"].convert == Conversion(from_="mg/dL", factor=0.111, offset=0.0)
    assert schema.columns["laktat"].bounds == Bounds(minimum=0.0, maximum=30.0)
    assert schema.columns["died"].mapping == {"ja": "yes", "nein": "no", "unbekannt": None}


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        ("category", "category"),
        ("boolean", "category"),
        ({"type": "category", "order": ["low", "high"]}, "int32"),
        ("date", "float64"),
        ("uint8", "uint8"),
    ],
)
def test_a_column_becomes_levels_or_numbers(column: object, dtype: str) -> None:
    assert parse_schema(versioned(a=column), "a/schema.json").columns["a"].dtype == dtype


def test_names_are_one_in_whatever_form_their_letters_are_written() -> None:
    schema = parse_schema(
        {"version": 1, "label": "Fu\u0308r", "columns": {"\u00a0F\u00fcr ": "category"}}, "schema.json"
    )

    assert list(schema.columns) == ["F\u00fcr"]
    assert schema.agreed_name("F\u00fcr") == "target"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            {"age": "string"},
            r"age: 'string' is not one of category, int32, int64, float32, float64, boolean, date, id, ",
        ),
        ({"age": "int"}, r"age: 'int' is not one of category, .* did you mean int8 or uint8 or int64\?"),
        ({"age": "datetime"}, r"age: 'datetime' is not one of category, .* did you mean date\?"),
        ({"age": "int3"}, r"a/schema\.json: age: 'int3' is not one of category, .* did you mean int32"),
        ({"age": 3}, r"a/schema\.json: age: expected an object, got 3"),
        ({"version": 2, "columns": {"a": "id"}}, r"version: expected 1, got 2"),
        ({"columns": {"a": "id"}}, r"version: expected 1, got None"),
        (versioned(a="id") | {"lable": "a"}, r"lable: 'lable' is not a known field; did you mean label"),
        (versioned(age="int32") | {"label": "agee"}, r"label: 'agee' is not one of the columns; did you mean age"),
        (versioned(), "columns: expected at least 1 entries"),
        (versioned(a={"type": "int32", "mising": [1]}), r"columns\.a\.mising: .* did you mean missing"),
        (versioned(a={"typ": "int32"}), r"columns\.a\.typ: 'typ' is not a known field; did you mean type"),
        (versioned(a={}), r"columns\.a\.type: is required"),
        (versioned(a={"type": "category", "unit": "kg"}), r"columns\.a\.unit: has no effect on .* type category"),
        (versioned(a={"type": "id", "missing": ["?"]}), r"columns\.a\.missing: has no effect on a column of type id"),
        (versioned(a={"type": "int32", "levels": ["x"]}), r"columns\.a\.levels: has no effect"),
        (versioned(a={"type": "int32", "outside": "missing"}), r"columns\.a\.outside: expected bounds beside it"),
        (versioned(a={"type": "float64", "convert": {"from": "g"}}), r"columns\.a\.convert: expected unit beside it"),
        (
            versioned(a={"type": "int32", "unit": "kg", "convert": {"from": "g"}}),
            r"a\.convert: has no effect on a .* int32",
        ),
        (versioned(a={"type": "category", "unreadable": 0.1}), r"columns\.a\.unreadable: has no effect"),
        (versioned(a={"type": "category", "order": ["x", "y"], "levels": ["x"]}), r"columns\.a\.order: expected no"),
        (versioned(a={"type": "category", "order": ["x", "y"], "least_count": 3}), r"a\.least_count: has no effect"),
        (versioned(a={"type": "int32", "bounds": {"minimum": 0}}), r"columns\.a\.bounds\.maximum: is required"),
        (
            versioned(a={"type": "int32", "bounds": {"minimum": 2, "maximum": 1}}),
            r"a\.bounds: expected a minimum below",
        ),
        (versioned(a={"type": "int32", "bounds": {"minimum": "0", "maximum": 1}}), r"minimum: expected a number"),
        (versioned(a={"type": "date", "bounds": {"minimum": 0, "maximum": 1}}), r"minimum: expected a date such as"),
        (versioned(target="date"), r"columns\.target\.type: the label is a category, a boolean or a number"),
        (versioned(target={"type": "int32", "rename": "y"}), r"columns\.target\.rename: has no effect on the label"),
        (versioned(a="int32", b={"type": "int32", "rename": "a"}), r"columns\.b\.rename: has the name 'a', as has"),
        (versioned(a="category", target="int32") | {"label": "a"}, r"columns\.target: only the label can be called"),
        ({"a": "int32", " a": "int32"}, r" a: this name is there twice"),
    ],
)
def test_a_schema_that_says_nothing_sensible_is_refused_by_field(content: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UnusableData, match=complaint):
        parse_schema(content, "a/schema.json")


def test_the_keys_of_a_map_are_cells_and_no_error_repeats_them() -> None:
    content = versioned(a={"type": "category", "map": {"s3cret": ["x"]}})

    with pytest.raises(
        UnusableData, match=r"columns\.a\.map: expected a string, a number, true, false or null"
    ) as caught:
        parse_schema(content, "a/schema.json")

    assert "s3cret" not in str(caught.value)


def test_all_that_is_wrong_with_a_schema_is_found_at_once() -> None:
    content = versioned(a="int3", b={"type": "id", "missing": [1]}, c="int32") | {"lable": "c"}

    told = [str(problem) for problem in problems_in_schema(content, "a/schema.json")]

    assert [text.split(": ")[1] for text in told] == ["lable", "columns.a", "columns.b.missing"]
    assert problems_in_schema({"a": "int32"}, "a/schema.json") == []
    assert len(problems_in_schema({"a": "int3", "b": "x"}, "a/schema.json")) == 2
    assert len(problems_in_schema(versioned(a="int32") | {"label": "b"}, "a/schema.json")) == 1


def test_a_label_under_another_name_is_asked_for_with_the_columns_there_are() -> None:
    schema = parse_schema({"age": "int32", "died": "category"}, "a/schema.json")

    with pytest.raises(
        UnusableData, match=r"schema\.json: has no column 'target', the label; it has 'age', 'died'; say"
    ):
        schema.check_label()


def test_the_published_schema_is_what_is_read() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == json.loads(json.dumps(published()))


@pytest.mark.parametrize(
    "content",
    [{"age": "int32"}, {"columns": "float64"}, versioned(a="id", b={"type": "int32", "missing": [-999]})],
)
def test_the_published_schema_describes_what_is_read(content: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(published()).validate(content)


@pytest.mark.parametrize(
    "content",
    [{"age": "int3"}, {"columns": {"a": "id"}}, versioned(a="int3"), versioned(a={"type": "id", "missing": "?"})],
)
def test_the_published_schema_describes_nothing_else(content: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(published()).validate(content)
