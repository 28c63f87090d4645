"""What each participant's answers count for in a run: a limited share of all rows, and updates of a limited length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import UNSET, Struct
from msgspec.structs import replace

from synergos.domain.loss_history import Measurements
from synergos.domain.trained_model import Limited
from synergos.learning.algorithms import Algorithm, Step
from synergos.learning.shares import LARGEST_SHARE, largest_weight
from synergos.learning.shortening import products
from synergos.learning.update_limits import Shortened, UpdateLimits, UpdateLimitsState
from synergos.wire import Parcel
from synergos_ttp.stages.exchange import Arrived


class WeighingState(Struct, frozen=True, kw_only=True):
    """What is known of updates, and of how much they count, after a round; nothing after one that an older release has committed.

    Attributes:
        exchanges: what is known of the updates of each exchange of a round, by its number.
        shortened: whose updates were shortened so far.
        counted: the rows of whom counts as fewer than it has, and as how many.
    """

    exchanges: Mapping[str, UpdateLimitsState] = {}
    shortened: Mapping[str, Limited] = {}
    counted: Mapping[str, tuple[int, int]] = {}


@dataclass
class Weighing:
    """Limits what participants count for; it runs in the job's thread.

    Args:
        share: of all rows, that one participant counts for at most; of those to train on, and of those to measure on.
        has_scale: whether labels are numbers, and may be of any size.
    """

    share: float = LARGEST_SHARE
    has_scale: bool = False
    _limits: dict[int, UpdateLimits] = field(default_factory=dict)
    _counted: dict[str, tuple[int, int]] = field(default_factory=dict)
    _shortened: dict[str, Limited] = field(default_factory=dict)

    def weights(self, rows: Mapping[str, int]) -> dict[str, int]:
        """How many rows each counts for.

        Args:
            rows: of all participants, also of those that are away.
        """
        most = largest_weight(rows.values(), self.share)
        return dict(rows) if most is None else {who: min(count, most) for who, count in rows.items()}

    def weigh_training(self, rows: Mapping[str, int]) -> tuple[dict[str, int], dict[str, tuple[int, int]]]:
        """The same of rows to train on; with those of whom it is new that they count as fewer than they have, and as how many."""
        weights = self.weights(rows)
        limited = {who: (count, weights[who]) for who, count in rows.items() if weights[who] < count}
        new = {who: each for who, each in limited.items() if who not in self._counted}
        self._counted |= new
        return weights, new

    def measured(self, found: Measurements, rows: Mapping[str, int]) -> dict[str, tuple[int, float | None]]:
        """What participants have measured, each with as many rows as it counts for.

        Args:
            rows: to measure on, of all participants.
        """
        most = largest_weight(rows.values(), self.share)
        return {who: (count if most is None else min(count, most), loss) for who, (count, loss) in found.items()}

    def judge(
        self,
        step: Step,
        arrived: Mapping[str, Arrived],
        messages: Mapping[str, Parcel],
        algorithm: Algorithm,
    ) -> dict[str, Shortened]:
        """Whose answers to one exchange are to be shortened.

        Args:
            arrived: with the weights that count.
        """
        moves = algorithm.moves
        moving = {who: each for who, each in arrived.items() if moves in each.parcel.bag.sets}
        if moves is None or not moving:
            return {}
        limits = self._limits.setdefault(step.exchange, self._new_limits(algorithm))
        bags = {who: each.parcel.bag for who, each in moving.items()}
        return limits.judge(
            {who: each.measured for who, each in moving.items()},
            {who: each.reply.rows for who, each in moving.items()},
            lambda: products(bags, {who: messages[who].bag for who in bags}, moves),
        )

    def _new_limits(self, algorithm: Algorithm) -> UpdateLimits:
        return UpdateLimits(self.has_scale, bool(algorithm.kept), algorithm.goes_where_answers_do)

    def note(self, shortened: Mapping[str, Shortened]) -> None:
        """Take note of what was shortened in a round that counts."""
        for who, each in shortened.items():
            known = self._shortened.get(who, Limited())
            if each.factor < known.least:
                known = replace(known, least=each.factor, reason=each.reason)
            self._shortened[who] = replace(known, rounds=known.rounds + 1)

    @property
    def limited(self) -> dict[str, Limited]:
        """Of whom less has counted than it sent, as a model's record has it."""
        who = dict.fromkeys((*self._counted, *self._shortened))
        return {each: self._limited(each) for each in who}

    def _limited(self, who: str) -> Limited:
        rows, counted = self._counted.get(who, (UNSET, UNSET))
        return replace(self._shortened.get(who, Limited()), rows=rows, counted=counted)

    @property
    def state(self) -> WeighingState:
        """What is known by now; the next round does not change it."""
        exchanges = {str(exchange): each.state for exchange, each in self._limits.items()}
        return WeighingState(exchanges=exchanges, shortened=dict(self._shortened), counted=dict(self._counted))

    def resume(self, state: WeighingState, algorithm: Algorithm) -> None:
        """Go on after the round that ended with this."""
        for exchange, each in state.exchanges.items():
            self._limits.setdefault(int(exchange), self._new_limits(algorithm)).resume(each)
        self._shortened, self._counted = dict(state.shortened), dict(state.counted)
