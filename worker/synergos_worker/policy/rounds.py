"""The rounds of one session, held against the owner's limits: before what was sent is trained on rows, and before the answer is told."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial

from synergos.domain.feature_space import Action
from synergos.learning.algorithms import WEIGHTS, Bag, Weights
from synergos.learning.families import LocalResult
from synergos.learning.update_gate import Gauge, movement, moving
from synergos_worker.policy.limits import OwnerLimits, beyond

_SAME = 1e-3
"""How far apart weights of one seed may lie, in their norm: other versions of torch round the last bits otherwise."""
_LEAST = 1e-4
"""What an update counts at least, in norms of the model: who has nothing left to learn still follows the others."""


class RoundJudge:
    """Judges what one session is sent, round by round; used by the thread that computes, and while nothing is computed by the one that
    receives (:meth:`gauge`). :meth:`settle` may be called by any thread at any time.

    It keeps no tensor once it is settled: until a session has trained, its model is as the run's seed makes it; afterwards it is what was
    answered last.

    Args:
        action: what its project does.
        gain: how many times larger a step can be than its learning rate says.
        learnt: the names of the weights that say how far a model moves: those that learn, as nothing else that a layer keeps, such as
            how many batches it has seen, brings anything of the rows into what is learnt; all of them by default.
    """

    def __init__(
        self, limits: OwnerLimits, action: Action, gain: float = 1.0, learnt: Collection[str] | None = None
    ) -> None:
        self._limits = limits
        self._movement = "largest_movement" if action is Action.CLASSIFY else "largest_regression_movement"
        self._largest: float = getattr(limits, self._movement)
        self._gain = gain
        self._learnt = learnt
        self._moved: float | None = None
        # The length of the mean gradient, as far as this session has moved along any of its own.
        self._pulled = 0.0
        # What is still to be measured of the last training, by whichever thread comes first. The lock is held while it is measured, so
        # that whoever goes on to read what came of it, or to write over the weights, waits for that.
        self._unsettled: Callable[[], None] | None = None
        self._settling = threading.Lock()

    @property
    def has_trained(self) -> bool:
        """Whether the session's model is no longer as the run's seed makes it."""
        self.settle()
        return self._moved is not None

    def settle(self) -> None:
        """Measure how far the last training has moved the model, if that was not done: before the weights that it began with, or ended with,
        are written over. It takes a while, in which the answer can be on its way. Any thread may call it.
        """
        with self._settling:
            if self._unsettled is not None:
                self._unsettled()
                self._unsettled = None

    def gauge(self, weights: Weights, own: Weights) -> Gauge | None:
        """What measures weights while they arrive, for :meth:`before`; None where that measures something else."""
        if not self.has_trained or (self._learnt is None and len(moving(own, None)) < len(own)):
            return None
        return Gauge(Bag({WEIGHTS: weights}), None, Bag({WEIGHTS: own}), WEIGHTS, self._learnt)

    def before(
        self,
        round_index: int,
        weights: Weights,
        own: Weights,
        corrections: float = 0.0,
        distance: float | None = None,
    ) -> None:
        """Refuse to train what no honest orchestrator would send now.

        Args:
            weights: that were sent.
            own: the session's model, as it is before this round.
            corrections: how large what was sent is that changes gradients.
            distance: of the two, where it was measured while they arrived; see :meth:`gauge`.

        Raises:
            NotAllowed: names the limit.
        """
        self.settle()
        if self._moved is None and round_index == 0 and self._limits.fresh_weights and corrections != 0:
            raise beyond(
                self._limits,
                "fresh_weights",
                "round 0 of this run starts with corrections of gradients, of which there are none yet",
            )
        if self._moved is None and round_index == 0:
            # All that there is, and no less: nothing has been counted yet.
            if self._limits.fresh_weights and not movement(weights, own) <= _SAME * max(movement(own, None), 1.0):
                asked = "round 0 of this run starts from other weights than its seed makes"
                raise beyond(self._limits, "fresh_weights", asked)
            return
        if distance is None:
            distance = movement(weights, own, self._learnt)
        if self._moved is not None and distance <= self._largest * self._moved:
            return
        norm = max(movement(own, None, self._learnt), 1.0)
        if self._moved is not None:
            self._judge_movement(distance, max(self._moved, _LEAST * norm))
        elif not self._limits.taken_up:
            raise beyond(self._limits, "taken_up", f"this session begins with round {round_index}")
        elif not distance <= self._limits.largest_distance * norm:
            asked = f"the first weights of this session lie {distance / norm:.3g} norms from those that the run's seed makes"
            raise beyond(self._limits, "largest_distance", asked)

    def after(
        self,
        done: Sequence[LocalResult],
        answer: Weights,
        start: Weights,
        parameters: Collection[str] = (),
        corrections: float = 0.0,
    ) -> None:
        """Refuse to tell of a training that was too short, or in which others have moved the model too far; how far it went is measured
        by :meth:`settle`.

        Args:
            answer: the model now; ``start`` is what it was before.
            parameters: the names of the weights that gradients change, where corrections of those may come.
            corrections: how large what was sent is that changes gradients.

        Raises:
            NotAllowed: steps were too few or too large, or corrections too large.
        """
        # First: what is refused widens nothing of what may follow.
        # Without any, as where the first loss is no number, nothing was learnt that could be told.
        if 0 < sum(each.steps for each in done) < self._limits.least_steps:
            raise beyond(self._limits, "least_steps", "training has stopped before it had made as many")
        reach = sum(each.reach for each in done)
        judge_rates(self._limits, self._gain * reach)
        walked = self._gain * reach * corrections if corrections else 0.0
        if walked:
            self._judge_corrections(corrections, walked, max(movement(start, None, self._learnt), 1.0))
        if self._moved is None:
            # Of a session that is taken up, whose first weights may lie as far away.
            walked = 0.0
        with self._settling:
            # Of the training before nothing is left to measure: :meth:`before` has seen to that.
            self._unsettled = partial(self._note, answer, start, walked, parameters if reach else (), reach)

    def _note(self, answer: Weights, start: Weights, walked: float, parameters: Collection[str], reach: float) -> None:
        moved, known = movement(answer, start, self._learnt) - walked, self._moved or 0.0
        self._moved = max(known, moved) if math.isfinite(moved) else known
        if parameters:
            pulled = movement(answer, start, parameters) - walked
            self._pulled = max(self._pulled, pulled / reach) if math.isfinite(pulled) else self._pulled

    def _judge_corrections(self, corrections: float, walked: float, norm: float) -> None:
        """Refuse those that no honest others can have come to: they move a model as weights do that are sent.

        Args:
            walked: how far they can have moved it in this round.
        """
        if self._moved is None:
            if not walked <= self._limits.largest_distance * norm:
                asked = f"corrections of gradients move the first weights of this session by {walked / norm:.3g} norms"
                raise beyond(self._limits, "largest_distance", asked)
        elif not (corrections <= self._largest * self._pulled or walked <= self._largest * _LEAST * norm):
            asked = "corrections of gradients are larger than that, in units of the gradients themselves"
            raise beyond(self._limits, self._movement, asked)

    def _judge_movement(self, distance: float, moved: float) -> None:
        if not distance <= self._largest * moved:
            asked = f"the weights lie {distance / moved:.3g} times as far from the last update as updates have moved the model"
            raise beyond(self._limits, self._movement, asked)


def judge_rates(limits: OwnerLimits, rates: float) -> None:
    """Refuse steps that are too large together.

    Args:
        rates: the sum of the learning rates of a round's steps, as far as they count.

    Raises:
        NotAllowed: it is above the limit, or no number.
    """
    if not rates <= limits.largest_rates:
        raise beyond(limits, "largest_rates", f"a round of this run comes to {rates:.3g}")
