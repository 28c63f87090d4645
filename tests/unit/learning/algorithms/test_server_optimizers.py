"""FedAvgM, FedAdam, FedYogi, FedAdagrad: hand-done numbers, and what goes through no optimizer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from fakes.federation import NoServer
from synergos.learning.algorithms import Algorithm, Answers, Bag, Model, Reply, Step
from synergos.learning.algorithms.fedadagrad import FedAdagrad
from synergos.learning.algorithms.fedadam import FedAdam
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.algorithms.fedavgm import FedAvgM
from synergos.learning.algorithms.fedyogi import FedYogi

ALL: Sequence[Algorithm] = (FedAvgM(), FedAdam(), FedYogi(), FedAdagrad())


def states(algorithm: Algorithm, changes: Sequence[float], first: float = 1.0) -> list[Bag]:
    """The states after rounds in which the mean of the participants' models is ``change`` away from the global one."""
    found = [algorithm.init(Model({"w": torch.tensor([first], dtype=torch.float64)}, ["w"]))]
    for number, change in enumerate(changes):
        before = found[-1]["weights"]["w"]
        # Rows 1 and 3: 1/4 * 2 + 3/4 * 2/3 = 1.
        replies = [
            Reply("a", 1, Bag({"weights": {"w": before + 2 * change}})),
            Reply("b", 3, Bag({"weights": {"w": before + 2 / 3 * change}})),
        ]
        found.append(algorithm.fold(found[-1], Step(number), Answers(replies, 4, is_single=False), NoServer()))
    return found


def path(algorithm: Algorithm, changes: Sequence[float], name: str = "weights") -> list[float]:
    return [float(state[name]["w"].item()) for state in states(algorithm, changes)]


def test_momentum_at_the_server() -> None:
    """m = 0.5, then 0.8 * 0.5 + 0.25 = 0.65; x = 1 + 2 * 0.5 = 2, then 2 + 2 * 0.65 = 3.3."""
    algorithm = FedAvgM(server_lr=2.0, server_momentum=0.8)

    assert path(algorithm, [0.5, 0.25]) == pytest.approx([1.0, 2.0, 3.3], rel=1e-12)
    assert path(algorithm, [0.5, 0.25], "momentum") == pytest.approx([0.0, 0.5, 0.65], rel=1e-12)


def test_adam_at_the_server() -> None:
    """m = 0.5 * 0.4 = 0.2, v = 0.75 * 0.01 + 0.25 * 0.04 = 0.0175; x = 1 + 0.2 / (0.0175^0.5 + 0.1).

    Then m = 0.1 + 0.5 * 0.4 = 0.3, v = 0.75 * 0.0175 + 0.25 * 0.09 = 0.035625.
    """
    algorithm = FedAdam(server_lr=1.0, beta1=0.5, beta2=0.75, tau=0.1)
    first = 1 + 0.2 / (0.0175**0.5 + 0.1)

    assert path(algorithm, [0.4, 0.4], "variance") == pytest.approx([0.01, 0.0175, 0.035625], rel=1e-12)
    assert path(algorithm, [0.4, 0.4]) == pytest.approx([1.0, first, first + 0.3 / (0.035625**0.5 + 0.1)], rel=1e-12)


def test_yogi_at_the_server() -> None:
    """v = 0.01 - 0.25 * 0.04 * sign(0.01 - 0.04) = 0.02; with m = 0.1 next: v = 0.02 - 0.25 * 0.01 * sign(0.02 - 0.01) = 0.0175."""
    algorithm = FedYogi(server_lr=1.0, beta1=0.0, beta2=0.75, tau=0.1)
    first = 1 + 0.2 / (0.02**0.5 + 0.1)

    assert path(algorithm, [0.2, 0.1], "variance") == pytest.approx([0.01, 0.02, 0.0175], rel=1e-12)
    assert path(algorithm, [0.2, 0.1]) == pytest.approx([1.0, first, first + 0.1 / (0.0175**0.5 + 0.1)], rel=1e-12)


def test_adagrad_at_the_server() -> None:
    """v = 0.01 + 0.09 = 0.1, then 0.1 + 0.16 = 0.26."""
    algorithm = FedAdagrad(server_lr=0.5, tau=0.1)
    first = 1 + 0.5 * 0.3 / (0.1**0.5 + 0.1)

    assert path(algorithm, [0.3, -0.4], "variance") == pytest.approx([0.01, 0.1, 0.26], rel=1e-12)
    assert path(algorithm, [0.3, -0.4]) == pytest.approx([1.0, first, first - 0.5 * 0.4 / (0.26**0.5 + 0.1)], rel=1e-12)


def test_a_server_without_memory_that_makes_a_whole_step_is_fedavg() -> None:
    changes = [0.3, -0.2, 0.7]

    assert path(FedAvgM(server_lr=1.0, server_momentum=0.0), changes) == pytest.approx(
        path(FedAvg(), changes), rel=1e-15
    )


@pytest.mark.parametrize("algorithm", ALL, ids=lambda algorithm: algorithm.name)
def test_buffers_are_averaged_and_have_no_moments(algorithm: Algorithm) -> None:
    weights = {"w": torch.zeros(2, 2), "mean": torch.zeros(2), "count": torch.tensor(0)}
    state = algorithm.init(Model(weights, ["w"]))
    trained = [
        {"w": torch.ones(2, 2), "mean": torch.full((2,), 4.0), "count": torch.tensor(10)},
        {"w": torch.ones(2, 2), "mean": torch.full((2,), 8.0), "count": torch.tensor(21)},
    ]
    replies = [Reply(name, rows, Bag({"weights": own})) for name, rows, own in zip("ab", (1, 3), trained, strict=True)]

    after = algorithm.fold(state, Step(0), Answers(replies, 4, is_single=False), NoServer())

    assert after["weights"]["mean"].tolist() == [7.0, 7.0]
    assert after["weights"]["count"].item() == 18
    assert not torch.equal(after["weights"]["w"], torch.zeros(2, 2))
    assert all(set(own) == {"w"} for name, own in after.sets.items() if name != "weights")


@pytest.mark.parametrize("algorithm", ALL, ids=lambda algorithm: algorithm.name)
def test_a_state_stays_what_it_is_and_an_older_one_lends_its_memory(algorithm: Algorithm) -> None:
    """What is being written to the disk must not change while the next round is folded."""
    first, second, *_ = states(algorithm, [0.5, 0.25])
    values = {name: own["w"].clone() for name, own in second.sets.items()}
    replies = [Reply("a", 1, Bag({"weights": {"w": second["weights"]["w"] + 0.25}}))]
    lent = {name: {"w": torch.full((1,), torch.nan, dtype=own["w"].dtype)} for name, own in first.sets.items()}

    reusing = algorithm.fold(second, Step(1), Answers(replies, 1, lent, is_single=False), NoServer())
    afresh = algorithm.fold(second, Step(1), Answers(replies, 1, is_single=False), NoServer())

    assert all(torch.equal(second[name]["w"], values[name]) for name in values)
    for name, own in reusing.sets.items():
        assert own["w"].data_ptr() == lent[name]["w"].data_ptr()
        assert torch.equal(own["w"], afresh[name]["w"])


def test_moments_of_half_precision_are_kept_in_single() -> None:
    state = FedAdam(tau=1e-5).init(Model({"w": torch.zeros(1, dtype=torch.float16)}, ["w"]))

    assert state["variance"]["w"].dtype is torch.float32
    assert state["variance"]["w"].item() == pytest.approx(1e-10)
