"""How many rows participants say they evaluate on: their loss weighs as much, so it is what they have, and the same in each round."""

from __future__ import annotations

from synergos.domain.loss_history import LossHistory
from synergos.errors import GridError
from synergos.wire.answers import Evaluation
from synergos_ttp.workers.participant import OpenSession


class EvaluationRows:
    """What each participant said first; used by the participants' threads, each for its own.

    A worker says when it opens a session how many rows a model is measured on, and each model is measured on as many: rows with a
    label that nobody trained are none of them. Of a worker that does not say it, every number up to its rows is taken in the first round.

    Args:
        history: of a training that is taken up.
    """

    def __init__(self, history: LossHistory) -> None:
        measured = history.measured.values()
        self._told = {who: rows for each in measured for who, (rows, _) in each.items()}

    def check(self, session: OpenSession, found: Evaluation | None, *, is_due: bool) -> None:
        """Refuse other rows than a participant has.

        Args:
            is_due: whether it was sent a model to measure.

        Raises:
            GridError: it claims more or fewer than its session has, or another number than before.
        """
        participant, agreed = session.member.id, session.evaluated
        if found is None:
            if is_due and agreed:
                raise GridError(f"claims no evaluation and has {agreed} rows for it", participant)
            return
        most = session.rows.get("evaluate", 0)
        if found.rows > most or (agreed is not None and found.rows != agreed):
            raise GridError(
                f"claims {found.rows} evaluation rows and has {most if agreed is None else agreed}", participant
            )
        before = self._told.setdefault(participant, found.rows)
        if found.rows != before:
            raise GridError(f"claims {found.rows} evaluation rows and claimed {before} before", participant)
