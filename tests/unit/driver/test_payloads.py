"""What can be sent, and what is refused before anything is."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synergos.driver import Driver, UsageError
from synergos.driver.payloads import sendable


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"a": (1, 2.5, None, True, "x")}, {"a": [1, 2.5, None, True, "x"]}),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.arange(3), [0, 1, 2]),
        (pd.Series([1.5]), [1.5]),
        (range(2), [0, 1]),
        (Colour.RED, "red"),
    ],
    ids=["plain", "float", "int", "bool", "array", "series", "range", "enum"],
)
def test_values_of_notebooks_are_sent_as_json_has_them(given: Any, sent: Any) -> None:
    assert sendable(given) == sent


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lr": float("nan")}, "lr: expected a finite number, got nan"),
        ({"lr": np.float64("inf")}, "lr: expected a finite number, got inf"),
        ({"lr": np.float32("-inf")}, "lr: expected a finite number, got -inf"),
        ({"model": [{"structure": {"bias": {1}}}]}, "model[0].structure.bias: expected a list, got a set"),
        ({"pos_weight": [1.0, float("nan")]}, "pos_weight[1]: expected a finite number, got nan"),
        ({"seed": b"1"}, "seed: expected a text, a number, a list or a dict, got a bytes"),
        ({"tags": Path("x")}, "tags: expected a text, a number, a list or a dict, got a PosixPath"),
        ({"socials": {1: "x"}}, "socials: expected names as texts, got 1"),
        ({"lr": 1j}, "lr: expected a text, a number, a list or a dict, got a complex"),
    ],
)
def test_what_json_has_not_is_refused_by_its_place(given: Any, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        sendable(given)

    assert str(refused.value) == message


def test_a_learning_rate_that_is_no_number_never_reaches_a_server() -> None:
    with pytest.raises(UsageError, match="lr: expected a finite number, got nan") as refused:
        Driver("nowhere.invalid", 5000).runs.create("c", "p", "e", "r", lr=float("nan"))

    assert refused.value.field == "lr"
