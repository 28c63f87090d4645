"""What a worker answers, beside tensors and what it says of datasets: its types, and how large each may be.

See docs/wire-formats.md, section 1 for the command port and 2.1 for the data port.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from synergos.domain.outputs import Measured
from synergos.domain.preparation import MOST_ROWS
from synergos.domain.tags import Purpose
from synergos.schema import Definition

Rows: TypeAlias = Annotated[int, Meta(ge=0, le=MOST_ROWS)]
LARGEST_LOSS = 3.5e38
"""More than any float32."""
Loss: TypeAlias = Annotated[float, Meta(ge=-LARGEST_LOSS, le=LARGEST_LOSS)]
Reason: TypeAlias = Annotated[str, Meta(max_length=2**16)]
Name: TypeAlias = Annotated[str, Meta(max_length=2**10)]
Digest: TypeAlias = Annotated[str, Meta(max_length=2**8)]


class Refusal(Struct, frozen=True):
    """Why a worker refuses something.

    Attributes:
        field: what it is about, where it is about one thing.
    """

    message: Reason
    field: Name | None = None


class State(StrEnum):
    """Where a preparation stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class Consented(Struct, frozen=True):
    """That a worker takes part in a project, as it has signed.

    Attributes:
        consent: a statement, see :mod:`synergos.identity.statements`.
    """

    consent: Mapping[str, object]


class Polled(Struct, frozen=True):
    """Of a preparation, how far it is.

    Attributes:
        preparation: its name.
        error: why it failed, where it did.
    """

    preparation: Name
    state: State
    error: Refusal | UnsetType = UNSET


class Opened(Struct, frozen=True):
    """Of a session that is open.

    Attributes:
        rows: by purpose.
        measurable: of rows to evaluate on, how many have a label that the model has, so that every model is measured on as many;
            workers of before 0.2 do not tell it.
        ledger: how far the worker's ledger goes, which keeps it honest with itself; workers of before 0.2 have none.
        digests: of the datasets whose rows the session has, by purpose, in the order of their tags: whether they are what they were,
            and by a key of the participant's own nothing else; workers of before 0.2 do not tell them here.
    """

    rows: Mapping[Purpose, Rows]
    measurable: Mapping[Purpose, Rows] | UnsetType = UNSET
    ledger: Annotated[str, Meta(pattern="^[0-9]{1,15}:[0-9a-f]{64}$")] | UnsetType = UNSET
    digests: Mapping[Purpose, tuple[Digest, ...]] | UnsetType = UNSET


class Compared(Struct, frozen=True):
    """Of datasets, in which state they are.

    Attributes:
        digests: by purpose, in the order of the tags that were asked about; None for what cannot be read. Without a purpose whose
            folders may not be used.
    """

    digests: Mapping[Purpose, tuple[Digest | None, ...]]


class Predicted(Struct, frozen=True):
    """Of a model that was measured, or still is.

    Attributes:
        results: by purpose; unset while it takes longer.
    """

    results: Mapping[Purpose, Measured] | UnsetType = UNSET


class Evaluation(Struct, frozen=True):
    """How good a model is on a participant's evaluation rows.

    Attributes:
        loss: mean over the rows; None when it is not finite.
    """

    rows: Rows
    loss: Loss | None


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

    round: Rows
    exchange: Rows = 0
    rows: Rows
    train_loss: Loss | None
    first_loss: Loss | UnsetType | None = UNSET
    epochs: Rows | UnsetType = UNSET
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
REFUSAL = Definition(Refusal, quotes=False)
CONSENTED = Definition(Consented, quotes=False)
POLLED = Definition(Polled, quotes=False)
OPENED = Definition(Opened, quotes=False)
COMPARED = Definition(Compared, quotes=False)
PREDICTED = Definition(Predicted, quotes=False)
EVALUATION_ANSWER = Definition(EvaluationAnswer, quotes=False)
