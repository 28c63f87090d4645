"""Spans on their way to a collector: a bounded queue in memory, and a thread that sends what is in it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from synergos.tracing.span import Span

Say = Callable[[str, dict[str, object]], None]
"""Takes an event for the program's own log, and its facts."""

MOST = 8192
"""Spans that wait at most: some ten megabytes. Of more the oldest are dropped, since the whole of a job is told last."""
AT_ONCE = 512
REST_SECONDS = 2.0
"""Between two batches, unless one is full before."""
FLUSH_SECONDS = 3.0
_GIVING_UP_SECONDS = 0.5


class Export(Protocol):
    """Brings spans to a collector; used by the sender's thread, ``give_up`` by any."""

    def send(self, spans: Sequence[Span]) -> bool:
        """Send a batch, in a bounded time; whether it has arrived. It may raise anything where it has not."""

    def give_up(self) -> None:
        """Wait for nothing any more."""


class Sender:
    """A tracer that sends spans in batches; see :class:`synergos.tracing.tracer.Tracer`.

    Args:
        say: told once when the collector takes no spans, and once when it does again with how many were dropped meanwhile.
        most: spans that wait.
        rest: seconds between two batches that are not full.
        flush: seconds for what is left when the program ends.
    """

    is_on = True

    def __init__(
        self, export: Export, say: Say, most: int = MOST, rest: float = REST_SECONDS, flush: float = FLUSH_SECONDS
    ) -> None:
        self._export = export
        self._say = say
        self._rest = rest
        self._flush = flush
        # Its methods are atomic: whoever puts a span waits for nobody.
        self._queue: deque[Span] = deque(maxlen=most)
        # Guards the count, between threads that put spans and the sender's.
        self._counting = threading.Lock()
        self._dropped = 0
        self._is_away = False
        self._news, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def put(self, span: Span) -> None:
        """Take a span; when too many wait, the oldest is dropped for it."""
        if not span.context.is_sampled:
            return
        if len(self._queue) == self._queue.maxlen:
            self._drop(1)
        self._queue.append(span)
        if len(self._queue) >= AT_ONCE and not self._news.is_set():
            self._news.set()

    def close(self) -> None:
        """Send what waits, for some seconds at most; what is left then is dropped, and said."""
        self._closed.set()
        self._news.set()
        self._thread.join(self._flush)
        self._export.give_up()
        # What was in hand is counted as soon as it is given up.
        self._thread.join(_GIVING_UP_SECONDS)
        self._drop(len(self._queue))
        if self._dropped:
            self._say("spans dropped", {"dropped": self._dropped})

    def _drop(self, count: int) -> None:
        with self._counting:
            self._dropped += count

    def _run(self) -> None:
        while not self._closed.is_set():
            self._news.wait(self._rest)
            self._news.clear()
            self._send_batch()
            while len(self._queue) >= AT_ONCE and not self._closed.is_set():
                self._send_batch()
        while self._queue and self._send_batch():
            pass

    def _send_batch(self) -> bool:
        """Send what waits, or as much of it as goes at once; whether it has arrived."""
        batch = self._take()
        if not batch:
            return True
        try:
            has_arrived = self._export.send(batch)
        except Exception:
            # Whatever a collector answers, or a library makes of it, is nobody else's trouble.
            has_arrived = False
        if has_arrived:
            self._came_back()
        else:
            self._drop(len(batch))
            if not self._is_away:
                self._is_away = True
                self._say("span collector takes no spans; they are dropped", {})
        return has_arrived

    def _take(self) -> list[Span]:
        batch: list[Span] = []
        while self._queue and len(batch) < AT_ONCE:
            batch.append(self._queue.popleft())
        return batch

    def _came_back(self) -> None:
        with self._counting:
            dropped, self._dropped = self._dropped, 0
        if self._is_away or dropped:
            self._say(
                "span collector takes spans" + (" again" if self._is_away else ", but too slowly"), {"dropped": dropped}
            )
        self._is_away = False
