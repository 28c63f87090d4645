"""What participants agree on, on real programs: one meaning of nothing, names that look alike, and data that changes afterwards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grids.field_case import FieldCase

Play = Callable[[str], FieldCase]


def score(case: FieldCase, tag: str) -> float:
    """The first row's."""
    return float(case.predict(1, tag)[0]["score_1"])


def test_a_patient_scores_the_same_alone_and_beside_another(play: Play) -> None:
    case = play("03-alone-or-together")
    case.declare()
    assert case.align()["status"] == 201
    case.train()

    assert score(case, "one_row") == score(case, "same_row_and_another") == pytest.approx(0.560, abs=0.001)
    assert (
        score(case, "one_row_no_sex") == score(case, "same_row_no_sex_and_another") == pytest.approx(0.776, abs=0.001)
    )
    assert score(case, "column_not_sent") == score(case, "one_row")


@pytest.mark.parametrize("tag", ["train_absent", "train_empty", "train_one_cell"])
def test_a_column_that_one_site_lacks_is_filled_as_if_all_its_cells_were_missing(play: Play, tag: str) -> None:
    case = play("03b-column-one-site-lacks")
    case.declare()
    case.tag(2, tag)
    assert case.align()["status"] == 201
    case.train()

    [found] = case.validate()

    assert found["accuracy"][1] == pytest.approx(0.883, abs=0.001)
    assert found["roc_auc_score"][1] == pytest.approx(0.973, abs=0.001)


def test_one_thing_in_two_spellings_is_told_in_words_before_anything_is_stored(play: Play) -> None:
    case = play("06-one-thing-two-spellings")
    case.declare()

    refused = case.align()
    would_be = case.align(shared_labels=False, dry_run=True)
    strict = case.align(shared_labels=False, auto_align=False)

    assert refused["status"] == 417
    assert "shares no label" in refused["message"]
    assert "differ in a full stop" in refused["message"]
    assert "high" not in refused["message"] + strict["message"]
    assert strict["status"] == 409
    for answer in (would_be, strict):
        assert "are not the same; they differ in a full stop" in json.dumps(answer, ensure_ascii=False)
    # Unicode forms are one by now: two inputs of the city, and one of the size.
    assert would_be["data"]["feature_space"]["X"] == [["city", "Bonn"], ["city", "Köln"], ["größe", None]]


def test_what_was_mapped_is_recorded_with_what_became_an_input(play: Play) -> None:
    case = play("06-one-thing-two-spellings")
    kinds = {"größe": "float64", "city": "category"}
    target = {"type": "category", "map": {"low.": "low", "high.": "high"}}
    for tag in ("train", "evaluate"):
        case.write_schema(2, tag, {"version": 1, "columns": {**kinds, "target": target}})
    case.declare()
    assert case.align()["status"] == 201

    [_, second] = case.alignments()

    assert second["agreement"]["inputs"] == ["city", "größe"]
    assert second["agreement"]["rules"]["target"]["mapped"] == {"low.": "low", "high.": "high"}
    assert second["agreement"]["notes"] == []


def test_data_that_changed_after_the_alignment_is_a_conflict_that_names_it(play: Play) -> None:
    case = play("13-changed-after-alignment")
    case.declare()
    case.align()
    assert case.train()["status"] == 200

    for changed in ("in_months", "one_row_more"):
        shutil.copy(case.folder(2, changed) / "data.csv", case.folder(2, "train") / "data.csv")
        refused = case.train()
        assert refused["status"] == 409
        assert "worker_2" in refused["message"]
        assert (
            f"train: the data in {_below(case.folder(2, 'train'))} has changed since the alignment"
            in refused["message"]
        )

    assert case.align()["status"] == 201
    assert case.train()["status"] == 200
    assert case.alignments()[0]["agreement"]["version"] == 2


def _below(folder: Path) -> str:
    return "/".join(folder.parts[-3:])
