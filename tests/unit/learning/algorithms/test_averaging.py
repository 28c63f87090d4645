from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor

from factories.network_models import linear
from synergos.errors import Conflict
from synergos.learning.algorithms.averaging import Weighted, average, chunk
from synergos.learning.families.layers.network import build_network


def updates(*pairs: tuple[int, Tensor]) -> list[Weighted]:
    return [Weighted(f"p{index}", rows, {"w": tensor}) for index, (rows, tensor) in enumerate(pairs)]


def test_an_average_may_take_the_memory_of_an_earlier_one() -> None:
    model = build_network([linear(3, 400), linear(400, 400)], seed=1).state_dict()
    given = [Weighted("a", 3, model), Weighted("b", 5, {name: tensor * 2 for name, tensor in model.items()})]
    earlier = {name: torch.full_like(tensor, torch.nan) for name, tensor in model.items()}

    mean = average(given, earlier)

    assert all(tensor.data_ptr() == earlier[name].data_ptr() for name, tensor in mean.items())
    assert all(torch.equal(tensor, mean[name]) for name, tensor in average(given).items())


def test_weights_are_averaged_by_rows() -> None:
    mean = average(updates((1, torch.tensor([[0.0, 4.0]])), (3, torch.tensor([[8.0, 4.0]]))))

    assert torch.equal(mean["w"], torch.tensor([[6.0, 4.0]]))


def test_integers_are_averaged_and_rounded() -> None:
    mean = average(updates((1, torch.tensor([10, 20])), (3, torch.tensor([21, 21]))))

    assert torch.equal(mean["w"], torch.tensor([18, 21]))  # 73 / 4 = 18.25 and 83 / 4 = 20.75


def test_of_booleans_the_weighted_majority_decides() -> None:
    mean = average(
        updates(
            (1, torch.tensor([True, True, False])),
            (2, torch.tensor([False, True, True])),
            (1, torch.tensor([True] * 3)),
        )
    )

    assert torch.equal(mean["w"], torch.tensor([False, True, True]))  # 2:2 is a tie, 4:0, 3:1


def test_small_changes_of_large_sums_survive() -> None:
    """In float32 the second million would be lost against the first."""
    mean = average(updates((2**24, torch.tensor([1.0])), (1, torch.tensor([1.0 + 2**24]))))

    assert mean["w"].item() == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.int64])
def test_the_average_of_equal_models_is_the_model(kind: torch.dtype) -> None:
    model = torch.randn(50, generator=torch.Generator().manual_seed(1)).mul(20).to(kind)

    mean = average(updates((123, model), (77, model), (1, model)))

    assert mean["w"].dtype is kind
    assert torch.equal(mean["w"], model)


def test_tensors_larger_than_a_chunk_are_averaged_whole() -> None:
    size = chunk() + 3
    first, second = torch.zeros(size), torch.arange(size, dtype=torch.float32)

    mean = average(updates((1, first), (1, second)))

    assert torch.equal(mean["w"], second / 2)


@pytest.mark.parametrize("size", [1, 7, 100_003])
def test_an_average_is_a_sum_that_begins_at_zero_and_is_divided_in_float64(size: int) -> None:
    numbers = torch.Generator().manual_seed(2)
    first, second, third = (torch.randn(size, generator=numbers).index_fill(0, torch.tensor(0), -0.0) for _ in range(3))
    total = torch.zeros(size, dtype=torch.float64)
    for rows, tensor in ((771, first), (1, second), (5_003, third)):
        total = total + rows * tensor.double()

    mean = average(updates((771, first), (1, second), (5_003, third)))["w"]

    # Bit by bit: of three negative zeros it is a positive one.
    assert torch.equal(mean.view(torch.int32), (total / 5_775).float().view(torch.int32))


def test_a_transposed_tensor_is_averaged_in_its_own_order() -> None:
    tensor = torch.arange(6.0).reshape(2, 3)

    assert torch.equal(average(updates((1, tensor.T), (1, tensor.T)))["w"], tensor.T)


