"""Updates that cannot be right are left out, with the reason; the others are not touched."""

from __future__ import annotations

import math

import pytest
import torch

from synergos.learning.update_gate import ABSURD_NORM, Measured, movement, refusals

REFERENCE = {"w": torch.tensor([1.0, 2.0]), "steps": torch.tensor(3)}
ROWS = {"a": 10, "b": 20, "c": 30}


def update(participant: str, change: float = 1.0, rows: int | None = None) -> dict[str, Measured]:
    weights = {"w": REFERENCE["w"] + torch.tensor([change, 0.0]), "steps": REFERENCE["steps"]}
    return {participant: Measured(ROWS[participant] if rows is None else rows, movement(weights, REFERENCE))}


def test_sound_updates_all_pass() -> None:
    assert refusals(update("a") | update("b", 2.0) | update("c", 0.5), ROWS) == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    assert refusals(update("a") | update("b", value), ROWS) == {"b": "its update has values that are not finite"}


def test_rows_that_a_participant_does_not_have_are_refused() -> None:
    assert refusals(update("a") | update("b", rows=10**12), ROWS) == {
        "b": "claims 1000000000000 training rows and has 20"
    }


def test_an_update_that_goes_absurdly_far_is_refused() -> None:
    refused = refusals(update("a") | update("b", 3.0) | update("c", 5000.0), ROWS)

    # The median of the others is (1 + 3) / 2.
    assert refused == {"c": "its update moves the model 2500 times farther than the others' do"}


def test_an_update_at_the_limit_passes() -> None:
    assert refusals(update("a") | update("b", ABSURD_NORM), ROWS) == {}


def test_nobody_is_measured_by_those_who_stand_still() -> None:
    assert refusals(update("a", 0.0) | update("b", 0.0) | update("c", 1.0), ROWS) == {}


def test_one_participant_has_nobody_to_be_compared_with() -> None:
    assert refusals(update("a", 1e9), ROWS) == {}


def test_movement_is_the_norm_over_all_tensors() -> None:
    weights = {"w": torch.tensor([4.0, 6.0]), "steps": torch.tensor(15)}

    # 3² + 4² + 12² = 13²
    assert movement(weights, REFERENCE) == 13.0


def test_large_values_do_not_overflow() -> None:
    big = {"w": torch.tensor([3e38, -3e38])}

    assert movement(big, {"w": torch.tensor([-3e38, 3e38])}) == pytest.approx(2**0.5 * 6e38, rel=1e-6)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["first", "last", "double"])
def test_a_value_that_is_not_finite_is_found_among_many_small_tensors(value: float, name: str) -> None:
    reference = {"first": torch.zeros(3, 2), "double": torch.zeros(2, dtype=torch.float64), "last": torch.zeros(4)}
    update = {key: tensor.clone() for key, tensor in reference.items()}
    update[name].view(-1)[1] = value

    assert movement(update, reference) == math.inf
