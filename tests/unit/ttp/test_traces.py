"""A job's events and what its workers are asked become one tree of spans."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fakes.spans import Recorder
from synergos.domain.job import Job, JobError, Stage
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.trace_context import TraceContext
from synergos.errors import WorkerUnreachable
from synergos.tracing import OFF, Kind
from synergos_ttp.control import Control
from synergos_ttp.events import Event, JobEnded, JobStarted, LossCause, ParticipantLost, RoundDone, RoundSeconds
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, Outcome, Pruned
from synergos_ttp.traces import NO_TRACE, JobTrace, traces

JOB = Job(Stage.TRAIN, RunKey("c", "p", "e", "r"))
ASKED = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
ERROR = JobError("WorkerUnreachable", "no sign of life at 10.0.0.9:8020", "hospital")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def trace(recorder: Recorder) -> JobTrace:
    return traces(recorder)(JOB)


def ask(trace: JobTrace, participant: str, number: int | None = None, what: str = "PUT round") -> dict[str, str]:
    with trace.at(participant).transfer(what, 100, number) as transfer:
        transfer.note(200)
        return dict(transfer.headers)


def round_done(number: int, *participants: str, seconds: RoundSeconds | None = None) -> Event:
    return RoundDone(number, 2, 0.5, dict.fromkeys(participants, 0.5), {}, None, seconds=seconds)


def test_a_run_is_rounds_of_participants_parts_of_transfers(trace: JobTrace, recorder: Recorder) -> None:
    ask(trace, "hospital", what="POST initialise")
    for number in range(2):
        for who in ("hospital", "clinic"):
            ask(trace, who, number)
        trace(round_done(number, "hospital", "clinic"))
    trace(JobEnded(JOB, Completed(None)))

    run = recorder.of("run", outcome="completed", job_id=JOB.id, run_id="r", stage="train")
    assert (run.context, run.parent, run.failure) == (JOB.span, None, None)
    for number in range(2):
        of_round = recorder.of("round", round=number, outcome="committed", participants=2, rounds=2)
        assert of_round.parent == run.context.span_id
        for who in ("hospital", "clinic"):
            part = recorder.of("participant", round=number, participant=who, outcome="answered")
            transfer = recorder.of("transfer", round=number, participant=who)
            assert (part.parent, transfer.parent) == (of_round.context.span_id, part.context.span_id)
            assert of_round.start <= part.start <= transfer.start <= transfer.end <= part.end <= of_round.end
            assert transfer.attributes["synergos.bytes.sent"] == 100
            assert transfer.attributes["synergos.bytes.received"] == 200
            assert transfer.kind is Kind.CLIENT
    beside = recorder.of("participant", participant="hospital", outcome="ended")
    assert beside.parent == run.context.span_id
    assert recorder.of("transfer", request="POST initialise").parent == beside.context.span_id
    assert {span.context.trace_id for span in recorder.spans} == {JOB.id}
    assert len({span.context.span_id for span in recorder.spans}) == len(recorder.spans) == 13


def test_a_worker_is_told_the_transfer_it_answers(trace: JobTrace, recorder: Recorder) -> None:
    headers = ask(trace, "hospital", 0)

    [transfer] = recorder.named("transfer")
    assert headers == {"traceparent": transfer.context.header}


def test_a_transfer_that_is_gone_on_with_is_one(trace: JobTrace, recorder: Recorder) -> None:
    transfer = trace.at("hospital").transfer("PUT round", 100, 0)
    with transfer:
        transfer.keep_open()
    assert recorder.spans == []
    with transfer:
        transfer.note(200)

    assert recorder.of("transfer").attributes["synergos.bytes.received"] == 200


def test_of_a_failure_its_kind_is_told_and_no_word(trace: JobTrace, recorder: Recorder) -> None:
    with pytest.raises(WorkerUnreachable), trace.at("hospital").transfer("PUT round", 100, 0):
        raise WorkerUnreachable("no sign of life at 10.0.0.9:8020", "hospital")
    trace(ParticipantLost(0, "hospital", "no sign of life at 10.0.0.9:8020"))
    trace(round_done(0, "clinic"))
    trace(JobEnded(JOB, Failed(ERROR)))

    assert recorder.of("transfer").failure == "WorkerUnreachable"
    assert recorder.of("participant", outcome="silent").failure == "silent"
    assert recorder.of("round").failure is None
    assert recorder.of("run", outcome="failed").failure == "WorkerUnreachable"
    assert "10.0.0.9" not in repr(recorder.spans)


def test_an_update_that_is_refused_is_told(trace: JobTrace, recorder: Recorder) -> None:
    ask(trace, "hospital", 0)
    trace(ParticipantLost(0, "hospital", "it moves too far", LossCause.TOO_FAR))
    trace(round_done(0, "clinic"))

    assert recorder.of("participant", outcome="too_far").failure == "too_far"


def test_a_round_says_where_its_time_went(trace: JobTrace, recorder: Recorder) -> None:
    ask(trace, "hospital", 0)
    trace(round_done(0, "hospital", seconds=RoundSeconds(1.0, 2.0, 3.0, 4.0, 5.0, {"hospital": (0.5, 0.25)})))

    said = {name: value for name, value in recorder.of("round").attributes.items() if ".seconds." in name}
    assert said == {
        f"synergos.seconds.{name}": seconds
        for name, seconds in {"training": 1.0, "transfer": 2.0, "waiting": 3.0, "averaging": 4.0, "commit": 5.0}.items()
    }
    own = recorder.of("participant").attributes
    assert (own["synergos.seconds.training"], own["synergos.seconds.transfer"]) == (0.5, 0.25)


def test_a_round_that_was_committed_before_is_not_told_again(trace: JobTrace, recorder: Recorder) -> None:
    trace(round_done(0, "hospital"))

    assert recorder.spans == []


def test_how_long_a_job_waited_is_told_once(recorder: Recorder) -> None:
    accepted = datetime.now(UTC) - timedelta(seconds=60)
    job = replace(JOB, created_at=accepted)
    trace = traces(recorder)(job)

    trace(JobStarted(job))
    trace(JobStarted(job, is_resumed=True))

    [waiting] = recorder.named("waiting")
    assert waiting.parent == JOB.span.span_id
    assert 60e9 <= waiting.end - waiting.start < 600e9
    assert abs(waiting.start - accepted.timestamp() * 1e9) < 2000


@pytest.mark.parametrize(
    "outcome", [Interrupted("stopping"), Lost("taken"), Failed(ERROR, 5.0)], ids=lambda each: type(each).__name__
)
def test_an_attempt_that_is_not_the_last_leaves_the_whole_to_the_last_one(outcome: Outcome, recorder: Recorder) -> None:
    first, last = traces(recorder)(JOB), traces(recorder)(replace(JOB, attempts=1, grid=1))
    ask(first, "hospital", 0)
    first(round_done(0, "hospital"))
    ask(first, "hospital", 1)
    first(JobEnded(JOB, outcome))
    ask(last, "hospital", 1)
    last(round_done(1, "hospital"))
    last(JobEnded(JOB, Completed(None)))

    run = recorder.of("run", outcome="completed", attempts=1)
    rounds = recorder.named("round")
    assert {each.parent for each in rounds} == {run.context.span_id}
    told = [(each.attributes["synergos.round"], each.attributes["synergos.outcome"]) for each in rounds]
    assert told == [(0, "committed"), (1, "unfinished"), (1, "committed")]
    assert len({each.context for each in recorder.spans}) == len(recorder.spans)


@pytest.mark.parametrize("outcome", [Cancelled(ERROR), Pruned(ERROR)], ids=lambda each: type(each).__name__)
def test_a_job_that_somebody_ended_has_not_failed(outcome: Outcome, trace: JobTrace, recorder: Recorder) -> None:
    trace(JobEnded(JOB, outcome))

    assert recorder.of("run").failure is None


def test_a_job_that_was_asked_for_in_a_trace_is_part_of_it(recorder: Recorder) -> None:
    job = replace(JOB, trace=ASKED, keys=ProjectKey("c", "p"), stage=Stage.PREPROCESS)

    traces(recorder)(job)(JobEnded(job, Completed(None)))

    [alignment] = recorder.named("alignment")
    assert (alignment.context.trace_id, alignment.parent) == (ASKED.trace_id, ASKED.span_id)


def test_who_records_nothing_passes_on_what_it_was_told() -> None:
    trace = traces(OFF)(replace(JOB, trace=ASKED))

    assert ask(trace, "hospital", 0) == ask(trace, "clinic") == {"traceparent": ASKED.header}


def test_where_nobody_records_anything_nothing_is_sent() -> None:
    trace = traces(OFF)(JOB)

    assert trace is NO_TRACE
    assert ask(trace, "hospital", 0) == {}


def test_workers_are_asked_in_the_spans_of_whoever_follows_the_job(trace: JobTrace) -> None:
    control = Control()
    assert control.trace is NO_TRACE

    control.subscribe(lambda _event: None, trace)
    control.subscribe(lambda _event: None)

    assert control.trace is trace
