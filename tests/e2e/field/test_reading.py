"""What is read wrongly elsewhere, on real programs: commas too many, cells nobody can read, codes, words for what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from grids.field_case import FieldCase

Play = Callable[[str], FieldCase]

COMMAS = ("ask_comma_on_first_row", "ask_comma_on_every_row", "ask_comma_two_rows", "ask_comma_other_numbers")


def test_a_comma_too_many_is_refused_with_its_line(play: Play) -> None:
    case = play("01-shifted-columns")
    case.declare()
    assert case.align()["status"] == 201
    case.train()
    before = [float(row["prediction"]) for row in case.predict(1, "ask_clean")]

    refused = {tag: case.ask(1, tag) for tag in COMMAS}

    assert before == pytest.approx([10.0, 14.2, 8.3, 11.8], abs=0.05)
    for tag, answer in refused.items():
        assert answer["status"] >= 400
        assert f"{tag}/data.csv: line 2 has more cells than its header line: expected 3, found 4" in answer["message"]
    first, second = case.validate()
    assert (first["R2"], second["R2"]) == pytest.approx((0.52, 0.51), abs=0.01)


def test_a_comma_too_many_is_refused_at_alignment(play: Play) -> None:
    case = play("01-shifted-columns")
    case.declare()
    case.tag(2, "train_comma", "evaluate")

    refused = case.align()

    assert refused["status"] == 422
    assert "worker_2" in refused["message"]
    assert "train_comma/data.csv: line 2 has more cells than its header line" in refused["message"]


def test_unreadable_cells_are_refused_with_column_count_and_line(play: Play) -> None:
    case = play("02-unreadable-becomes-mean")
    case.declare()

    refused = case.align()

    assert refused["status"] == 422
    assert "column 'amount': 63 of 160 cells are unreadable, the first in line 6" in refused["message"]
    assert "2,827.87" not in json.dumps(refused)


def test_amounts_are_worth_what_they_say_once_they_are_readable(play: Play) -> None:
    case = play("02-unreadable-becomes-mean")
    for tag in ("train", "evaluate"):
        path = case.folder(2, tag) / "data.csv"
        path.write_text(_plain(path.read_text()))
    case.declare()
    assert case.align()["status"] == 201
    case.train()

    _, second = case.validate()
    asked = case.predict(2, "ask_plain")
    as_typed, other_ways = case.ask(2, "ask_as_typed"), case.ask(2, "ask_other_ways")

    assert second["accuracy"][1] == pytest.approx(0.925, abs=0.001)
    assert second["TPRs"][1] == pytest.approx(0.75, abs=0.001)
    assert float(asked[2]["score_1"]) == pytest.approx(1.0, abs=0.01)
    assert "column 'amount': 2 of 3 cells are unreadable, the first in line 3" in as_typed["message"]
    assert "column 'amount': 5 of 7 cells are unreadable, the first in line 3" in other_ways["message"]


def test_codes_that_look_like_numbers_stay_what_they_are(play: Play) -> None:
    case = play("05-codes-that-look-like-numbers")
    case.declare()
    assert case.align()["status"] == 201
    case.train()

    first, second = case.validate()
    asked = case.predict(1, "ask")

    assert first["accuracy"] == [1.0, 1.0]
    assert second["accuracy"] == [1.0, 1.0]
    assert {row["prediction"] for row in asked} == {"02", "10"}
    assert {"score_02", "score_10"} <= asked[0].keys()


def test_a_code_for_what_is_missing_is_as_good_as_a_blank(play: Play) -> None:
    case = play("16-missing-codes")
    kinds = {"bp": {"type": "float64", "missing": [-999]}, "age": "float64", "target": "category"}
    for tag in ("train_999", "evaluate_999"):
        case.write_schema(2, tag, {"version": 1, "columns": kinds})
    case.declare()
    case.align()
    case.train()
    blank = case.validate()

    case.tag(2, "train_999", "evaluate_999")
    assert case.align()["status"] == 201
    case.train()

    assert [found["roc_auc_score"] for found in case.validate()] == [found["roc_auc_score"] for found in blank]
    assert [found["roc_auc_score"][0] for found in blank] == pytest.approx([0.93, 0.96], abs=0.01)


def test_a_number_that_no_sum_can_hold_is_refused_by_its_column(play: Play) -> None:
    case = play("16-missing-codes")
    case.declare()
    case.tag(2, "train_huge", "evaluate")

    refused = case.align()

    assert refused["status"] == 422
    assert "column 'bp': 2 of 60 cells are infinite or too large, the first in line 52" in refused["message"]


def _plain(text: str) -> str:
    """The same without thousands separators."""
    parts = text.split('"')
    return "".join(part.replace(",", "") if index % 2 else part for index, part in enumerate(parts))