def test_who_trained_on_no_row_does_not_count() -> None:
    mean = average(updates((0, torch.tensor([float("nan")])), (2, torch.tensor([5.0]))))

    assert torch.equal(mean["w"], torch.tensor([5.0]))


@pytest.mark.parametrize("nothing", [[], updates((0, torch.zeros(1)))])
def test_nothing_to_average_is_a_conflict(nothing: list[Weighted]) -> None:
    with pytest.raises(Conflict, match="nothing to aggregate"):
        average(nothing)


@pytest.mark.parametrize(
    "other", [{"v": torch.zeros(1)}, {"w": torch.zeros(2)}, {"w": torch.zeros(1, dtype=torch.int64)}]
)
def test_updates_of_another_network_are_a_conflict(other: dict[str, Tensor]) -> None:
    with pytest.raises(Conflict, match="the update of stranger is not of the same network"):
        average([*updates((1, torch.zeros(1))), Weighted("stranger", 1, other)])


def test_memory_that_does_not_fit_is_left_alone() -> None:
    other = {"w": torch.zeros(3), "v": torch.zeros(2)}

    mean = average(updates((1, torch.tensor([1.0, 2.0]))), other)

    assert torch.equal(mean["w"], torch.tensor([1.0, 2.0]))
    assert torch.equal(other["w"], torch.zeros(3))


def test_what_is_made_of_the_mean_is_made_of_its_float64_pieces() -> None:
    size = chunk() + 3
    start = torch.full((size,), 1.0)
    seen: list[tuple[str, int, int, torch.dtype]] = []

    def halfway(name: str, here: slice, mean: Tensor) -> Tensor:
        seen.append((name, here.start, here.stop, mean.dtype))
        return start[here] + (mean - start[here]) / 2

    moved = average(updates((1, torch.full((size,), 2.0)), (1, torch.full((size,), 4.0))), then=halfway)

    assert torch.equal(moved["w"], torch.full((size,), 2.0))
    assert seen == [("w", 0, chunk(), torch.float64), ("w", chunk(), size, torch.float64)]


def test_small_tensors_together_have_the_bits_of_each_alone() -> None:
    numbers = torch.Generator().manual_seed(1)
    shapes = {"a": (33, 7), "b": (), "c": (5,), "d": (0, 3), "e": (64, 28)}
    answers = [
        Weighted(str(index), 1 + 977 * index, {n: torch.randn(shape, generator=numbers) for n, shape in shapes.items()})
        for index in range(24)
    ]

    together = average(answers)

    for name in shapes:
        alone = average([Weighted(each.participant_id, each.rows, {name: each.weights[name]}) for each in answers])
        assert torch.equal(together[name], alone[name])
        assert together[name].shape == shapes[name]


def test_half_of_a_large_tensor_is_averaged_in_another_thread_with_the_same_bits() -> None:
    numbers = torch.Generator().manual_seed(3)
    first, second = (torch.randn(600_001, generator=numbers) for _ in range(2))
    given = updates((771, first), (5_003, second))
    earlier = {"w": torch.full_like(first, torch.nan)}

    with ThreadPoolExecutor(1) as other:
        mean = average(given, earlier, other=other)["w"]
        was_needed = bool(other._threads)

    assert was_needed
    assert mean.data_ptr() == earlier["w"].data_ptr()
    assert torch.equal(mean.view(torch.int32), average(given)["w"].view(torch.int32))


def test_what_fails_in_the_other_thread_fails() -> None:
    class Failing(ThreadPoolExecutor):
        def submit(self, *_: object, **__: object) -> Future[Any]:
            return super().submit(int, "no number")

    tensor = torch.zeros(600_001)
    with Failing(1) as other, pytest.raises(ValueError, match="no number"):
        average(updates((1, tensor), (1, tensor)), other=other)
