"""Whom a log line is about: ids that every line of a thread carries, and threads that begin with those of their maker.

A new thread knows nothing of the context variables of the one that started it, and neither does a pool's: what is handed
to another thread goes through :func:`in_context` or a :class:`ContextPool`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from structlog.contextvars import bound_contextvars

from synergos.domain.job import Job
from synergos.domain.keys import Key

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def about_job(job: Job) -> AbstractContextManager[None]:
    """Inside, every line says which job it is about, in which trace that is, and what it works on."""
    return bound_contextvars(job_id=job.id, trace_id=job.span.trace_id, **ids_of(job.keys))


def about_participant(participant_id: str) -> AbstractContextManager[None]:
    """Inside, every line says which participant it is about."""
    return bound_contextvars(participant=participant_id)


def about_round(number: int) -> AbstractContextManager[None]:
    """Inside, every line says which round of a run it is about, counted from 0."""
    return bound_contextvars(round=number)


def ids_of(key: Key) -> dict[str, str]:
    """A key as log lines have it."""
    return {"participant" if name == "participant_id" else name: value for name, value in key.items()}


def in_context(work: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The same work, for another thread to do once: its lines are about what this thread's are about now."""
    context = copy_context()

    def run(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        return context.run(work, *arguments, **options)

    return run


class ContextPool(ThreadPoolExecutor):
    """Threads whose lines are about what those of whoever gave them their work were about at that moment."""

    def submit(
        self, work: Callable[Arguments, Result], /, *arguments: Arguments.args, **options: Arguments.kwargs
    ) -> Future[Result]:
        """See :meth:`concurrent.futures.Executor.submit`."""
        return super().submit(in_context(work), *arguments, **options)
