"""How long and how large things may get between this TTP and its workers, and where those may be."""

from __future__ import annotations

from dataclasses import dataclass

from synergos.program.destinations import ANY_NODE, Destinations

SMALL_ANSWER = 2**18
"""Bytes of an answer that says no more than how things stand: of a refusal, a session, an evaluation."""
LARGE_ANSWER = 2**24
"""Bytes of an answer that says something of each column, level and class."""
MOST_ENTRIES = 10**6
"""Entries of an answer's lists and objects: each takes many times more memory than its text."""
LONGEST_REASON = 2000
"""Characters of why a worker refuses something, as far as they are repeated."""


@dataclass(frozen=True)
class Limits:
    """Seconds, all but the last.

    Attributes:
        connect: until a worker accepts a connection, or answers a question that takes no work.
        command: until a worker answers a command; opening a session reads the data.
        preparation: until a participant's datasets are prepared.
        round: until a participant's answer to one round is there, training included.
        rejoin: for which a worker that was lost is waited for; long enough to start it again.
        shortest_round: below which no round's deadline falls, however quick the rounds before were.
        stall: without a byte from a worker that has been asked something, beyond what it was allowed to wait.
        long_poll: how long one request waits for work that takes longer, before it asks again. Short, because a job is
            cancelled between two requests.
        where: which addresses are connected to; a name is looked up for each connection, and what was found is checked.
    """

    connect: float = 5.0
    command: float = 600.0
    preparation: float = 3600.0
    round: float = 24 * 3600.0
    rejoin: float = 25.0
    shortest_round: float = 60.0
    stall: float = 8.0
    long_poll: float = 2.0
    where: Destinations = ANY_NODE

    @property
    def measuring(self) -> float:
        """Until a participant has measured a model on all rows of one purpose: it is as quick as both, preparing and a round."""
        return min(self.preparation, self.round)

    @property
    def opening(self) -> float:
        """Until a participant has opened its session, also when its worker is lost meanwhile."""
        return self.command + self.rejoin

    def round_deadline(self, longest: float | None) -> float:
        """How long a round may take when the longest one so far took ``longest`` seconds."""
        return self.round if longest is None else min(self.round, max(self.shortest_round, 5 * longest))
