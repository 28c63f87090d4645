"""Updates that cannot be right are left out, with the reason; the others are not touched."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from synergos.learning.bags import Bag
from synergos.learning.update_faults import Fault
from synergos.learning.update_gate import ABSURD_NORM, Gauge, Measured, Refusal, lengths, movement, refusals

REFERENCE = {"w": torch.tensor([1.0, 2.0]), "steps": torch.tensor(3)}
ROWS = {"a": 10, "b": 20, "c": 30}


def update(participant: str, change: float = 1.0, rows: int | None = None) -> dict[str, Measured]:
    weights = {"w": REFERENCE["w"] + torch.tensor([change, 0.0]), "steps": REFERENCE["steps"]}
    return {participant: Measured(ROWS[participant] if rows is None else rows, movement(weights, REFERENCE))}


def reasons(updates: Mapping[str, Measured]) -> dict[str, str]:
    return {who: refusal.reason for who, refusal in refusals(updates, ROWS).items()}


def test_sound_updates_all_pass() -> None:
    assert refusals(update("a") | update("b", 2.0) | update("c", 0.5), ROWS) == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    assert reasons(update("a") | update("b", value)) == {"b": "its update has values that are not finite"}


def test_rows_that_a_participant_does_not_have_are_refused() -> None:
    refused = refusals(update("a") | update("b", rows=10**12), ROWS)

    assert refused == {"b": Refusal("claims 1000000000000 training rows and has 20", Fault.ROWS)}
    assert not refused["b"].is_divergence


def test_an_update_that_goes_absurdly_far_is_refused() -> None:
    refused = reasons(update("a") | update("b", 3.0) | update("c", 5000.0))

    # The median of the others is (1 + 3) / 2.
    assert refused == {"c": "its update moves the model 2500 times farther than the others' do"}


def test_an_update_at_the_limit_passes() -> None:
    assert refusals(update("a") | update("b", ABSURD_NORM), ROWS) == {}


def trained(movement: float, first: float | None, last: float | None) -> Measured:
    return Measured(10, movement, has_trained=True, first_loss=first, last_loss=last)


def test_a_training_loss_that_is_not_finite_is_refused() -> None:
    updates = {"a": trained(1.0, 2.0, 1.0), "b": trained(0.0, None, None), "c": Measured(30, 1.0)}

    assert {who: each.reason for who, each in refusals(updates, {"a": 10, "b": 10, "c": 30}).items()} == {
        "b": "its training loss is not a finite number"
    }


def test_an_update_goes_far_whose_labels_are_on_a_larger_scale() -> None:
    """Labels of ``b`` are 10⁴ times those of ``a``: so are the steps, and a squared error is 10⁸ times as large."""
    others = {"a": trained(1.0, 4.0, 0.5)}
    rows = {"a": 10, "b": 10}

    assert refusals(others | {"b": trained(11310.0, 4e8, 0.5e8)}, rows) == {}
    # Whose rows lie on a line has no error left.
    assert refusals(others | {"b": trained(11310.0, 4e8, 0.0)}, rows) == {}
    # A loss on the same scale explains nothing, nor does one that has grown, nor one that nobody tells.
    for absurd in (trained(11310.0, 4.0, 0.5), trained(11310.0, 4e8, 5e8), trained(11310.0, None, 4e8)):
        assert refusals(others | {"b": absurd}, rows).keys() == {"b"}
    # Nor does a larger one, when the others' are not known.
    assert refusals({"a": Measured(10, 1.0), "b": trained(11310.0, 4e8, 0.5e8)}, rows).keys() == {"b"}
    assert refusals(others | {"b": trained(11310.0 * 1000, 4e8, 0.5e8)}, rows).keys() == {"b"}


def test_a_loss_below_zero_has_a_scale_too() -> None:
    """Counts of ``b`` are 10⁴ times as large; the Poisson loss of the rate 1 says nothing of that, what is reached does."""
    others = {"a": trained(1.0, 1.0, -0.5)}

    assert refusals(others | {"b": trained(5000.0, 1.0, -8e4)}, {"a": 10, "b": 10}) == {}


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


SIZES = {"w": 300_001, "b": 7, "nothing": 0, "steps": 1}


def arriving(seed: int) -> tuple[dict[str, Tensor], Tensor]:
    """Tensors that lie in one piece of memory one after the other, and that memory."""
    memory = torch.randn(sum(SIZES.values()), generator=torch.Generator().manual_seed(seed))
    pieces = torch.split(memory, list(SIZES.values()))
    return dict(zip(SIZES, pieces, strict=True)), memory


@pytest.mark.parametrize("moves", ["weights", "change", None])
def test_an_answer_moves_the_model_as_far_whether_it_is_measured_while_it_arrives_or_afterwards(
    moves: str | None,
) -> None:
    (weights, memory), (change, more) = arriving(1), arriving(2)
    answer, kept = Bag({"weights": weights, "change": change}), Bag({"own": arriving(3)[0]})
    message = Bag({"weights": arriving(4)[0]})
    gauge = Gauge(answer, kept, message, moves)
    for part in (memory, more):
        for count in (0, 10, 200_000, len(part)):
            gauge.arrived(part.data_ptr() + 4 * count)

    assert gauge.lengths.moved == pytest.approx(lengths(answer, kept, message, moves).moved, rel=1e-6)


def test_a_value_counts_once_it_is_there() -> None:
    weights, memory = arriving(1)
    arrived = memory.clone()
    memory.fill_(math.nan)
    gauge = Gauge(Bag({"weights": weights}), None, Bag({"weights": arriving(2)[0]}), "weights")

    for start in range(0, len(memory), 50_000):
        memory[start : start + 50_000] = arrived[start : start + 50_000]
        gauge.arrived(memory[: start + 50_000].data_ptr() + memory[: start + 50_000].nbytes)

    assert math.isfinite(gauge.lengths.moved)
    assert gauge.lengths.moved == pytest.approx(movement(weights, arriving(2)[0]), rel=1e-6)


@pytest.mark.parametrize("name", ["w", "b", "steps"])
@pytest.mark.parametrize("where", ["weights", "change", "own"])
def test_a_value_that_is_not_finite_is_found_wherever_it_arrives(where: str, name: str) -> None:
    sets: Mapping[str, dict[str, Tensor]] = {each: arriving(1)[0] for each in ("weights", "change", "own")}
    sets[where][name][0] = math.inf
    answer, kept = Bag({each: sets[each] for each in ("weights", "change")}), Bag({"own": sets["own"]})

    gauge = Gauge(answer, kept, Bag({"weights": arriving(2)[0]}), "weights")

    assert gauge.lengths.moved == lengths(answer, kept, Bag({"weights": arriving(2)[0]}), "weights").moved == math.inf
