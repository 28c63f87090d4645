"""Which workers have arrived, and their connections that wait."""

from __future__ import annotations

import errno
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from synergos.domain.addresses import is_loopback
from synergos.domain.grid import DATA_PORT
from synergos.domain.reachability import Presence
from synergos.errors import Conflict
from synergos.identity.arrival import COMMAND, DATA, Arrived
from synergos.program.connection import origin_of
from synergos.program.loop import Loop
from synergos_ttp.rendezvous.waiting import Waiting, without_delay

log = structlog.get_logger(__name__)

MOST_WAITING = 64
"""Connections of one worker; of more, those that have waited longest are closed."""
MOST_STRANGERS, MOST_STRANGERS_OF_ADDRESS, MOST_OF_STRANGER = 32, 8, 4
"""Workers that nobody has registered, of all addresses and of one other than this machine's own, and connections of each."""
LOOK_SECONDS = 1.0
_COMING_SECONDS = 10.0
"""For so long after a worker's last connection was taken another one is to come."""
_ANSWER_LOOK = 0.05
"""Seconds between two looks of whoever waits, while connections are asked: nobody says when an answer has come."""
_EARLIEST = 0.5
"""Connections that came together are first asked up to this part of the usual time earlier, so that not all are asked at once."""


class Unwelcome(Conflict):
    """There is no place for who arrives; says why."""


@dataclass
class _Worker:
    """What is known of one worker; guarded by the rendezvous' lock.

    Attributes:
        is_known: whether it is registered, as far as was seen when it, or another stranger, came last.
        taken: when its last connection was, by the monotonic clock.
    """

    arrived: Arrived
    address: str
    is_known: bool
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    waiting: deque[Waiting] = field(default_factory=deque)
    taken: float = float("-inf")

    def is_here(self, now: float) -> bool:
        """Whether a connection of it waits, or is on its way in the place of one that was taken."""
        return bool(self.waiting) or now - self.taken < _COMING_SECONDS

    def close(self) -> None:
        for each in self.waiting:
            each.close()
        self.waiting.clear()


