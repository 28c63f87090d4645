"""The losses of one training, round by round."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Measurements: TypeAlias = Mapping[str, tuple[int, float | None]]
"""Evaluation rows and loss of each participant that has measured a model."""


@dataclass
class LossHistory:
    """Losses by round; the mean over rows of the criterion alone, ``None`` where it is not finite.

    Attributes:
        train: of the global model's round, over all participants.
        evaluate: of the global model after the round, over all participants that have measured it.
        local: each participant's own training loss.
        measured: what ``evaluate`` is the mean of.
        initial: the training loss before the first round, where the participants tell it.
        missing: who has evaluation rows and did not measure the round, of rounds where somebody did not.
    """

    train: dict[int, float | None] = field(default_factory=dict)
    evaluate: dict[int, float | None] = field(default_factory=dict)
    local: dict[str, dict[int, float | None]] = field(default_factory=dict)
    measured: dict[int, Measurements] = field(default_factory=dict)
    missing: dict[int, tuple[str, ...]] = field(default_factory=dict)
    initial: float | None = None

    def trained(self, round_index: int, loss: float | None, local: Mapping[str, float | None]) -> None:
        """Take note of one round of training."""
        self.train[round_index] = _finite(loss)
        for participant, own in local.items():
            self.local.setdefault(participant, {})[round_index] = _finite(own)

    def evaluated(
        self, round_index: int, loss: float | None, measured: Measurements | None = None, missing: Iterable[str] = ()
    ) -> None:
        """Take note of the evaluation of the model that round ``round_index`` made."""
        self.evaluate[round_index] = _finite(loss)
        if measured is not None:
            self.measured[round_index] = {who: (rows, _finite(own)) for who, (rows, own) in measured.items()}
        if found := tuple(missing):
            self.missing[round_index] = found

    def comparable(self) -> dict[int, float | None]:
        """The evaluations of rounds that everybody with evaluation rows has measured."""
        return {number: loss for number, loss in self.evaluate.items() if number not in self.missing}

    def of_global(self) -> dict[str, dict[str, float | None]]:
        """As ``global_loss_history.json`` has it."""
        return {"train": _by_name(self.train), "evaluate": _by_name(self.evaluate)}

    def of_participant(self, participant: str) -> dict[str, float | None]:
        """As ``local_loss_history_<participant>.json`` has it."""
        return _by_name(self.local.get(participant, {}))


def _finite(loss: float | None) -> float | None:
    return loss if loss is not None and math.isfinite(loss) else None


def _by_name(losses: Mapping[int, float | None]) -> dict[str, float | None]:
    return {str(index): loss for index, loss in sorted(losses.items())}
