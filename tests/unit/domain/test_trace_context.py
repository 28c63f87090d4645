"""A trace's context is read as W3C has it, or as none; a job is always in the same trace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.trace_context import TraceContext

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
JOB = Job(Stage.TRAIN, ProjectKey("c", "p"))


@pytest.mark.parametrize("flags", ["01", "03", "ff"])
def test_a_context_is_read(flags: str) -> None:
    assert TraceContext.read(f"00-{TRACE}-{SPAN}-{flags}") == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize("flags", ["00", "02"])
def test_a_trace_that_is_not_to_be_recorded_is_told_from_others(flags: str) -> None:
    assert TraceContext.read(f"00-{TRACE}-{SPAN}-{flags}") == TraceContext(TRACE, SPAN, is_sampled=False)


def test_versions_to_come_may_say_more() -> None:
    assert TraceContext.read(f"01-{TRACE}-{SPAN}-01-what-is-to-come") == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        TRACE,
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-more",
        f"01-{TRACE}-{SPAN}-01more",
        f"01-{TRACE}-{SPAN}-01-{'x' * 10_000}",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE[:-1]}٣-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
    ],
    ids=lambda text: repr(text)[:80],
)
def test_what_is_no_context_is_passed_over(text: str) -> None:
    assert TraceContext.read(text) is None


def test_where_nothing_is_said_there_is_none() -> None:
    assert TraceContext.read(None) is None


@pytest.mark.parametrize("is_sampled", [True, False])
def test_what_is_sent_is_read_as_it_was(is_sampled: bool) -> None:
    context = TraceContext(TRACE, SPAN, is_sampled)

    assert TraceContext.read(context.header) == context


def test_a_job_is_in_a_trace_of_its_own_unless_it_is_asked_for_in_one() -> None:
    asked = replace(JOB, trace=TraceContext(TRACE, SPAN, is_sampled=False))

    assert (JOB.span.trace_id, JOB.span.is_sampled) == (JOB.id, True)
    assert (asked.span.trace_id, asked.span.is_sampled) == (TRACE, False)
    assert asked.span.span_id == JOB.span.span_id != SPAN


def test_whoever_takes_a_job_up_again_records_it_as_the_same_span() -> None:
    assert JOB.started().started().span == JOB.span == replace(JOB, grid=1, ttp="another").span


@pytest.mark.parametrize("job_id", ["j", "0" * 32, "F" * 32])
def test_a_job_whose_id_can_be_no_trace_s_has_one_all_the_same(job_id: str) -> None:
    span = replace(JOB, id=job_id).span

    assert TraceContext.read(span.header) == span
