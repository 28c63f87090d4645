"""What is kept of an attempt: each thing when it begins and when it is over, and every round's losses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fakes.owner import Owner
from synergos.domain.job import Job, JobError, Stage
from synergos.domain.job_event import JobEventKind, JobNews
from synergos.domain.keys import RunKey
from synergos.domain.loss_history import LossHistory
from synergos_ttp.events import (
    Event,
    JobEnded,
    JobStarted,
    LossCause,
    ParticipantAwaited,
    ParticipantLeftOut,
    ParticipantLost,
    ParticipantNotAwaited,
    ParticipantUnsealed,
    RoundDone,
    RoundJudged,
    SessionOpened,
    TrainingStarted,
    UpdateShortened,
    WeightLimited,
    WorkStarted,
)
from synergos_ttp.outcomes import Completed, Failed, Held, Interrupted, Outcome
from synergos_ttp.subscribers.recorder import Recorder

JOB = Job(Stage.TRAIN, RunKey("c", "p", "e", "r"), grid=0, ttp="ttp_1").started()
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
AWAITED = ParticipantAwaited("b", NOON, NOON + timedelta(seconds=25), "round 2", "b: cannot be reached")


def told(events: Sequence[Event], **options: Any) -> list[JobNews]:
    news: list[JobNews] = []
    recorder = Recorder(news.append, lambda: NOON, **options)
    for event in events:
        recorder(event)
    return news


def seen(events: Sequence[Event], **options: Any) -> list[tuple[JobEventKind, str | None, dict[str, Any]]]:
    found = [event for news in told(events, **options) for event in news.events]
    return [(event.kind, event.participant, dict(event.about)) for event in found]


def done(number: int, rounds: int = 100, loss: float | None = 0.5, **local: float) -> RoundDone:
    return RoundDone(number, rounds, loss, local or {"a": 0.5}, {}, None)


def lost(number: int, who: str = "b") -> ParticipantLost:
    return ParticipantLost(number, who, f"{who}: no answer", LossCause.SILENT)


def test_it_says_who_takes_part_and_where() -> None:
    events: list[Event] = [JobStarted(JOB, is_resumed=True), WorkStarted(("a", "b")), SessionOpened("a", {"train": 9})]

    assert seen(events) == [
        (JobEventKind.TAKEN_UP, None, {"ttp": "ttp_1", "grid": 0, "is_resumed": True}),
        (JobEventKind.WORK_BEGAN, None, {"participants": ["a", "b"]}),
        (JobEventKind.SESSION_OPENED, "a", {"rows": {"train": 9}}),
    ]


def test_of_many_rounds_few_are_events_and_all_are_losses() -> None:
    news = told([TrainingStarted(100, {}, LossHistory()), *map(done, range(100))])

    rounds = [event.about["round"] for each in news for event in each.events if event.kind is JobEventKind.ROUND_DONE]
    assert rounds == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 100]
    assert [loss.number for each in news for loss in each.rounds] == list(range(1, 101))


def test_how_good_a_round_is_is_told_with_what_it_has_lost() -> None:
    [first, second] = told([done(0, a=1.0, b=2.0), RoundJudged(0, 0.25)])

    [before], [after] = first.rounds, second.rounds
    assert (before.number, before.evaluate, before.participants, before.at) == (1, None, {"a": 1.0, "b": 2.0}, NOON)
    assert (after.number, after.train, after.evaluate, after.participants) == (1, 0.5, 0.25, {"a": 1.0, "b": 2.0})


def test_what_earlier_attempts_have_committed_is_told_too() -> None:
    history = LossHistory()
    history.trained(0, 0.9, {"a": 0.8})
    history.evaluated(0, 0.7)
    history.trained(1, 0.6, {"a": 0.5})

    begun, judged = told([TrainingStarted(9, {}, history), RoundJudged(1, 0.4)])

    assert begun.events[0].about == {"rounds": 9, "after": 2}
    assert [(each.number, each.train, each.evaluate) for each in begun.past] == [(1, 0.9, 0.7), (2, 0.6, None)]
    assert [(each.number, each.evaluate, each.participants) for each in judged.past] == [(2, 0.4, {"a": 0.5})]
    assert not judged.rounds


def test_who_is_away_for_long_is_told_once_and_again_when_it_is_back() -> None:
    events: list[Event] = [lost(1), done(1), lost(2), done(2), done(3, a=1.0, b=1.0), lost(4), lost(4, "a")]

    assert [event for event in seen(events) if event[0] is not JobEventKind.ROUND_DONE] == [
        (JobEventKind.ABSENT, "b", {"round": 2, "reason": "b: no answer"}),
        (JobEventKind.PRESENT, "b", {"round": 4}),
        (JobEventKind.ABSENT, "b", {"round": 5, "reason": "b: no answer"}),
        (JobEventKind.ABSENT, "a", {"round": 5, "reason": "a: no answer"}),
    ]


@pytest.mark.parametrize(("is_back", "kind"), [(True, JobEventKind.BACK), (False, JobEventKind.GIVEN_UP)])
def test_who_is_waited_for_is_told_and_how_that_ended(is_back: bool, kind: JobEventKind) -> None:
    assert seen([AWAITED, ParticipantNotAwaited("b", is_back), ParticipantNotAwaited("b")]) == [
        (
            JobEventKind.AWAITED,
            "b",
            {"until": "2026-01-02T12:00:25+00:00", "for": "round 2", "reason": "b: cannot be reached"},
        ),
        (kind, "b", {}),
    ]


def test_what_holds_round_after_round_is_told_once_of_each() -> None:
    once: list[Event] = [
        UpdateShortened(0, "a", "too long"),
        WeightLimited("a", 90, 50),
        ParticipantUnsealed("a"),
    ]

    assert seen([*once, *once, ParticipantLeftOut("b", "no rows")]) == [
        (JobEventKind.SHORTENED, "a", {"round": 1, "reason": "too long"}),
        (JobEventKind.WEIGHT_LIMITED, "a", {"rows": 90, "counted": 50}),
        (JobEventKind.UNSEALED, "a", {}),
        (JobEventKind.LEFT_OUT, "b", {"reason": "no rows"}),
    ]


def test_how_an_attempt_ends_is_told_unless_the_job_ends_with_it() -> None:
    failed = Failed(JobError("WorkerUnreachable", "no answer", "b", "port"), retry_in=5.0)

    ends: list[Outcome] = [failed, Held((Owner("c").hold(),)), Interrupted("x"), Completed(None)]
    assert seen([JobEnded(JOB, outcome) for outcome in ends]) == [
        (JobEventKind.RETRIED, "b", {"seconds": 5.0, "error": "no answer", "field": "port"}),
        (JobEventKind.HELD, "c", {}),
        (JobEventKind.INTERRUPTED, None, {}),
    ]


def test_no_attempt_fills_the_records() -> None:
    flapping: list[Event] = [each for _ in range(50) for each in (AWAITED, ParticipantNotAwaited("b"))]

    kinds = [kind for kind, _, _ in seen([JobStarted(JOB), *flapping, JobEnded(JOB, Interrupted("x"))], kept=10)]
    assert len(kinds) == 12
    assert kinds[-2:] == [JobEventKind.MORE, JobEventKind.INTERRUPTED]
