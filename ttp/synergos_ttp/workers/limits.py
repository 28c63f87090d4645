"""How long and how large things may get between this TTP and its workers, and where those may be."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from synergos.program.destinations import ANY_NODE, Destinations
from synergos_ttp.workers.packets import Packets

if TYPE_CHECKING:
    from synergos_ttp.workers.sealing import Introductions

SMALL_ANSWER = 2**18
"""Bytes of an answer that says no more than how things stand: of a refusal, a session, an evaluation."""
LARGE_ANSWER = 2**24
"""Bytes of an answer that says something of each column, level and class."""
MOST_ENTRIES = 10**6
"""Entries of an answer's lists and objects: each takes many times more memory than its text."""
LONGEST_REASON = 2000
"""Characters of why a worker refuses something, as far as they are repeated."""


class Traffic(Protocol):
    """Takes note of what workers are sent and what they answer; may be called by any thread."""

    def sent(self, participant: str, size: int, /) -> None:
        """So many bytes of content were handed over to the line to a participant's worker."""

    def received(self, participant: str, size: int, /) -> None:
        """So many came from it."""


class _Uncounted:
    def sent(self, _participant: str, _size: int, /) -> None:
        pass

    def received(self, _participant: str, _size: int, /) -> None:
        pass


UNCOUNTED: Traffic = _Uncounted()


@dataclass(frozen=True)
class Limits:
    """Seconds, all but the last ones.

    Attributes:
        connect: until a worker accepts a connection, or answers a question that takes no work.
        command: until a worker answers a command; opening a session reads the data.
        preparation: until a participant's datasets are prepared.
        round: until a participant's answer to one round is there, training included.
        rejoin: for which a worker that was lost is waited for; long enough to start it again.
        outage: for which a line is waited for that was cut in the middle of a transfer.
        shortest_round: below which no round's deadline falls, however quick the rounds before were.
        stall: without a byte from a worker that has been asked something, beyond what it was allowed to wait.
        long_poll: how long one request waits for work that takes longer, before it asks again. Short, because a job is
            cancelled between two requests.
        where: which addresses are connected to; a name is looked up for each connection, and what was found is checked.
        traffic: takes note of what goes to workers and comes from them.
        packets: knows how large they may be on the way to each.
        approval: seconds for which the owner of a worker is waited for who has not approved of this TTP yet.
        in_hand: seconds of that for which a job waits in hand; then it makes room for others.
        tls: the context of a connection to a worker that is made now; None for plain HTTP.
        introductions: how workers are shown who asks; None where they are asked as anybody might.
    """

    connect: float = 5.0
    command: float = 600.0
    preparation: float = 3600.0
    round: float = 24 * 3600.0
    rejoin: float = 25.0
    outage: float = 90.0
    shortest_round: float = 60.0
    stall: float = 8.0
    long_poll: float = 2.0
    where: Destinations = ANY_NODE
    traffic: Traffic = UNCOUNTED
    packets: Packets = field(default_factory=Packets, compare=False)
    approval: float = 7 * 24 * 3600.0
    in_hand: float = 10.0
    introductions: Introductions | None = None
    tls: Callable[[], ssl.SSLContext] | None = None

    @property
    def measuring(self) -> float:
        """Until a participant has measured a model on all rows of one purpose: it is as quick as both, preparing and a round."""
        return min(self.preparation, self.round)

    @property
    def opening(self) -> float:
        """Until a participant has opened its session, also when its worker is lost meanwhile, or its owner has to approve first."""
        return self.command + self.rejoin + self.approval

    def round_deadline(self, longest: float | None) -> float:
        """How long a round may take when the longest one so far took ``longest`` seconds."""
        return self.round if longest is None else min(self.round, max(self.shortest_round, 5 * longest))
