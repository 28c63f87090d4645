"""SCAFFOLD: hand-done numbers, the paper's algorithm written out, unlike participants, and one that is lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
import torch
from torch import Tensor

from fakes.federation import Federation, LeastSquares, NoServer, least_squares, optimum, start
from synergos.learning.algorithms import Algorithm, Answers, Bag, Model, Reply, Step
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.algorithms.scaffold import Scaffold


def control_of(bag: Bag) -> Tensor:
    return bag["control"]["w"]


def one_row(target: float, steps: int = 1, rows: int = 1) -> LeastSquares:
    """(w - target)^2 / 2: the gradient is w - target."""
    return LeastSquares(torch.ones(rows, 1).double(), torch.full((rows,), target).double(), steps, rate=0.5)


def test_two_rounds_by_hand() -> None:
    """Targets 0 and 4, one row each, one step of 0.5.

    Round 0, x = 1, no control: gradients 1 and -3, so y = 0.5 and 2.5; c_i = (x - y) / 0.5 = 1 and -3; x = 1.5, c = -1.
    Round 1, x = 1.5: gradients 1.5 and -2.5, corrected by c - c_i: -2 and 2, so -0.5 both; y = 1.75; c_i' = c_i - c + (x - y) / 0.5 =
    1 + 1 - 0.5 = 1.5 and -3 + 1 - 0.5 = -2.5; x = 1.75; c = -1 + (0.5 + 0.5) / 2 = -0.5.
    """
    federation = Federation(Scaffold(), start(1), {"a": one_row(0.0), "b": one_row(4.0)})

    assert federation.play(1)["w"].tolist() == [1.5]
    assert [control_of(federation.kept[name]).tolist() for name in "ab"] == [[1.0], [-3.0]]
    assert control_of(federation.state).tolist() == [-1.0]

    assert federation.play(1)["w"].tolist() == [1.75]
    assert [control_of(federation.kept[name]).tolist() for name in "ab"] == [[1.5], [-2.5]]
    assert control_of(federation.state).tolist() == [-0.5]


def written_out(
    locals_: Mapping[str, LeastSquares], rounds: list[Collection[str]], server_lr: float
) -> tuple[Tensor, Tensor]:
    """Algorithm 1 with option II, weighted by rows; who takes part is said round by round."""
    x = torch.ones(4, dtype=torch.float64)
    c = torch.zeros_like(x)
    own = {name: torch.zeros_like(x) for name in locals_}
    everybody = sum(each.rows for each in locals_.values())
    for present in rounds:
        rows = sum(locals_[name].rows for name in present)
        moved, learnt = torch.zeros_like(x), torch.zeros_like(x)
        for name in present:
            each, y = locals_[name], x.clone()
            for _ in range(each.steps):
                y = y - each.rate * (each.gradient(y) - own[name] + c)
            new = own[name] - c + (x - y) / (each.steps * each.rate)
            moved += each.rows / rows * (y - x)
            learnt += each.rows / rows * (new - own[name])
            own[name] = new
        x, c = x + server_lr * moved, c + rows / everybody * learnt
    return x, c


@pytest.mark.parametrize("server_lr", [1.0, 0.7])
def test_it_is_the_papers_algorithm_also_when_participants_are_lost(server_lr: float) -> None:
    locals_ = least_squares(3, steps=4)
    present: list[Collection[str]] = [
        list(locals_),
        ["worker_0", "worker_2"],
        list(locals_),
        ["worker_1"],
        list(locals_),
    ]
    federation = Federation(Scaffold(server_lr=server_lr), start(), locals_)

    for those in present:
        federation.play(1, absent=[name for name in locals_ if name not in those])

    x, c = written_out(locals_, present, server_lr)
    torch.testing.assert_close(federation.weights["w"], x, rtol=1e-12, atol=0)
    torch.testing.assert_close(control_of(federation.state), c, rtol=1e-10, atol=1e-12)


def test_the_servers_control_is_the_mean_of_the_participants_whoever_was_lost() -> None:
    locals_ = least_squares(3, steps=3)
    federation = Federation(Scaffold(), start(), locals_)
    federation.play(2)
    federation.play(2, absent=["worker_1"])
    federation.play(1, absent=["worker_0", "worker_2"])

    rows = sum(each.rows for each in locals_.values())
    mean = sum(locals_[name].rows / rows * control_of(kept) for name, kept in federation.kept.items())

    torch.testing.assert_close(control_of(federation.state), mean, rtol=1e-10, atol=1e-12)


def distance(algorithm: Algorithm, steps: int, rounds: int) -> float:
    """How far from the pooled optimum it ends, relatively."""
    locals_ = least_squares(5, steps=steps)
    best = optimum(locals_)
    found = Federation(algorithm, start(), locals_).play(rounds)["w"]
    return float((found - best).norm() / best.norm())


def test_unlike_participants_reach_the_pooled_optimum_where_fedavg_stalls() -> None:
    assert distance(FedAvg(), steps=1, rounds=200) < 1e-10
    assert distance(FedAvg(), steps=5, rounds=200) > 1e-2
    assert distance(Scaffold(), steps=5, rounds=200) < 1e-10


def test_without_a_step_nothing_is_learnt() -> None:
    idle = LeastSquares(torch.ones(1, 1).double(), torch.zeros(1).double(), steps=0)
    answer = Scaffold().client(
        Step(0), Bag({"weights": {"w": torch.ones(1).double()}, "control": {"w": torch.ones(1).double()}}), None, idle
    )

    assert answer.bag["control_change"]["w"].tolist() == [0.0]


def test_buffers_are_averaged_and_have_no_control() -> None:
    model = Model({"w": torch.zeros(1), "mean": torch.zeros(1), "count": torch.tensor(0)}, ["w"])
    algorithm = Scaffold(server_lr=0.5)
    state = algorithm.init(model)
    weights = {"w": torch.ones(1), "mean": torch.full((1,), 3.0), "count": torch.tensor(7)}
    replies = [Reply("a", 2, Bag({"weights": weights, "control_change": {"w": torch.ones(1)}}))]

    after = algorithm.fold(state, Step(0), Answers(replies, 2), NoServer())

    assert set(state["control"]) == {"w"}
    assert (after["weights"]["w"].item(), after["weights"]["mean"].item(), after["weights"]["count"].item()) == (
        0.5,
        3.0,
        7,
    )
