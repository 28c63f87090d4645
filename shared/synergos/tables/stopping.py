"""Reading that somebody may not want any more: looked at between pieces of a file, in the thread that reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from synergos.errors import JobCancelled

_unwanted: ContextVar[Callable[[], bool] | None] = ContextVar("unwanted", default=None)


@contextmanager
def given_up(is_unwanted: Callable[[], bool]) -> Iterator[None]:
    """Inside the ``with`` block, what is read in this thread is given up as soon as it is unwanted."""
    token = _unwanted.set(is_unwanted)
    try:
        yield
    finally:
        _unwanted.reset(token)


def refuse_unwanted() -> None:
    """Go no further with what nobody wants; called at least once a second or so by whoever reads.

    Raises:
        JobCancelled: nobody does.
    """
    is_unwanted = _unwanted.get()
    if is_unwanted is not None and is_unwanted():
        raise JobCancelled("what is read is not wanted any more")
