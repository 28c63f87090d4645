"""Requests whose answer takes long because something has to end first: how many may wait, and for whom."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.exceptions import ServiceUnavailable

from synergos.errors import ClientGone

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Wait = Callable[[threading.Event], object]
"""Returns when the event has happened; raises when nobody wants to know any more."""

PATIENCE = "synergos.patience"
"""Where a request's environment has its :class:`Patience`."""

RETRY_SECONDS = 5
_LOOK = 1.0
_SOON = 0.25


class Patience:
    """How a request waits: in one of few places, and as long as its client is there.

    Args:
        places: threads of all that answer may wait; the others are for those who need not.
        watchers: those of them in which somebody may wait for whatever may happen; all without it.
        is_gone: whether the client has closed its connection.
        look: seconds between two looks whether it has.
        soon: seconds for which a place is waited for.
        is_ending: whether the program is asked to end.
    """

    def __init__(
        self,
        places: threading.Semaphore,
        is_gone: Callable[[], bool],
        look: float = _LOOK,
        soon: float = _SOON,
        is_ending: Callable[[], bool] = lambda: False,
        watchers: threading.Semaphore | None = None,
    ) -> None:
        self._places = places
        self._watchers = watchers
        self._is_gone = is_gone
        self._is_ending = is_ending
        self._look = look
        self._soon = soon

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Take a place, if there is one; whether there was."""
        # Those who are answered soon give theirs back soon.
        has_place = self._places.acquire(timeout=self._soon)
        try:
            yield has_place
        finally:
            if has_place:
                self._places.release()

    @contextmanager
    def watchers_place(self) -> Iterator[bool]:
        """The same for who watches and is told nothing for long, so that others always find a place."""
        if self._watchers is None:
            with self.place() as has_place:
                yield has_place
        elif self._watchers.acquire(blocking=False):
            try:
                with self.place() as has_place:
                    yield has_place
            finally:
                self._watchers.release()
        else:
            yield False

    def is_over(self) -> bool:
        """Whether there is no use in waiting any longer: the client has gone, or the program is asked to end."""
        return self._is_gone() or self._is_ending()

    def wait(self, event: threading.Event) -> None:
        """Wait for an event.

        Raises:
            ClientGone: the client has closed its connection.
        """
        while not event.wait(self._look):
            if self._is_gone():
                raise ClientGone("whoever asked has hung up")


@contextmanager
def waiting(environ: WSGIEnvironment, instead: str) -> Iterator[Wait]:
    """Take a place among the requests that wait; how to wait for an event in it. Where no server is, there are no limits.

    Args:
        instead: what can be done to have no need of one.

    Raises:
        ServiceUnavailable: all places are taken.
    """
    patience: Patience | None = environ.get(PATIENCE)
    if patience is None:
        yield threading.Event.wait
        return
    with patience.place() as has_place:
        if not has_place:
            raise ServiceUnavailable(f"too many requests wait for an answer; {instead}", retry_after=RETRY_SECONDS)
        yield patience.wait


@contextmanager
def may_wait(environ: WSGIEnvironment) -> Iterator[bool]:
    """Take a place among the requests that wait, if there is one; whether there was, so that all others are answered now."""
    patience: Patience | None = environ.get(PATIENCE)
    if patience is None:
        yield True
    else:
        with patience.place() as has_place:
            yield has_place


@contextmanager
def watching(environ: WSGIEnvironment) -> Iterator[Callable[[], bool] | None]:
    """Take a place among the requests that wait, if there is one: what says that there is no use in waiting any longer.

    None where all places are taken, or those of whoever watches.
    """
    patience: Patience | None = environ.get(PATIENCE)
    if patience is None:
        yield lambda: False
    else:
        with patience.watchers_place() as has_place:
            yield patience.is_over if has_place else None
