"""What a participant declares of its columns, on real programs: words mapped, ids that stay, and files nobody put there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from grids.field_case import FieldCase
from grids.real_grid import RealGrid
from support.written_files import files_below

Play = Callable[[str], FieldCase]


def test_one_thing_in_two_spellings_is_one_once_it_is_mapped(play: Play) -> None:
    case = play("06-one-thing-two-spellings")
    mapped = {"type": "category", "map": {"low.": "low", "high.": "high"}}
    for tag in ("train", "evaluate"):
        case.write_schema(2, tag, {"version": 1, "columns": {"größe": "float64", "city": "category", "target": mapped}})
    case.declare()

    assert case.align()["status"] == 201
    assert case.train()["status"] == 200

    assert [found["accuracy"] for found in case.validate()] == [[pytest.approx(0.867, abs=0.001)] * 2] * 2
    assert {"score_low", "score_high"} == {name for name in case.predict(2, "ask")[0] if name.startswith("score_")}


def test_an_id_is_in_its_participant_s_predictions_and_nowhere_else(
    play: Play, field_grid: RealGrid, field_data: Path
) -> None:
    case = play("08-identifiers-cross")
    columns = {"patient": "id", "age": "int32"}
    case.write_schema(1, "train", {"version": 1, "columns": {**columns, "target": "category"}})
    case.write_schema(1, "ask", {"version": 1, "columns": columns})
    case.declare()

    answers = [case.align(), case.train()]
    [asked] = case.predict(1, "ask")

    assert [answer["status"] for answer in answers] == [201, 200]
    assert asked["patient"] == "PID-0500"
    assert "PID-" not in json.dumps([*answers, *case.alignments()])
    assert [path.name for path in files_with(b"PID-", field_grid.grid.folder)] == ["predictions_predict.csv"]


def test_an_id_that_the_schema_does_not_name_is_refused_by_its_place(play: Play) -> None:
    case = play("08-identifiers-cross")
    case.declare()
    case.tag(1, "train_id_not_in_schema")

    refused = case.align()

    assert refused["status"] == 422
    assert "column number 1 of its first line is not in its schema.json" in refused["message"]
    assert "PID-" not in json.dumps(refused)


def test_copies_in_hidden_folders_are_no_rows(play: Play) -> None:
    case = play("09-copies-in-hidden-folders")
    case.declare()

    aligned = case.align()
    case.train()

    assert aligned["status"] == 201
    for number in (1, 2):
        assert '"rows": {"train": 30}' in case.prepared(number)
    assert [(row["row"], Path(row["file"]).name) for row in case.predict(2, "ask")] == [
        ("1", "data.csv"),
        ("2", "data.csv"),
    ]


def files_with(text: bytes, folder: Path) -> list[Path]:
    """The files below a folder in which a text stands."""
    return [path for path, content in files_below(folder) if text in content]
