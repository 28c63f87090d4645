"""How far one participant's update counts: not so far that it decides the model alone. What goes farther is shortened, not refused.

The length of an update is judged by the median of the others' lengths (Yin et al. 2018, "Byzantine-Robust Distributed Learning",
ICML, for why a median; Sun et al. 2019, "Can You Really Backdoor Federated Learning?", for clipping norms), its direction by
whether it takes back what the others agree on, when their losses say that they get little from the training, and by whether its own
losses contradict it (:mod:`synergos.learning.contrary_updates`). Three participants
are needed for that: of two nobody can say which of them is wrong.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from statistics import median

from msgspec import Struct

from synergos.learning.contrary_updates import ContraryState, ContraryUpdates
from synergos.learning.update_gate import Measured

USUAL = 3.0
"""How many times as far as the others an update may move the model."""
USUAL_AT_MOST = 10.0
"""The same where there is one other, whose update may as well be the odd one, and where participants correct their steps by what they
keep, so that neither lengths nor losses of honest ones are alike."""
HOPED, MOST_HOPED = 0.05, 0.25
"""How much of what a participant's own training has reached in the first round all of them together reach in each round, and at least
in the end, for it: where labels are unlike each other that is little."""
MOST_TOLD = 3.0
"""What a participant's own losses explain at most, where labels have no scale."""
MOST_TOLD_OF_NUMBERS = 10.0
"""The same of a regression, whose labels may be larger than the others': losses are a claim that nobody can check, so that no invented
one buys more."""
TAKES_BACK = 0.5
"""Who takes back more of what all others have learnt together does not learn with them."""
TAKEN_BACK = 0.25
"""How much of it such an update takes back once it is shortened."""

Products = Callable[[], Mapping[tuple[str, str], float]]
"""Scalar products of what the updates change, by two participants, themselves included; made when they are needed."""


@dataclass(frozen=True)
class Shortened:
    """What becomes of an update.

    Attributes:
        factor: what is left of it; below 1, and 0 where nothing is.
        reason: in words, for people.
    """

    factor: float
    reason: str


class UpdateLimitsState(Struct, frozen=True, kw_only=True):
    """What is known of updates after a round; see :class:`UpdateLimits`."""

    usual: Mapping[str, float]
    beside: Mapping[str, float]
    alone: Mapping[str, tuple[float, float]]
    suspected: tuple[str, ...]
    rounds: int
    contrary: ContraryState = ContraryState()


