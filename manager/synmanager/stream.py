"""The jobs of several queues as one stream, the most urgent first, one at a time."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from synmanager.broker import Link, Message, MessageBroker
from synmanager.config import RANKED, Queue
from synmanager.delivery import Delivery, opened
from synmanager.errors import BrokerRefused, BrokerUnavailable, QueueError
from synmanager.reconnecting import Reconnecting

log = logging.getLogger(__name__)


class JobStream:
    """Takes jobs from queues for one who does them one at a time.

    A thread of its own owns the connection, so that heartbeats are sent however long a job takes, and it is made anew
    when it breaks. While a job is in hand nothing else is asked for: another consumer may have it.

    Args:
        queues: the most urgent first; they are declared.
        lays_ready: for a single queue, and one who takes the next message as soon as the one before is settled: it may
            lie ready here by then. Without it, nothing is held that nobody waits for.
        reads: whether messages are read here, and what is no JSON object is parked; without it whoever takes them reads
            their bodies, and parks what is none.

    Raises:
        CredentialsNeeded: the broker is on another machine, and there is no user name.
    """

    def __init__(
        self, broker: MessageBroker, queues: Sequence[Queue] = RANKED, *, lays_ready: bool = False, reads: bool = True
    ) -> None:
        broker.check()
        self._queues = tuple(queues)
        if lays_ready and len(self._queues) != 1:
            raise ValueError("lays_ready: expected a single queue")
        # Those that are there, by the link in use; of its thread's alone.
        self._there = self._queues
        self._lays_ready = lays_ready
        self._reads = reads
        self._closed = threading.Event()
        self._reconnecting = Reconnecting(broker, ", ".join(each.name for each in self._queues), self._closed)
        # None for "no more".
        self._taken: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        # Guards what the connection's thread and the others both change.
        self._lock = threading.Lock()
        self._is_wanted = False
        self._is_stopped = False
        self._failure: QueueError | None = None
        self._link: Link | None = None
        self._thread = threading.Thread(target=self._loop, name="job-stream", daemon=True)
        self._thread.start()

    def take(self, timeout: float | None = None) -> Delivery | None:
        """The next message; None when there is none within ``timeout`` seconds, or when the stream was stopped.

        One thread at a time.

        Raises:
            AccessRefused: the broker does not let us in.
            BrokerRefused: a queue was declared differently by somebody else.
        """
        with self._lock:
            self._is_wanted = not self._is_stopped
        self._wake()
        delivery = None if self._failure else self._next(timeout)
        if delivery is None and self._failure is not None:
            raise self._failure
        return delivery

    def stop(self) -> None:
        """Have :meth:`take` answer None from now on; what is in hand can still be settled."""
        with self._lock:
            self._is_stopped = True
            self._is_wanted = False
        self._taken.put(None)
        self._wake()

    def close(self) -> None:
        """Stop, and let go of the broker: what is in hand and was not settled goes back to its queue."""
        self.stop()
        self._closed.set()
        self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _next(self, timeout: float | None) -> Delivery | None:
        if self._is_stopped:
            return None
        try:
            return self._taken.get(timeout=timeout)
        except queue.Empty:
            with self._lock:
                self._is_wanted = False
            # Nobody is to wait for a consumer that has something else to do.
            self._wake()
        try:
            # One may have come at the last moment.
            return self._taken.get_nowait()
        except queue.Empty:
            return None

    def _wake(self) -> None:
        with self._lock:
            if self._link is not None:
                self._link.call_soon(lambda: None)

    def _settle(self, link: Link, act: Callable[[Link], None]) -> None:
        """Have the connection's thread do something to a message that came by this link."""
        with self._lock:
            if self._link is link:
                link.call_soon(lambda: act(link))
            else:
                log.debug("too late for a message: its connection is gone")

    def _loop(self) -> None:
        try:
            while (found := self._reconnecting.connect(self._queues)) is not None:
                link, self._there = found
                self._use(link)
        except QueueError as error:
            self._failure = error
        except Exception as error:
            log.exception("the job stream failed")
            self._failure = QueueError(f"the job stream failed: {type(error).__name__}")
        finally:
            self._taken.put(None)

    def _use(self, link: Link) -> None:
        with self._lock:
            self._link = link
        failure: QueueError | None = None
        try:
            self._serve(link)
        except (BrokerUnavailable, BrokerRefused) as error:
            failure = error
        finally:
            with self._lock:
                self._link = None
            link.close()
        if failure is not None:
            self._reconnecting.lost(failure)

    def _serve(self, link: Link) -> None:
        if self._lays_ready:
            self._keep_consuming(link)
        else:
            self._consume_when_wanted(link)
        # What was said of messages before the end is still done.
        link.wait(0)

    def _keep_consuming(self, link: Link) -> None:
        [name] = (each.name for each in self._queues)
        arrived: deque[Message] = deque()
        consumer = link.consume(name, arrived.append)
        in_hand: Delivery | None = None
        while not self._closed.is_set():
            if self._is_wanted and arrived:
                in_hand = self._delivery(link, arrived.popleft())
                if in_hand is not None:
                    self._hand_over(link, in_hand)
            elif self._is_wanted and in_hand is not None and in_hand.is_postponed:
                # Prefetch is 1: a consumer with an unacknowledged message is sent no other, but a new consumer is.
                link.cancel(consumer)
                consumer, in_hand = link.consume(name, arrived.append), None
            else:
                link.wait()

    def _consume_when_wanted(self, link: Link) -> None:
        while not self._closed.is_set():
            if not self._is_wanted:
                link.wait()
            elif (found := self._first(link, self._there)) is not None:
                self._hand_over(link, found)
            else:
                self._await(link)

    def _await(self, link: Link) -> None:
        """Wait until something comes into any of the queues, or nobody waits for it any more."""
        arrived: list[Message] = []
        consumers = [link.consume(each.name, arrived.append) for each in self._there]
        while self._is_wanted and not arrived and not self._closed.is_set():
            link.wait()
        chosen = arrived[:1]
        for message in chosen:
            # The work can begin while the rest is put in order.
            self._choose(link, message)
        for consumer in consumers:
            # What has come for it and was not looked at goes back by this.
            link.cancel(consumer)
            # The work may be done already.
            link.wait(0)
        # Something may have come for the consumers that were still there, also when nothing had come before.
        for late in arrived[len(chosen) :]:
            link.give_back(late.tag)

    def _choose(self, link: Link, message: Message) -> None:
        """Hand over what came, or what is more urgent: queues answer each at their own pace."""
        rank = [each.name for each in self._there].index(message.queue)
        first = self._first(link, self._there[:rank])
        if first is not None:
            link.give_back(message.tag)
            self._hand_over(link, first)
        elif (delivery := self._delivery(link, message)) is not None:
            self._hand_over(link, delivery)

    def _first(self, link: Link, queues: Iterable[Queue]) -> Delivery | None:
        """The first job that lies in the most urgent of these queues; what is no job is parked on the way."""
        for each in queues:
            while (message := link.get(each.name)) is not None:
                if (delivery := self._delivery(link, message)) is not None:
                    return delivery
        return None

    def _hand_over(self, link: Link, delivery: Delivery) -> None:
        """Give a message to who waits for one, or back when nobody does any more."""
        with self._lock:
            if self._is_wanted:
                self._is_wanted = False
                self._taken.put(delivery)
                return
        link.give_back(delivery.tag)

    def _delivery(self, link: Link, message: Message) -> Delivery | None:
        """The message as it is handed over; None when it is no job, and was parked."""
        return opened(link, message, partial(self._settle, link), reads=self._reads)


__all__ = ["Delivery", "JobStream"]
