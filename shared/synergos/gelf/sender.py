"""The threads that take messages from whoever logs: one writes them to the spool, one sends them from there."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from synergos.gelf.delivery import Delivery, Say, Standing

_IN_MEMORY = 10_000
"""Messages that wait for the thread; when more come in a moment than it can write, they are given up."""
_TOGETHER_SECONDS = 0.1
"""So long messages are collected before they are written together: to wake two threads for each costs whoever logs the processor."""
_AGAIN_SECONDS = 10.0
"""Until it is tried again to keep messages on a disk that takes none."""
_LEAVING_SECONDS = 2.0
"""How long a program that ends still tries to send."""

Make = Callable[[], bytes]
"""Makes a message, of what does not change any more; none where nothing can be made of it."""


class Sender:
    """Sends messages in the order in which they were put.

    ``put`` may be called by any thread, and only puts into a queue. One thread of the sender's own makes them and writes them to disk,
    many at a time, so that they are there however long another one takes to connect and to send.

    Args:
        make_delivery: called by the thread that writes.
        say: told when messages cannot be kept.
    """

    def __init__(self, make_delivery: Callable[[], Delivery], say: Say) -> None:
        self._make_delivery = make_delivery
        self._say = say
        # Filled at one end by whoever logs, emptied at the other by the thread that writes.
        self._arriving: deque[Make] = deque()
        # Counted by whoever logs and by the thread that writes, which is why there is a lock.
        self._dropped = 0
        self._counting = threading.Lock()
        # Both set once, by the thread that writes.
        self._sending: threading.Thread | None = None
        self._delivery: Delivery | None = None
        self._cannot_keep = False
        self._woken, self._hurries = threading.Event(), threading.Event()
        self._written = threading.Event()
        self._stopping = threading.Event()
        self._writing = threading.Thread(target=self._write, name="log writer", daemon=True)
        self._writing.start()

    def put(self, make: Make, is_urgent: bool = False) -> None:
        """Take one message; it returns at once, whatever becomes of it.

        Args:
            make: called by the thread that writes.
            is_urgent: whether it is to be on disk as soon as can be, and not with those that come soon.
        """
        if len(self._arriving) >= _IN_MEMORY:
            self._give_up(1)
            return
        self._arriving.append(make)
        if is_urgent or len(self._arriving) > _IN_MEMORY // 2:
            self._hurries.set()
        if not self._woken.is_set():
            self._woken.set()

    @property
    def standing(self) -> Standing | None:
        """How messages stand on disk, and how many were given up, here and there; None until it is known.

        While none can be kept there is no room for any.
        """
        if (delivery := self._delivery) is not None:
            found = delivery.standing
            return replace(found, dropped=found.dropped + self._dropped)
        return Standing(waiting=0, capacity=0, dropped=self._dropped, is_away=True) if self._cannot_keep else None

    def close(self) -> None:
        """Send what can be sent within two seconds; the rest stays in the spool for the next start."""
        self._stopping.set()
        self._hurries.set()
        self._woken.set()
        self._writing.join(_LEAVING_SECONDS + 1.0)
        if self._delivery is None or self._sending is None:
            return
        self._written.set()
        self._sending.join(_LEAVING_SECONDS + 1.0)
        # Also where it is held up by a receiver that does not answer: it finds nothing to send then.
        self._delivery.close()

    def _write(self) -> None:
        delivery = self._made()
        if delivery is None:
            return
        self._sending = threading.Thread(target=self._send, args=[delivery], name="log sender", daemon=True)
        self._sending.start()
        self._delivery = delivery
        is_last = False
        while not is_last:
            self._woken.wait()
            self._hurries.wait(_TOGETHER_SECONDS)
            self._hurries.clear()
            self._woken.clear()
            is_last = self._stopping.is_set()
            self._keep(delivery)
            self._written.set()

    def _send(self, delivery: Delivery) -> None:
        while not self._stopping.is_set():
            self._written.wait(delivery.seconds_to_rest)
            self._written.clear()
            delivery.send(self._dropped)
        until = time.monotonic() + _LEAVING_SECONDS
        self._writing.join(_LEAVING_SECONDS)
        delivery.send(self._dropped)
        while delivery.has_connection and not delivery.is_done and time.monotonic() < until:
            time.sleep(0.01)
            delivery.send(self._dropped)
        delivery.hang_up()

    def _made(self) -> Delivery | None:
        """A delivery, as soon as messages can be kept; None when the program ends before."""
        is_said = False
        while True:
            try:
                return self._make_delivery()
            except OSError as error:
                self._cannot_keep = True
                if not is_said:
                    self._say("log messages cannot be kept on disk", {"reason": error.strerror or type(error).__name__})
                is_said = True
            if self._stopping.wait(_AGAIN_SECONDS):
                return None

    def _keep(self, delivery: Delivery) -> None:
        while self._arriving:
            messages = [message + b"\0" for message in self._taken() if message]
            try:
                delivery.take(messages)
            except OSError:
                self._give_up(len(messages))

    def _give_up(self, messages: int) -> None:
        with self._counting:
            self._dropped += messages

    def _taken(self) -> Iterator[bytes]:
        for _ in range(min(len(self._arriving), 1000)):
            yield self._arriving.popleft()()
