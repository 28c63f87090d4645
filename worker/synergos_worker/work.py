"""One piece of work a session was asked for, from the moment it is accepted until its result is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

import structlog
import torch

from synergos.errors import GridError, JobStopped, NotAllowed, RecordNotFound, SynergosError
from synergos_worker.error_responses import log_unforeseen

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What came of a piece of work.

    Attributes:
        told: what is answered, beside tensors.
        kinds: the kinds of figures in that, as :mod:`synergos_worker.what_left` has them.
    """

    told: Mapping[str, object] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()


class Work:
    """A round, an evaluation or a prediction; any number of requests may wait for it.

    Attributes:
        key: tells a repeat of the same request from another one: the number of the round, the purposes to predict.
        epoch: how many epochs are done.
        begun, ended: when it was, in nanoseconds since 1970; 0 until then.
        is_recorded: whether that was told to whoever traces it.
    """

    def __init__(self, key: Hashable, epochs: int = 0) -> None:
        self.key = key
        self.epoch = 0
        self.epochs = epochs
        self.begun = self.ended = 0
        self.is_recorded = False
        self._outcome = Outcome()
        self._error: tuple[type[SynergosError], str] | None = None
        self._was_reported = False
        self._done = threading.Event()
        # The computing thread finishes it, or the request that ends its session: whoever comes first.
        self._finishing = threading.Lock()

    @property
    def is_done(self) -> bool:
        """Whether it has a result, or failed."""
        return self._done.is_set()

    @property
    def has_failed(self) -> bool:
        """Whether it failed."""
        return self._error is not None

    @property
    def may_be_retried(self) -> bool:
        """Whether it failed, and somebody was told."""
        return self.has_failed and self._was_reported

    def wait(self, seconds: float) -> bool:
        """Wait until it is done, so long at most; whether it is."""
        return self._done.wait(seconds)

    def result(self) -> Outcome:
        """What came of it, once it is done.

        Raises:
            GridError: it failed; says why.
            NotAllowed: the owner of the data does not allow it.
            RecordNotFound: its session ended before.
        """
        if self._error is not None:
            self._was_reported = True
            kind, message = self._error
            raise kind(message)
        return self._outcome

    def progress(self, done: int, of: int) -> None:
        """Take note of how far it is."""
        self.epoch, self.epochs = done, of

    def perform(self, job: Callable[[Work], Outcome]) -> None:
        """Do it, and keep what comes of it; never raises."""
        self.begun = time.time_ns()
        try:
            outcome = job(self)
        except JobStopped:
            self.abandon()
        except NotAllowed as error:
            self._finish(error=(NotAllowed, str(error)))
        except SynergosError as error:
            self._finish(error=(GridError, str(error)))
        except torch.OutOfMemoryError:
            self._finish(error=(GridError, "the memory of its GPU is too small for this work"))
        except Exception as error:  # one session's failure must not end the thread that serves all
            log_unforeseen("work failed", error)
            self._finish(error=(GridError, "failed unexpectedly; the log of this worker says where"))
        else:
            self._finish(outcome)

    def abandon(self) -> None:
        """Give it up because its session ends; nothing happens when it is done already."""
        self._finish(error=(RecordNotFound, "the session has ended"))

    def _finish(self, outcome: Outcome | None = None, error: tuple[type[SynergosError], str] | None = None) -> None:
        with self._finishing:
            if not self._done.is_set():
                self._outcome, self._error = outcome or Outcome(), error
                self.ended = time.time_ns()
                self._done.set()
