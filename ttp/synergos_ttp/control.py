"""The control of a running job: its cancellation token, and its publisher of events."""

from __future__ import annotations

import threading

import structlog

from synergos.errors import JobCancelled, JobStopped
from synergos_ttp.events import Event, Subscriber
from synergos_ttp.traces import NO_TRACE, JobTrace

log = structlog.get_logger(__name__)


class Control:
    """One running job's link to whoever runs it.

    :meth:`publish`, :meth:`stop` and :meth:`check` are for any thread, the rest is the job's own thread's.

    Attributes:
        trace: what of the subscribers tells in which spans workers are asked.

    Args:
        subscribers: told what happens, in this order.
    """

    def __init__(self, *subscribers: Subscriber) -> None:
        self.trace = NO_TRACE
        self._subscribers: list[Subscriber] = []
        self.subscribe(*subscribers)
        self._reason: JobStopped | None = None
        self._stopped = threading.Event()
        # Held while an event is told: subscribers hear of one after the other, whichever thread it happens in.
        self._telling = threading.RLock()

    def subscribe(self, *subscribers: Subscriber) -> None:
        """Have more told what happens from now on."""
        self._subscribers.extend(subscribers)
        self.trace = next((each for each in subscribers if isinstance(each, JobTrace)), self.trace)

    def publish(self, event: Event) -> None:
        """Tell everybody what happened.

        A subscriber that fails costs neither the others nor the job anything.

        Raises:
            JobStopped: a subscriber wants the job to stop; everybody has been told by then.
        """
        wish: JobStopped | None = None
        with self._telling:
            for subscriber in self._subscribers:
                try:
                    subscriber(event)
                except JobStopped as error:
                    wish = wish or error
                except Exception:
                    log.exception("an event was not taken note of", event_type=type(event).__name__)
        if wish is not None:
            raise wish

    def stop(self, reason: JobStopped) -> None:
        """Ask the job to stop at the next opportunity, by raising ``reason``; only the first reason counts."""
        self._reason = self._reason or reason
        self._stopped.set()

    def pause(self, seconds: float) -> None:
        """Do nothing for so long, or until the job is asked to stop."""
        self._stopped.wait(seconds)

    @property
    def is_stopped(self) -> bool:
        """Whether the job was asked to stop."""
        return self._stopped.is_set()

    @property
    def reason(self) -> JobStopped | None:
        """Why the job was asked to stop, None when it was not."""
        return self._reason

    def check(self) -> None:
        """Go on, or not.

        Raises:
            JobStopped: the job was asked to stop.
        """
        if self._stopped.is_set():
            raise self._reason or JobCancelled("the job was stopped")
