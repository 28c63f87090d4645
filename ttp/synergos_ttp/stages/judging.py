"""Which of a run's rounds is the best, and whether more of them are worth while: rounds are compared over the same rows alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from synergos.domain.loss_history import Measurements
from synergos.learning.early_stopping import EarlyStopping


class Judging:
    """Compares the models of rounds by their evaluation losses; it runs in the job's thread.

    A round is a candidate when everybody measured it who has measured one of the last ``patience`` rounds, and the comparison is
    over those participants alone. Else a round would win because somebody with difficult rows was away, and the model that they
    helped to train would be thrown away for it. Who stays away for longer has left: from then on the others' losses decide.
    A round that somebody did not measure is no improvement and no disappointment either.

    Args:
        patience: rounds without improvement before stopping, and without a participant before it has left.
        delta: by how much a loss must fall to be an improvement; the best round is that with the lowest loss all the same.
    """

    def __init__(self, patience: int, delta: float) -> None:
        self._patience = patience
        self._delta = delta
        self._rounds: dict[int, Measurements] = {}
        # The newest round that each participant has measured.
        self._newest: dict[str, int] = {}
        self._compared_over: frozenset[str] = frozenset()
        self._stopping = EarlyStopping(patience, delta)

    def note(self, number: int, measured: Measurements) -> None:
        """Take note of what participants have measured of the model of round ``number``; rounds come in their order."""
        finite = {who: own for who, own in measured.items() if own[1] is not None}
        self._rounds[number] = finite
        self._newest |= dict.fromkeys(finite, number)
        present = frozenset(who for who, newest in self._newest.items() if number - newest < self._patience)
        if present == self._compared_over:
            self._count(number)
            return
        self._compared_over = present
        self._stopping = EarlyStopping(self._patience, self._delta)
        for past in self._rounds:
            self._count(past)

    @property
    def should_stop(self) -> bool:
        """Whether nothing has improved for long enough."""
        return self._stopping.should_stop

    def best(self, rounds: Iterable[int]) -> int | None:
        """Of some rounds the candidate with the lowest loss, the newest of equal ones; None where none is a candidate."""
        return self._lowest(rounds, self._compared_over)

    def worth_keeping(self, rounds: Collection[int]) -> set[int]:
        """Of some rounds the best, and the one that will be when those who did not measure the newest turn out to have left."""
        present = next(reversed(self._rounds.values()), {})
        found = {self.best(rounds), self._lowest(rounds, present)}
        return {number for number in found if number is not None}

    def _count(self, number: int) -> None:
        loss = self._loss(number, self._compared_over)
        if loss is not None or not self._rounds[number]:
            self._stopping.improved(loss)

    def _lowest(self, rounds: Iterable[int], participants: Collection[str]) -> int | None:
        losses = {number: self._loss(number, participants) for number in rounds}
        found = [(loss, -number) for number, loss in losses.items() if loss is not None]
        return -min(found)[1] if found else None

    def _loss(self, number: int, participants: Collection[str]) -> float | None:
        """The mean over the rows of these participants; None unless all of them have measured the round."""
        measured = self._rounds.get(number, {})
        if not participants or not all(who in measured for who in participants):
            return None
        return mean_loss([own for who, own in measured.items() if who in participants])


def mean_loss(parts: Collection[tuple[int, float | None]]) -> float | None:
    """The mean over all rows; None when a participant's loss is not finite, or nobody has one."""
    rows = sum(count for count, _ in parts)
    losses = [loss * count for count, loss in parts if loss is not None]
    return sum(losses) / rows if rows and len(losses) == len(parts) else None
