"""What no datasets can be like is refused, by the name of what it is about; what is possible is not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from factories.feature_spaces import prepared
from synergos.domain.feature_space import Action
from synergos.domain.preparation import Prepared
from synergos.errors import InvalidRequest
from synergos.learning.agreement import agreement_of
from synergos.learning.feature_space_agreement import feature_space
from synergos.learning.possible_preparation import check_preparation


def told() -> dict[str, Any]:
    return {
        "headers": {
            "train": {"X": [["age", None], ["sex", "f"], ["sex", "m"]], "y": [["target", "0"], ["target", "1"]]}
        },
        "schemas": {"train": {"age": "float64", "sex": "category", "target": "category"}},
        "metadata": {
            "train": {
                "_type": "tabular",
                "src_count": 10,
                "files": {"a.csv": 10},
                "cells": {"age": {"missing": 1}},
                "columns": {"age": {"type": "number"}},
            }
        },
        "statistics": {
            "train": {
                "numeric": {"age": {"count": 9, "sum": 450.0, "minimum": 20, "maximum": 80}},
                "categorical": {"sex": {"f": 4, "m": 6}},
            }
        },
        "digests": {"train": ["k.1"]},
    }


def changed(place: str, value: object) -> Prepared:
    found = told()
    *outer, last = place.split("/")
    inside = found
    for step in outer:
        inside = inside[step]
    inside[last] = value
    return prepared(found)


def test_what_is_possible_is_taken() -> None:
    check_preparation(prepared(told()), Action.CLASSIFY)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        # As strict mode rounds them: counts and sums to three digits, bounds to two outwards.
        ("statistics/train/numeric/age", {"count": 10.0, "sum": 790.0, "minimum": 20.0, "maximum": 80.0}),
        ("statistics/train/numeric/age", {"count": 0, "sum": 0, "minimum": None, "maximum": None}),
        ("statistics/train/numeric/age", {"count": 0}),
        # Bounds are those of most rows, and a sum is of all.
        ("statistics/train/numeric/age/sum", 1e9),
        ("statistics/train", {}),
        ("metadata/train", {"_type": "sound", "src_count": 10, "seconds": [1.5]}),
        ("headers/train/X", [["x" * 200, None]]),
    ],
)
def test_what_is_rare_is_taken_too(place: str, value: object) -> None:
    check_preparation(changed(place, value), Action.CLASSIFY)


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        ("metadata/train/src_count", 10**18, "metadata.train.src_count"),
        ("metadata/train/src_count", True, "metadata.train.src_count"),
        ("metadata/train/files", 3, "metadata.train.files"),
        ("metadata/train/files", {"a": 10**400}, "metadata.train.files.*"),
        ("metadata/train/cells", {"age": 5}, "metadata.train.cells.*"),
        ("metadata/train/columns", {"age": {"type": "secret"}}, "metadata.train.columns.*.type"),
        ("statistics/train/numeric", [1], "statistics.train.numeric"),
        ("statistics/train/numeric", {"age": {"count": "secret"}}, "statistics.train.numeric.*.count"),
        ("statistics/train/numeric/age/count", 10**12, "statistics.train.numeric"),
        ("statistics/train/numeric/age/minimum", 1e308, "statistics.train.numeric.*.minimum"),
        ("statistics/train/numeric/age/maximum", None, "statistics.train.numeric"),
        ("statistics/train/categorical/sex", {"f": 10**6}, "statistics.train.categorical"),
        ("headers/train/X", [["secret" * 50, None]], "headers.train"),
        ("headers/train/X", [["sex", "secret" * 50]], "headers.train"),
        ("headers/train/X", [["sex", "é" * 101]], "headers.train"),
        ("headers/train/X", [[f"c{number}", None] for number in range(10_001)], "headers.train"),
        ("headers/train/y", [["other", "a"]], "headers.train.y"),
        ("headers/train/y", [["target", None]], "headers.train.y"),
        ("schemas/train", {"secret" * 50: "float64"}, "schemas.train"),
        ("digests/train", ["x" * 201], "digests.train"),
    ],
)
def test_what_is_not_possible_is_refused_and_not_repeated(place: str, value: object, named: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_preparation(changed(place, value), Action.CLASSIFY)
    assert caught.value.field == named
    assert "secretsecret" not in str(caught.value)


def levels(begin: str, count: int) -> list[list[str]]:
    return [["sex", f"{begin}{number}"] for number in range(count)]


@pytest.mark.parametrize("purpose", ["train", "evaluate"])
def test_an_alignment_takes_time_in_proportion_to_levels(purpose: str) -> None:
    count = 20_000
    large = told()
    for part in ("headers", "schemas", "metadata"):
        large[part]["evaluate"] = large[part]["train"]
    large["headers"] = {
        **large["headers"],
        purpose: {"X": [["age", None], *levels("x", count)], "y": [["target", "0"]]},
    }
    polled = {"a": prepared(told()), "b": prepared(large)}

    begun = time.process_time()
    space, _ = feature_space(polled, Action.CLASSIFY)
    agreement_of(polled, space, 1)

    # Searching a list for each of them takes four seconds and more.
    assert time.process_time() - begun < 2