class Rendezvous:
    """All workers that dial out to this TTP; any thread may call it.

    Args:
        is_registered: whether a worker with this fingerprint is a node of anybody's; may look it up.
        clock: monotonic seconds.
        drawn: a number from 0 to 1.
    """

    def __init__(
        self,
        is_registered: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
        drawn: Callable[[], float] = random.random,
    ) -> None:
        self._is_registered = is_registered
        self._clock = clock
        self._drawn = drawn
        # By fingerprint, those that came first first.
        self._workers: dict[str, _Worker] = {}
        # Of those that have renewed their identity, by the one before.
        self._after: dict[str, str] = {}
        # Guards all of these and their connections; who waits for a connection waits for this.
        self._changed = threading.Condition()
        self._loop = Loop("rendezvous", self._look)

    def start(self) -> None:
        """Begin to look after connections."""
        self._loop.start()

    def close(self) -> None:
        """Let go of all connections."""
        self._loop.close(LOOK_SECONDS)
        with self._changed:
            for worker in self._workers.values():
                worker.close()
            self._workers.clear()

    def admit(self, who: Arrived, address: str) -> bool:
        """Make sure that there is a place for a worker; whether somebody has registered it.

        Raises:
            Unwelcome: a process that was started later has its identity; or there are too many that nobody has registered.
        """
        is_known = self._is_known(who)
        if not is_known:
            self._recognise()
        with self._changed:
            known = self._workers.get(who.fingerprint)
            if known is not None and known.is_here(self._clock()):
                if known.arrived.instance == who.instance:
                    return is_known
                if known.arrived.started > who.started:
                    raise Unwelcome("another worker with this identity has been started since, and has joined")
            if not is_known:
                self._make_room(address)
            return is_known

    def arrive(self, who: Arrived, address: str, connection: socket.socket, is_known: bool) -> None:
        """Take the connection of a worker that was admitted, without waiting for anything.

        Args:
            address: where it comes from.
            connection: non-blocking.
            is_known: what was said when it was admitted.
        """
        without_delay(connection)
        now = self._clock()
        with self._changed:
            worker = self._workers.get(who.fingerprint)
            if worker is not None and worker.arrived.instance != who.instance:
                # It was started again: whatever is left of the process before leads nowhere.
                worker.close()
                worker = None
            if worker is None or not worker.is_here(now):
                worker = self._workers[who.fingerprint] = _Worker(who, address, is_known)
                log.info("a worker has joined", fingerprint=who.fingerprint, address=address, is_registered=is_known)
            worker.is_known = is_known
            if is_known:
                self._know(worker)
            worker.waiting.append(Waiting(connection, now, _EARLIEST * self._drawn()))
            while len(worker.waiting) > (MOST_WAITING if is_known else MOST_OF_STRANGER):
                worker.waiting.popleft().close()
            self._changed.notify_all()

    def claim(self, fingerprint: str, port: int, seconds: float) -> socket.socket:
        """A connection to one of a worker's two ports, for whoever asks something of it; waits for one that is to come.

        Args:
            seconds: for which it is waited for, and of the connection's time-out.

        Raises:
            OSError: there is none.
        """
        until = self._clock() + seconds
        with self._changed:
            while True:
                now = self._clock()
                worker = self._present(fingerprint, now)
                if worker is None:
                    raise ConnectionRefusedError(errno.ECONNREFUSED, "it has not joined, or is gone again")
                if (found := self._taken(worker, port, seconds, now)) is not None:
                    return found
                if now >= until:
                    raise TimeoutError(errno.ETIMEDOUT, f"no connection of it came within {seconds:g} s")
                # Those that are left are asked, and their answers on their way.
                self._changed.wait(min(until - now, _ANSWER_LOOK) if worker.waiting else until - now)

    def presence(self, fingerprint: str) -> Presence | None:
        """Whether a worker has joined, and since when; None where it has not."""
        with self._changed:
            worker = self._present(fingerprint, self._clock())
            return None if worker is None else Presence(worker.since, worker.address, len(worker.waiting))

    def joined(self) -> frozenset[str]:
        """The fingerprints of all workers that are there, and of those that they came after."""
        with self._changed:
            now = self._clock()
            return frozenset(
                each
                for name, worker in self._workers.items()
                if worker.is_here(now)
                for each in (name, *worker.arrived.line)
            )

    def _present(self, fingerprint: str, now: float) -> _Worker | None:
        seen = set[str]()
        while fingerprint not in seen:
            seen.add(fingerprint)
            worker = self._workers.get(fingerprint)
            if worker is not None and worker.is_here(now):
                return worker
            fingerprint = self._after.get(fingerprint, fingerprint)
        return None

    @staticmethod
    def _taken(worker: _Worker, port: int, seconds: float, now: float) -> socket.socket | None:
        """The newest of its connections that is good for it; those that are none any more are closed."""
        interface = DATA if port == DATA_PORT else COMMAND
        asked = list[Waiting]()
        found = None
        while found is None and worker.waiting:
            each = worker.waiting.pop()
            if not each.hear(now):
                each.close()
            elif each.is_asked:
                asked.append(each)
            elif (found := each.take(interface, seconds)) is None:
                each.close()
            else:
                worker.taken = now
        worker.waiting.extend(reversed(asked))
        return found

    def _is_known(self, who: Arrived) -> bool:
        return any(map(self._is_registered, (who.fingerprint, *who.line)))

    def _know(self, worker: _Worker) -> None:
        worker.is_known = True
        # Of strangers there may be any number.
        self._after.update(dict.fromkeys(worker.arrived.line, worker.arrived.fingerprint))

    def _recognise(self) -> None:
        """See who was registered since it came: a worker that is here has no reason to come again."""
        with self._changed:
            strangers = [worker for worker in self._workers.values() if not worker.is_known]
        # Without the lock: it may be looked up.
        found = [worker for worker in strangers if self._is_known(worker.arrived)]
        with self._changed:
            for worker in found:
                self._know(worker)

    def _make_room(self, address: str) -> None:
        """Have a place for one more stranger.

        Raises:
            Unwelcome: there are too many from this address.
        """
        strangers = [(name, each) for name, each in self._workers.items() if not each.is_known]
        # The workers of a grid on one machine all join before the first is registered.
        origin = origin_of((address, 0))
        most = MOST_STRANGERS if is_loopback(address) or is_loopback(origin) else MOST_STRANGERS_OF_ADDRESS
        if sum(origin_of((each.address, 0)) == origin for _, each in strangers) >= most:
            raise Unwelcome("too many workers that nobody has registered have joined from there")
        if len(strangers) >= MOST_STRANGERS:
            name, oldest = strangers[0]
            oldest.close()
            del self._workers[name]

    def _look(self) -> float:
        now = self._clock()
        with self._changed:
            for name, worker in list(self._workers.items()):
                gone = [each for each in worker.waiting if not each.look(now)]
                for each in gone:
                    worker.waiting.remove(each)
                    each.close()
                if not worker.is_here(now):
                    del self._workers[name]
                    # Somebody may wait for it, and is told that it is gone.
                    self._changed.notify_all()
                    log.info("a worker that had joined is gone", fingerprint=name, address=worker.address)
        return LOOK_SECONDS