@dataclass
class UpdateLimits:
    """Judges the updates of one run, round by round; it runs in the job's thread.

    Args:
        has_scale: whether labels are numbers, so that errors are of any size, and steps as large.
        is_corrected: whether participants correct their steps by what they keep; what their directions take back is not judged then.
        goes_where_updates_do: whether a step of the model has the direction of the updates' mean; else nobody's directions are held
            against its losses.

    Attributes:
        usual: by participant how far the others have moved the model at most in a round so far. Whoever goes on learning when the
            others are content moves it farther than they do, but no farther than they did.
        beside: the same of what their answers bring beside the model.
        alone: the loss that each began with, and by how much its own training of that round lowered it.
        rounds: how many have been judged.
        suspected: who has taken back what the others have learnt while they got little from the training, or has gone far in a regression
            that the others have only lost by; losses are asked no more then, the others' nor its own.
    """

    has_scale: bool = False
    is_corrected: bool = False
    goes_where_updates_do: bool = True
    usual: dict[str, float] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)
    alone: dict[str, tuple[float, float]] = field(default_factory=dict)
    rounds: int = 0
    suspected: set[str] = field(default_factory=set)
    contrary: ContraryUpdates = field(default_factory=ContraryUpdates)

    def judge(
        self, updates: Mapping[str, Measured], weights: Mapping[str, int], products: Products
    ) -> dict[str, Shortened]:
        """Whose update is to be shortened, of those of one exchange that passed the gate.

        Args:
            weights: how much each counts in the mean.
        """
        found = {who: self._too_long(who, updates) for who in updates} if len(updates) > 1 else {}
        lengths = {who: shortened.factor for who, shortened in found.items() if shortened}
        known = functools.cache(products)
        opposed = self._opposed(updates, weights, lengths, known)
        lengths |= {who: shortened.factor for who, shortened in opposed.items()}
        opposed |= self._contrary(updates, weights, lengths, known)
        for who, update in updates.items():
            if update.has_trained and update.first_loss is not None:
                self.alone.setdefault(who, (update.first_loss, update.fell or 0.0))
        self.rounds += 1
        return {who: shortened for who, shortened in found.items() if shortened} | opposed

    @property
    def state(self) -> UpdateLimitsState:
        """What is known by now; the next round does not change it."""
        return UpdateLimitsState(
            usual=dict(self.usual),
            beside=dict(self.beside),
            alone=dict(self.alone),
            suspected=tuple(sorted(self.suspected)),
            rounds=self.rounds,
            contrary=self.contrary.state,
        )

    def resume(self, state: UpdateLimitsState) -> None:
        """Go on after the round that ended with this."""
        self.usual, self.beside, self.alone = dict(state.usual), dict(state.beside), dict(state.alone)
        self.suspected, self.rounds = set(state.suspected), state.rounds
        self.contrary.resume(state.contrary)

    def _too_long(self, who: str, updates: Mapping[str, Measured]) -> Shortened | None:
        """What becomes of an update that goes too far, with the model or with what its answer brings beside."""
        moved = self._beyond(who, updates, {each: update.movement for each, update in updates.items()}, self.usual)
        if not updates[who].beside:
            return moved
        beside = self._beyond(who, updates, {each: update.beside for each, update in updates.items()}, self.beside)
        return min((each for each in (moved, beside) if each), key=lambda each: each.factor, default=None)

    def _beyond(
        self, who: str, updates: Mapping[str, Measured], lengths: Mapping[str, float], most: dict[str, float]
    ) -> Shortened | None:
        own, others = updates[who], [other for other in updates if other != who]
        now = median(lengths[each] * max(1.0, own.steps / updates[each].steps) for each in others)
        usual = most[who] = max(most.get(who, 0.0), now)
        # Of two, each one's losses are its own word.
        is_alone = len(others) < 2
        is_believed = is_alone or not self.has_scale or not (who in self.suspected or self._have_lost(others, updates))
        if not is_believed:
            # The others are driven about, and how far that was is no measure of how far they may be.
            usual = now
        multiple = USUAL if len(others) > 1 and not self.is_corrected else USUAL_AT_MOST
        # Nearly always: nothing has to be explained.
        if lengths[who] <= multiple * usual:
            return None
        if is_believed:
            usual = max(usual, median(lengths[each] * self._explained(own, updates[each]) for each in others))
        if not lengths[who] > multiple * usual > 0:
            return None
        if not is_believed:
            self.suspected.add(who)
        times = lengths[who] / usual
        reason = f"its update would move the model {times:.3g} times as far as the others', and is shortened to {multiple:g} times"
        return Shortened(multiple * usual / lengths[who], reason)

    def _explained(self, own: Measured, other: Measured) -> float:
        """How many times as far as another's an honest update may go: it has made more steps, or there was more to learn.

        A step along a gradient lowers the loss by its length, times the gradient's: the length of the way grows with the root of
        what the loss fell by, and of the number of steps.
        """
        steps = own.steps / other.steps
        told = math.sqrt(own.fell / other.fell * steps) if own.fell and other.fell else 1.0
        if not self.has_scale:
            return max(1.0, steps, min(told, MOST_TOLD))
        return max(1.0, steps, min(max(told, _scale(own, other)), MOST_TOLD_OF_NUMBERS))

    def _opposed(
        self,
        updates: Mapping[str, Measured],
        weights: Mapping[str, int],
        lengths: Mapping[str, float],
        products: Products,
    ) -> dict[str, Shortened]:
        if len(updates) < 3 or self.is_corrected:
            return {}
        judged = [who for who in updates if who in self.suspected or self._does_harm(who, updates)]
        if not judged:
            return {}
        between = products()
        found = {}
        for who in judged:
            others = {other: weights[other] * lengths.get(other, 1.0) for other in updates if other != who}
            if not _agree(others, between) or not _is_against(who, others, between):
                continue
            forth = sum(one * two * between[a, b] for a, one in others.items() for b, two in others.items())
            back = -weights[who] * sum(weight * between[who, other] for other, weight in others.items())
            if 0 < TAKES_BACK * forth < back * lengths.get(who, 1.0):
                self.suspected.add(who)
                reason = "its update takes back what the others learn, and is shortened to a quarter of that"
                found[who] = Shortened(TAKEN_BACK * forth / back, reason)
        return found

    def _contrary(
        self,
        updates: Mapping[str, Measured],
        weights: Mapping[str, int],
        lengths: Mapping[str, float],
        products: Products,
    ) -> dict[str, Shortened]:
        if len(updates) < 3 or not self.goes_where_updates_do:
            return {}
        counted = {who: weights[who] * lengths.get(who, 1.0) for who in updates}
        between = products() if self.contrary.is_due(self.rounds) else None
        reason = "its updates go against what the others learn, round after round, while its own losses say the opposite, and do not count"
        return {who: Shortened(0.0, reason) for who in self.contrary.judge(updates, counted, between)}

    def _does_harm(self, who: str, updates: Mapping[str, Measured]) -> bool:
        """Whether most of the others have got less from the training than they might hope for.

        Whose labels are larger takes much from them and may be right, but not all that they began with.
        """
        others = [other for other in updates if other != who]
        if self.has_scale and self._is_of_another_scale(who, updates):
            return self._have_lost(others, updates)
        return 2 * sum(self._has_little(other, updates[other]) for other in others) > len(others)

    def _have_lost(self, those: Collection[str], updates: Mapping[str, Measured]) -> bool:
        """Whether the losses of most of them are larger than before all training."""
        began = {who: self.alone[who][0] for who in those if who in self.alone}
        firsts = {who: updates[who].first_loss for who in began}
        return 2 * sum(first is not None and first > began[who] for who, first in firsts.items()) > len(those)

    def _has_little(self, who: str, update: Measured) -> bool:
        """Whether its loss has hardly fallen, compared with what its own training made of it in its first round."""
        if update.first_loss is None or who not in self.alone:
            return False
        began, fell = self.alone[who]
        return update.first_loss > began - min(MOST_HOPED, HOPED * self.rounds) * fell

    def _is_of_another_scale(self, who: str, updates: Mapping[str, Measured]) -> bool:
        """Whether its labels are so much larger than the others' that it must go elsewhere, and they with it."""
        return median(self._explained(updates[who], updates[other]) for other in updates if other != who) > USUAL


def _scale(own: Measured, other: Measured) -> float:
    """How many times as large as another's its errors are."""
    return own.scale / other.scale if own.scale and other.scale else 1.0


def _agree(others: Collection[str], between: Mapping[tuple[str, str], float]) -> bool:
    """Whether most of them go where the rest of them goes."""
    along = [one for one in others if sum(between[one, other] for other in others if other != one) > 0]
    return 2 * len(along) > len(others)


def _is_against(who: str, others: Collection[str], between: Mapping[tuple[str, str], float]) -> bool:
    return 2 * sum(between[who, other] < 0 for other in others) > len(others)
