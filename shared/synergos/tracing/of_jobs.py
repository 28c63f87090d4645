"""What is done for a job, as spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from synergos.domain.job import Job
from synergos.tracing.span import Attribute, Kind, Span, new_span_id, now
from synergos.tracing.tracer import Tracer


def about(job: Job) -> dict[str, Attribute]:
    """A job as the attributes of spans have it."""
    ids = {f"synergos.{name}": value for name, value in job.keys.items()}
    return {"synergos.job_id": job.id, "synergos.stage": job.stage.value, **ids}


@contextmanager
def part_of(job: Job, tracer: Tracer, name: str, kind: Kind = Kind.INTERNAL) -> Iterator[None]:
    """Record what is done inside as a part of a job."""
    if not tracer.is_on:
        yield
        return
    start, failure = now(), None
    try:
        yield
    except BaseException as error:
        failure = type(error).__name__
        raise
    finally:
        span = job.span
        tracer.put(Span(name, span.beneath(new_span_id()), span.span_id, start, now(), about(job), kind, failure))
