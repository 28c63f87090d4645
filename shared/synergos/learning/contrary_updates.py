"""Whose updates go against what all learn together, round after round, although by its own losses that is what it wants.

An honest participant whose rows say something else than the others' goes against them as well: its update is a way down its own loss,
so that a step of the model the other way raises that loss, and a step along it lowers it. Who turns its updates round, and says what
losses it has, says the opposite. Both are of the first order, and hold for clear directions alone; what was measured is in
docs/learning.md. Three participants are needed for it: of two nobody can say which one is turned round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from synergos.learning.update_gate import Measured

Array = NDArray[np.float64]
Between = Mapping[tuple[str, str], float]
"""Scalar products of what updates change, by two participants, themselves included."""

ROUNDS = 3
"""So many one after the other, of which losses tell nothing else."""
AGAINST, ALONG = -0.5, 0.6
"""Cosines from which on a direction is clear: of an update with the step that the model takes; where that follows the update, of the
update with the others' the other way."""
FAR = 0.1
"""How much of an update the step goes along, or back, at least: where all balance each other, it goes nowhere in particular."""
RISEN = 0.02
"""Of the loss that a participant began with: by how much it rises at least where the model has gone its way, and should have lowered it."""
_FIRST, _LOOKED_AT = 16, 4
"""Every round is looked at of the first so many; then, of as many, so many one after the other."""


class Streak(Struct, frozen=True, array_like=True):
    """Rounds one after the other in which a participant's update and the model's step lay alike.

    Attributes:
        sign: -1 where the model went the other way, 1 where it followed.
        count: of rounds whose effect on the participant's loss is known.
        risen: by how much the loss has risen in them, of what it began with.
        loss: at the beginning of the newest one, whose effect is not known yet.
    """

    sign: int
    count: int
    risen: float
    loss: float

    def known(self, loss: float, began: float) -> Streak:
        """The same with the effect of its newest round."""
        risen = self.risen + (loss - self.loss) / max(abs(began), 1e-12)
        return Streak(self.sign, self.count + 1, risen, loss)

    @property
    def is_contrary(self) -> bool:
        """Whether the loss has done what it does when an update is turned round."""
        if self.count < ROUNDS:
            return False
        return self.risen <= 0 if self.sign < 0 else self.risen > RISEN


class ContraryState(Struct, frozen=True, kw_only=True):
    """What is known of directions after a round.

    Attributes:
        found: see :class:`ContraryUpdates`.
        began: by participant the loss that it began with.
        runs: by participant the rounds so far in which its updates and the model lay alike.
    """

    found: tuple[str, ...] = ()
    began: Mapping[str, float] = {}
    runs: Mapping[str, Streak] = {}


@dataclass
class ContraryUpdates:
    """Judges the directions of the updates of one run, round by round; it runs in the job's thread.

    Attributes:
        found: whose updates are turned round.
    """

    found: set[str] = field(default_factory=set)
    _began: dict[str, float] = field(default_factory=dict)
    _runs: dict[str, Streak] = field(default_factory=dict)

    def is_due(self, number: int) -> bool:
        """Whether directions are looked at in a round, which costs another pass over all updates.

        Args:
            number: how many have been before.
        """
        return bool(self.found) or number < _FIRST or number % _FIRST < _LOOKED_AT

    def judge(self, updates: Mapping[str, Measured], weights: Mapping[str, float], between: Between | None) -> set[str]:
        """Whose updates of one round count for nothing.

        Args:
            weights: how much each counts in the mean.
            between: None where the round is not looked at.
        """
        known = {who: loss for who, update in updates.items() if (loss := update.first_loss) is not None}
        for who, loss in known.items():
            self._began.setdefault(who, loss)
        runs = {who: run.known(known[who], self._began[who]) for who, run in self._runs.items() if who in known}
        self.found |= {who for who, run in runs.items() if run.is_contrary}
        self._runs = {}
        if between is None:
            return set()
        # Who counts for nothing moves the model nowhere.
        lie = _Lie.of({who: 0.0 if who in self.found else weight for who, weight in weights.items()}, between)
        for who, loss in known.items():
            sign = lie.signs[who]
            if sign and who in runs and runs[who].sign == sign:
                self._runs[who] = runs[who]
            elif sign:
                self._runs[who] = Streak(sign, 0, 0.0, loss)
        return {who for who in self.found & updates.keys() if lie.opposes[who]}

    @property
    def state(self) -> ContraryState:
        """What is known by now; the next round does not change it."""
        return ContraryState(found=tuple(sorted(self.found)), began=dict(self._began), runs=dict(self._runs))

    def resume(self, state: ContraryState) -> None:
        """Go on after the round that ended with this."""
        self.found, self._began, self._runs = set(state.found), dict(state.began), dict(state.runs)


@dataclass(frozen=True)
class _Lie:
    """How the updates of one round lie to one another.

    Attributes:
        signs: by participant, how its update lies to the step that the model takes: -1 against it, 1 along it and against the others',
            0 where that is not clear, or the others do not agree.
        opposes: whether it goes against the others.
    """

    signs: Mapping[str, int]
    opposes: Mapping[str, bool]

    @classmethod
    def of(cls, weights: Mapping[str, float], between: Between) -> _Lie:
        """Find that out.

        Args:
            weights: how much each counts in the mean.
        """
        who = list(weights)
        products = np.array([[between[one, other] for other in who] for one in who])
        own, weight = np.diag(products), np.array([weights[each] for each in who])
        weight = weight / max(weight.sum(), 1e-300)
        # Of each with the step, which is the weighted mean; of each with what the others bring to it.
        along, length = products @ weight, weight @ products @ weight
        back = along - weight * own
        others_length = length - 2 * weight * along + weight**2 * own
        is_far = np.abs(along) >= FAR * own
        is_clear = is_far & _agree(products, weight, back)
        with_step, with_others = _cosines(along, own, length), _cosines(back, own, others_length)
        signs = (
            np.where(with_step < AGAINST, -1, np.where((with_step > ALONG) & (with_others < -ALONG), 1, 0)) * is_clear
        )
        return cls(dict(zip(who, signs.tolist(), strict=True)), dict(zip(who, (back < 0).tolist(), strict=True)))


def _agree(products: Array, weight: Array, back: Array) -> NDArray[np.bool_]:
    """For each, whether most of the others go where the rest of them goes."""
    # Rows: for whom; columns: one of the others, with all that neither is.
    rest = back[None, :] - products * weight[:, None]
    along = (rest > 0) & ~np.eye(len(weight), dtype=bool)
    found: NDArray[np.bool_] = 2 * along.sum(axis=1) > len(weight) - 1
    return found


def _cosines(products: Array, ones: Array, others: Array) -> Array:
    lengths = np.sqrt(np.maximum(ones, 0) * np.maximum(others, 0))
    found: Array = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return found
