"""How many rows participants say they evaluate on: their loss weighs as much, so it is what they have, and the same in each round."""

from __future__ import annotations

from collections.abc import Mapping

from synergos.domain.loss_history import LossHistory
from synergos.errors import GridError
from synergos.wire.answers import Evaluation


class EvaluationRows:
    """What each participant said first; used by the participants' threads, each for its own.

    A participant may measure fewer rows than its session has, as rows with a label that nobody trained are not measured.

    Args:
        history: of a training that is taken up.
    """

    def __init__(self, history: LossHistory) -> None:
        measured = history.measured.values()
        self._told = {who: rows for each in measured for who, (rows, _) in each.items()}

    def check(self, participant: str, found: Evaluation | None, session: Mapping[str, int]) -> None:
        """Refuse rows that a participant does not have.

        Args:
            session: how many rows its session has for each purpose.

        Raises:
            GridError: it claims more than it has, or another number than before.
        """
        if found is None:
            return
        most = session.get("evaluate", 0)
        if found.rows > most:
            raise GridError(f"claims {found.rows} evaluation rows and has {most}", participant)
        before = self._told.setdefault(participant, found.rows)
        if found.rows != before:
            raise GridError(f"claims {found.rows} evaluation rows and claimed {before} before", participant)
