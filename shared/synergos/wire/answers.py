"""What a worker says beside its tensors: of a round, and of an evaluation. See docs/wire-formats.md, section 2.1."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from synergos.schema import Definition

Rows: TypeAlias = Annotated[int, Meta(ge=0)]


class Evaluation(Struct, frozen=True):
    """How good a model is on a participant's evaluation rows.

    Attributes:
        loss: mean over the rows; None when it is not finite.
    """

    rows: Rows
    loss: float | None


class RoundAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one exchange of a round.

    Attributes:
        rows: for training.
        train_loss: mean over the rows in the last epoch; None when it is not finite, or nothing was trained.
        first_loss: the same in the first epoch, or before it where that has strayed; workers of before 0.2 do not tell it.
        epochs: that were trained.
        seconds: that the training took.
        evaluation: of the model that was sent, where it was measured.
    """

    round: int
    exchange: int = 0
    rows: Rows
    train_loss: float | None
    first_loss: float | UnsetType | None = UNSET
    epochs: int | UnsetType = UNSET
    seconds: float | UnsetType = UNSET
    evaluation: Evaluation | None

    @property
    def has_trained(self) -> bool:
        """Whether there is a training loss of this exchange."""
        return self.epochs is UNSET or self.epochs != 0


class EvaluationAnswer(Struct, frozen=True, kw_only=True):
    """Of a model that was only to be measured."""

    evaluation: Evaluation | None


# A participant's: not repeated in errors.
ROUND_ANSWER = Definition(RoundAnswer, quotes=False)
EVALUATION_ANSWER = Definition(EvaluationAnswer, quotes=False)
