"""Search spaces in forms and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synergos_portal.pages.launch.tune_form import Dimension, NotASearchSpace, from_file, to_request

RANGES = Path(__file__).parents[4] / "simulator" / "datasets"


@pytest.mark.parametrize("dataset", ["breast_cancer", "diabetes", "digits_images", "wine"])
def test_a_file_comes_out_of_the_form_as_it_went_in(dataset: str) -> None:
    content = json.loads((RANGES / dataset / "ranges.json").read_text())

    dimensions, others = from_file(content)

    assert to_request(dimensions) == content
    assert others == {}


def test_a_file_may_be_a_whole_request() -> None:
    space = {"lr": {"_type": "uniform", "_value": [0.1, 1]}}

    dimensions, others = from_file({"search_space": space, "metric": "MSE"})

    assert (to_request(dimensions), others) == (space, {"metric": "MSE"})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("SGD, Adam", ["SGD", "Adam"]),
        ('"a, b", c', ['"a', 'b"', "c"]),
        ("1, 0.5,1e-3", [1, 0.5, 1e-3]),
        ("true, none, null", [True, "none", None]),
        ("[1, 2], [3]", [[1, 2], [3]]),
        ("NaN, 1e999, 2", ["NaN", "1e999", 2]),
    ],
    ids=["words", "half quoted", "numbers", "mixed", "lists", "no numbers"],
)
def test_what_is_typed_is_read_as_meant(text: str, values: list[Any]) -> None:
    assert to_request([Dimension("x", "choice", text)]) == {"x": {"_type": "choice", "_value": values}}


def test_empty_rows_are_left_out() -> None:
    assert to_request([Dimension(), Dimension("lr", "uniform", "0, 1"), Dimension(kind="choice")]) == {
        "lr": {"_type": "uniform", "_value": [0, 1]}
    }


@pytest.mark.parametrize(
    ("dimensions", "words"),
    [
        ([Dimension("lr", "uniform", "")], "lr: expected values"),
        ([Dimension("lr", "uniform", "1,,2")], "lr: expected values"),
        ([Dimension("", "uniform", "1")], "which hyperparameter"),
        ([Dimension("lr", "uniform", "1, 2")] * 2, "lr is there twice"),
    ],
    ids=["nothing", "a hole", "no name", "twice"],
)
def test_a_row_that_cannot_be_meant_is_named(dimensions: list[Dimension], words: str) -> None:
    with pytest.raises(NotASearchSpace, match=words):
        to_request(dimensions)


def test_values_that_are_too_deep_to_be_read_are_a_word() -> None:
    deep = "[" * 10_000

    assert to_request([Dimension("lr", "choice", deep)]) == {"lr": {"_type": "choice", "_value": [deep]}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "expected an object"),
        ({}, "expected an object"),
        ({f"p{n}": {"_type": "choice", "_value": [n]} for n in range(101)}, "at most 100 hyperparameters, got 101"),
        ({"lr": 0.1}, "lr: expected"),
        ({"lr": {"_type": "uniform", "_value": 1}}, "lr._value: expected a list"),
        ({"lr": {"_type": 3, "_value": [1]}}, "lr: expected"),
        ({"lr": {"_type": "uniform", "_value": [1], "_values": []}}, "_values is not known"),
    ],
    ids=["a list", "nothing", "too many", "a number", "no list", "no type", "another key"],
)
def test_a_file_that_is_no_search_space_is_refused_by_name(content: Any, words: str) -> None:
    with pytest.raises(NotASearchSpace, match=words):
        from_file(content)
