"""The answers to one exchange, as an algorithm sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from synergos.errors import Conflict
from synergos.learning.algorithms.averaging import Then, Weighted, average
from synergos.learning.bags import Bag, Weights


@dataclass(frozen=True)
class Reply:
    """One participant's answer, and its training rows."""

    participant_id: str
    rows: int
    bag: Bag


@dataclass(frozen=True)
class Answers:
    """The answers that were taken, in order of registration: the order of a sum shows in its last bit.

    Attributes:
        rows: training rows of all participants of the run, also of those that did not answer.
        spare: sets of an earlier state that nobody needs any more; means are written into their memory.
        is_single: whether single answers may be looked at.
        other: a thread for half of a large mean; None where whoever asks for it makes all of it.
    """

    replies: Sequence[Reply]
    rows: int
    spare: Mapping[str, Weights] = field(default_factory=dict)
    is_single: bool = True
    other: Executor | None = None

    @property
    def each(self) -> Sequence[Reply]:
        """The single answers.

        Raises:
            Conflict: the algorithm says that their means suffice.
        """
        if not self.is_single:
            raise Conflict("an algorithm whose reduction is SUM is shown no single answer")
        return self.replies

    @property
    def share(self) -> float:
        """The part of all rows that belongs to those who answered."""
        return sum(reply.rows for reply in self.replies) / self.rows

    def mean(self, name: str, then: Then | None = None, *, into: str | None = None) -> Weights:
        """The mean of a set, weighted by rows; see :func:`~synergos.learning.algorithms.averaging.average`.

        Args:
            into: the set of the state that it becomes part of, when that has another name.

        Raises:
            Conflict: an answer lacks it, or they are not of one network.
        """
        weighted = [Weighted(reply.participant_id, reply.rows, reply.bag[name]) for reply in self.replies]
        return average(weighted, self.spare.get(into or name), then, self.other)

    def number(self, name: str) -> float:
        """The mean of a number, weighted by rows.

        Raises:
            Conflict: an answer lacks it.
        """
        missing = [reply.participant_id for reply in self.replies if name not in reply.bag.numbers]
        if missing or not self.replies:
            raise Conflict(f"there is no number {name!r} in the answer of {', '.join(missing) or 'anybody'}")
        total = sum(reply.rows for reply in self.replies)
        return sum(reply.rows * reply.bag.numbers[name] for reply in self.replies) / total
