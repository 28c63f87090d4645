"""The thread that takes messages from whoever logs, and has them written to the spool and sent."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from synergos.gelf.delivery import Delivery, Say

_IN_MEMORY = 10_000
"""Messages that wait for the thread; when more come in a moment than it can write, they are given up."""
_AGAIN_SECONDS = 10.0
"""Until it is tried again to keep messages on a disk that takes none."""
_LEAVING_SECONDS = 2.0
"""How long a program that ends still tries to send."""


class Sender:
    """Sends messages in the order in which they were put.

    ``put`` may be called by any thread, and only puts into a queue; everything else is done by the sender's own thread.

    Args:
        make_delivery: called by that thread.
        say: told when messages cannot be kept.
    """

    def __init__(self, make_delivery: Callable[[], Delivery], say: Say) -> None:
        self._make_delivery = make_delivery
        self._say = say
        # Filled at one end by whoever logs, emptied at the other by the thread.
        self._arriving: deque[bytes] = deque()
        self._dropped = 0
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log sender", daemon=True)
        self._thread.start()

    def put(self, message: bytes) -> None:
        """Take one message; it returns at once, whatever becomes of it."""
        if len(self._arriving) >= _IN_MEMORY:
            self._dropped += 1
            return
        self._arriving.append(message + b"\0")
        self._woken.set()

    def close(self) -> None:
        """Send what can be sent within two seconds; the rest stays in the spool for the next start."""
        self._stopping.set()
        self._woken.set()
        self._thread.join(_LEAVING_SECONDS + 1.0)
        if self._thread.is_alive() and self._arriving:
            # It is held up by a receiver that does not answer; what it has not written goes to a spool of its own.
            with suppress(OSError):
                spare = self._make_delivery()
                spare.take(self._taken())
                spare.close()

    def _run(self) -> None:
        delivery = self._delivery()
        while not self._stopping.is_set() and delivery is not None:
            self._woken.wait(delivery.seconds_to_rest)
            self._woken.clear()
            self._pass_on(delivery)
        if delivery is None:
            return
        until = time.monotonic() + _LEAVING_SECONDS
        self._pass_on(delivery)
        while delivery.has_connection and not delivery.is_done and time.monotonic() < until:
            time.sleep(0.01)
            self._pass_on(delivery)
        delivery.close()

    def _delivery(self) -> Delivery | None:
        """A delivery, as soon as messages can be kept; None when the program ends before."""
        is_said = False
        while True:
            try:
                return self._make_delivery()
            except OSError as error:
                if not is_said:
                    self._say("log messages cannot be kept on disk", {"reason": error.strerror or type(error).__name__})
                is_said = True
            if self._stopping.wait(_AGAIN_SECONDS):
                return None

    def _pass_on(self, delivery: Delivery) -> None:
        while messages := self._taken():
            try:
                delivery.take(messages)
            except OSError:
                self._dropped += len(messages)
        delivery.send(self._dropped)

    def _taken(self) -> list[bytes]:
        return [self._arriving.popleft() for _ in range(min(len(self._arriving), 1000))]
