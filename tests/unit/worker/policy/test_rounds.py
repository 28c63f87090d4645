"""How far weights may lie from a participant's own is told by those that learn, and by nothing that a layer counts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from factories.feature_spaces import features, labels
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.errors import NotAllowed
from synergos.learning import families
from synergos.learning.algorithms import Weights
from synergos.learning.families import LocalResult
from synergos_worker.policy.judging import learnt
from synergos_worker.policy.limits import USUAL
from synergos_worker.policy.rounds import RoundJudge

DONE = [LocalResult(rows=9, loss=0.5, epochs=1, seconds=0.0, steps=1, rates=0.1, reach=0.1)]


def weights(learns: float, mean: float = 0.0, batches: int = 0) -> Weights:
    return {
        "norm.weight": torch.tensor([learns, 0.0]),
        "norm.running_mean": torch.tensor([mean, 0.0]),
        "norm.num_batches_tracked": torch.tensor(batches),
    }


def trained(names: Sequence[str] | None) -> RoundJudge:
    """After a first round in which weights moved by 0.01, while a layer has seen 1,000 batches of large numbers."""
    judge = RoundJudge(USUAL, Action.CLASSIFY, learnt=names)
    judge.before(0, weights(1.0), weights(1.0))
    judge.after(DONE, weights(1.01, mean=500.0, batches=1000), weights(1.0))
    return judge


def test_batches_that_were_seen_widen_nothing() -> None:
    far, own = weights(9.0, mean=500.0, batches=1000), weights(1.01, mean=500.0, batches=1000)
    trained(None).before(1, far, own)

    with pytest.raises(NotAllowed, match=r"policy\.largest_movement: .* the weights lie 799 times as far"):
        trained(["norm.weight"]).before(1, far, own)


def test_others_may_have_seen_many_more_batches() -> None:
    trained(["norm.weight"]).before(1, weights(1.02, mean=1e9, batches=10**9), weights(1.01, mean=500.0, batches=1000))


def test_how_far_a_training_went_is_measured_once_and_before_its_weights_are_written_over() -> None:
    judge, start, end = RoundJudge(USUAL, Action.CLASSIFY), weights(1.0), weights(1.01)
    judge.before(0, start, weights(1.0))
    judge.after(DONE, end, start)
    judge.settle()
    start["norm.weight"].fill_(-1e9)
    judge.settle()

    judge.before(1, weights(2.0), end)
    with pytest.raises(NotAllowed, match=r"policy\.largest_movement: .* the weights lie 799 times as far"):
        judge.before(1, weights(9.0), end)


def test_the_first_weights_are_the_seeds_to_the_last_counter() -> None:
    judge = RoundJudge(USUAL, Action.CLASSIFY, learnt=["norm.weight"])
    with pytest.raises(NotAllowed, match=r"policy\.fresh_weights"):
        judge.before(0, weights(1.0, batches=7), weights(1.0))


def test_of_a_session_that_is_taken_up_counters_are_no_distance() -> None:
    judge = RoundJudge(USUAL, Action.CLASSIFY, learnt=["norm.weight"])
    judge.before(4, weights(1.5, mean=1e9, batches=10**9), weights(1.0))
    with pytest.raises(NotAllowed, match=r"policy\.largest_distance"):
        judge.before(4, weights(1e9), weights(1.0))


def test_a_network_says_which_of_its_weights_learn() -> None:
    space = FeatureSpace("tabular", Action.CLASSIFY, features("a", "b", "c"), labels("x", "y", "z"), (3,))
    dense = {
        "is_input": False,
        "l_type": "Linear",
        "structure": {"in_features": 3, "out_features": 3},
        "activation": None,
    }
    norm = {"is_input": False, "l_type": "BatchNorm1d", "structure": {"num_features": 3}, "activation": None}
    plain, normed = (families.recipe(None, layers, {}, space) for layers in ([dense], [dense, norm]))

    assert learnt(plain) is None
    found = learnt(normed)
    assert found is not None
    assert {name.rsplit(".")[-1] for name in found} == {"weight", "bias"}


def test_weights_are_measured_while_they_arrive_as_they_are_when_they_are_there() -> None:
    judge, own = trained(["norm.weight"]), weights(1.01, mean=500.0, batches=1000)
    far = weights(9.0, mean=1e9, batches=10**9)

    gauge = judge.gauge(far, own)

    assert gauge is not None
    assert gauge.lengths.moved == pytest.approx(7.99)
    with pytest.raises(NotAllowed, match=r"policy\.largest_movement: .* the weights lie 799 times as far"):
        judge.before(1, far, own, distance=gauge.lengths.moved)


def test_weights_that_all_learn_are_measured_while_they_arrive_and_those_beside_counters_are_not() -> None:
    judge, own = RoundJudge(USUAL, Action.CLASSIFY), {"weight": torch.tensor([1.0, 0.0])}
    judge.before(0, own, own)
    judge.after(DONE, {"weight": torch.tensor([1.01, 0.0])}, own)

    gauge = judge.gauge({"weight": torch.tensor([9.0, 0.0])}, own)

    assert gauge is not None
    assert gauge.lengths.moved == pytest.approx(8.0)
    # Of a family that does not say which learn, a counter counts: nothing that arrives is measured without it.
    assert trained(None).gauge(weights(9.0), weights(1.01)) is None


def test_nothing_is_measured_early_before_the_first_training() -> None:
    judge = RoundJudge(USUAL, Action.CLASSIFY, learnt=["norm.weight"])

    assert judge.gauge(weights(1.0), weights(1.0)) is None
