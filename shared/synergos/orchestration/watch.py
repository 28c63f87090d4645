"""What answers at addresses that many want to know of: each is asked now and then, and nobody waits long for who is silent."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from synergos.domain.reachability import Answered, Probe, Silent

Address = tuple[str, int]

EVERY_SECONDS = 10.0
"""Between two times that an address is asked."""
PATIENCE_SECONDS = 2.0
"""For which a look waits for those that are being asked."""
_AT_ONCE = 16
_FORGOTTEN_SECONDS = 600.0


@dataclass(frozen=True)
class Seen:
    """What was found at an address.

    Attributes:
        asked_at: when it was asked.
        seconds: how long it took to answer, or to be silent.
    """

    answer: Answered | Silent
    asked_at: datetime
    seconds: float

    @property
    def clock_difference(self) -> float | None:
        """Seconds that its clock is ahead of this one's, to half of what the answer took; None where it tells no time."""
        told = self.answer.time if isinstance(self.answer, Answered) else None
        if told is None:
            return None
        try:
            theirs = datetime.fromisoformat(told)
        except ValueError:
            return None
        if theirs.tzinfo is None:
            return None
        return (theirs - self.asked_at).total_seconds() - self.seconds / 2


class Watch:
    """Remembers what was found; used by request threads at the same time.

    Args:
        probe: asks one address.
        clock: monotonic seconds.
    """

    def __init__(self, probe: Probe, clock: Callable[[], float] = time.monotonic) -> None:
        self._probe = probe
        self._clock = clock
        self._seen: dict[Address, tuple[float, Seen]] = {}
        self._due: deque[Address] = deque()
        self._asking: set[Address] = set()
        self._threads = 0
        # Guards all of these, between request threads and those that ask.
        self._changed = threading.Condition()

    def look(self, addresses: Collection[Address], patience: float = PATIENCE_SECONDS) -> Mapping[Address, Seen]:
        """What was last found at addresses; nothing of one that has not answered yet.

        Whoever was asked long ago is asked again, and waited for a little.
        """
        wanted = set(addresses)
        with self._changed:
            now = self._clock()
            self._seen = {where: found for where, found in self._seen.items() if now - found[0] < _FORGOTTEN_SECONDS}
            self._ask([address for address in wanted - self._asking if not self._is_fresh(address, now)])
            self._changed.wait_for(lambda: not self._asking & wanted, patience)
            return {address: self._seen[address][1] for address in wanted & self._seen.keys()}

    def _is_fresh(self, address: Address, now: float) -> bool:
        return address in self._seen and now - self._seen[address][0] < EVERY_SECONDS

    def _ask(self, due: Collection[Address]) -> None:
        self._asking |= set(due)
        self._due.extend(due)
        for _ in range(min(len(self._due), _AT_ONCE - self._threads)):
            self._threads += 1
            # Of no use to a program that ends: nobody waits for what a silent address takes.
            threading.Thread(target=self._work, name="watch", daemon=True).start()

    def _work(self) -> None:
        while (address := self._next()) is not None:
            asked_at, begun = datetime.now(UTC), time.monotonic()
            try:
                answer = self._probe(*address)
            except Exception as error:  # whatever an address does to a probe, the others are asked
                answer = Silent(type(error).__name__)
            seen = Seen(answer, asked_at, time.monotonic() - begun)
            with self._changed:
                self._seen[address] = (self._clock(), seen)
                self._asking.discard(address)
                self._changed.notify_all()

    def _next(self) -> Address | None:
        with self._changed:
            if self._due:
                return self._due.popleft()
            self._threads -= 1
            return None
