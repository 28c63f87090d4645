"""The round that is being run: who has answered what so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from synergos.learning.algorithms import WEIGHTS, Bag
from synergos.learning.update_limits import Shortened
from synergos.wire import Parcel
from synergos.wire.answers import Evaluation
from synergos_ttp.stages.exchange import Arrived
from synergos_ttp.stages.round_watch import RoundWatch


@dataclass
class InHand:
    """The round that is being run.

    Attributes:
        state: the algorithm's, after the exchanges so far.
        absent: who has no part in the round any more, and why.
        local: each participant's last answer with trained weights.
        shortened: whose last answer counts less than there is of it.
        kept: each participant's last answer that says what it wants to be given again.
        trained: rows and training loss of each participant that has trained.
        begun: the same at the beginning of its first training, where it tells that.
        evaluations: of the model before the round, by those who have answered; also by those whose update was refused.
        watch: knows where its time goes.
    """

    number: int
    state: Bag
    absent: dict[str, str] = field(default_factory=dict)
    local: dict[str, Parcel] = field(default_factory=dict)
    kept: dict[str, Parcel] = field(default_factory=dict)
    trained: dict[str, tuple[int, float | None]] = field(default_factory=dict)
    shortened: dict[str, Shortened] = field(default_factory=dict)
    begun: dict[str, tuple[int, float | None]] = field(default_factory=dict)
    evaluations: dict[str, Evaluation | None] = field(default_factory=dict)
    watch: RoundWatch = field(default_factory=RoundWatch)

    def take(self, arrived: Mapping[str, Arrived]) -> None:
        """Take note of the answers to an exchange."""
        for who, each in arrived.items():
            if WEIGHTS in each.reply.bag.sets:
                self.local[who] = each.parcel
            if each.parcel.kept is not None:
                self.kept[who] = each.parcel
            if each.said.has_trained:
                self.trained[who] = (each.reply.rows, each.said.train_loss)
                self.begun.setdefault(who, (each.reply.rows, each.measured.first_loss))
