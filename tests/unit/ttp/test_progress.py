"""What a job's record says of how far it is: all that is known, and no round waits for it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from support.waiting import until
from synergos.domain.job import Job, JobError, Stage
from synergos.domain.job_event import JobEvent, JobEventKind, JobNews, RoundLoss
from synergos.domain.keys import ProjectKey
from synergos.domain.loss_history import LossHistory
from synergos.errors import LeaseLost
from synergos_ttp.control import Control
from synergos_ttp.events import (
    Event,
    JobEnded,
    ParticipantAwaited,
    ParticipantNotAwaited,
    ParticipantTransferred,
    ParticipantTransfers,
    ParticipantUnsealed,
    RoundDone,
    RoundJudged,
    TrainingStarted,
    WorkStarted,
)
from synergos_ttp.outcomes import Completed, Failed
from synergos_ttp.subscribers.progress import Progress

DEADLINE = 100.0
JOB = Job(Stage.TRAIN, ProjectKey("c", "p"))
ENDED = JobEnded(JOB, Completed(None))


class Store:
    """A record store that writes when it is let.

    Attributes:
        writing: set when a write has begun.
        open: lets writes go on.
    """

    def __init__(self) -> None:
        self.written: list[Mapping[str, Any]] = []
        self.updated: list[str] = []
        self.news: list[JobNews] = []
        self.writing, self.open = threading.Event(), threading.Event()
        self.open.set()
        self.failures: list[Exception] = []

    def write(self, progress: Mapping[str, Any] | None, news: JobNews) -> None:
        self.writing.set()
        assert self.open.wait(DEADLINE)
        if self.failures:
            raise self.failures.pop()
        self.news.append(news)
        if progress is not None:
            self.written.append({name: value for name, value in progress.items() if name != "updated_at"})
            self.updated.append(progress["updated_at"])

    def has_written(self, count: int) -> bool:
        return len(self.written) == count


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def control() -> Control:
    return Control()


@pytest.fixture
def progress(store: Store, control: Control) -> Progress:
    return Progress(store.write, control)


def done(number: int, rounds: int = 4, **local: float) -> RoundDone:
    return RoundDone(number, rounds, 1.5, local or {"a": 1.0}, {}, float(rounds - number - 1))


def test_it_says_round_losses_and_time_left(store: Store, progress: Progress) -> None:
    progress(TrainingStarted(4, {}, LossHistory()))
    progress(done(0, a=2.0, b=3.0))
    progress(RoundJudged(0, 5.0))
    progress(RoundDone(1, 4, 1.5, {"a": 1.0}, {"b": "no answer"}, 2.0))
    progress(ENDED)

    assert store.written[-1] == {
        "round": 2,
        "rounds": 4,
        "losses": {"train": 1.5, "evaluate": 5.0, "participants": {"a": 1.0, "b": None}},
        "checkpoints": {"1": 5.0},
        "absent": {"b": "no answer"},
        "fraction": 0.5,
        "seconds_left": 2.0,
    }


def test_a_loss_over_fewer_participants_is_no_checkpoint(store: Store, progress: Progress) -> None:
    progress(TrainingStarted(4, {}, LossHistory()))
    progress(done(0))
    progress(RoundJudged(0, 5.0, ("b",)))
    progress(done(1))
    progress(RoundJudged(1, 4.0))
    progress(ENDED)

    assert store.written[-1]["checkpoints"] == {"2": 4.0}


def test_no_round_waits_for_the_store_and_no_checkpoint_is_lost(store: Store, progress: Progress) -> None:
    store.open.clear()
    progress(TrainingStarted(100, {}, LossHistory()))
    for number in range(100):
        # Nothing can be written meanwhile: it would wait for ever if it waited.
        progress(done(number, rounds=100))
        progress(RoundJudged(number, float(number)))
    store.open.set()
    progress(ENDED)

    # The one that was being written, and the newest.
    assert len(store.written) <= 2
    assert store.written[-1]["round"] == 100
    checkpoints = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)
    assert store.written[-1]["checkpoints"] == {str(number): number - 1.0 for number in checkpoints}


def test_it_is_stored_when_the_job_has_ended(store: Store, progress: Progress) -> None:
    store.open.clear()
    progress(WorkStarted(("a",)))
    assert store.writing.wait(DEADLINE)
    progress(done(0))
    opener = threading.Timer(0.05, store.open.set)
    opener.start()

    progress(ENDED)

    assert store.written[-1]["round"] == 1
    opener.join()


def test_a_training_that_is_taken_up_again_says_what_it_has_already(store: Store, progress: Progress) -> None:
    past = LossHistory({0: 2.0, 1: 1.0}, {0: 5.0}, {"a": {0: 2.0, 1: 1.0}, "b": {0: 3.0}})

    progress(TrainingStarted(4, {}, past))
    progress(JobEnded(JOB, Completed(None)))

    assert store.written[-1] == {
        "round": 2,
        "rounds": 4,
        "losses": {"train": 1.0, "evaluate": 5.0, "participants": {"a": 1.0, "b": None}},
        "checkpoints": {"1": 5.0},
        "absent": {},
        "fraction": 0.5,
    }


def test_what_is_tried_again_says_why_and_keeps_its_checkpoints(store: Store, progress: Progress) -> None:
    progress(TrainingStarted(4, {}, LossHistory()))
    progress(done(0))
    progress(RoundJudged(0, 5.0))
    progress(JobEnded(JOB, Failed(JobError("WorkerUnreachable", "no answer"), retry_in=5.0)))

    assert (store.written[-1]["last_error"], store.written[-1]["checkpoints"]) == ("no answer", {"1": 5.0})


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
AWAITED = ParticipantAwaited("b", NOON, NOON + timedelta(seconds=25), "round 2", "b: cannot be reached")


def test_who_is_waited_for_is_said_until_nobody_is_waited_for(store: Store, control: Control) -> None:
    progress = Progress(store.write, control)
    told: list[Event] = [AWAITED, done(0), ParticipantNotAwaited("b")]
    for count, event in enumerate(told):
        progress(event)
        until(partial(store.has_written, count + 1), "the progress to be written")
    progress(ENDED)

    waiting = [
        {
            "participant": "b",
            "since": "2026-01-02T12:00:00+00:00",
            "until": "2026-01-02T12:00:25+00:00",
            "for": "round 2",
            "reason": "b: cannot be reached",
        }
    ]
    said = [(written.get("round"), written.get("waiting_for")) for written in store.written]
    assert said == [(None, waiting), (1, waiting), (1, None)]


def test_whose_line_is_slow_is_said_until_all_has_passed(store: Store, control: Control) -> None:
    progress = Progress(store.write, control)
    told: list[Event] = [ParticipantTransfers("b", "sending", 50, 200, 12.4), done(0), ParticipantTransferred("b")]
    for count, event in enumerate(told):
        progress(event)
        until(partial(store.has_written, count + 1), "the progress to be written")
    progress(ENDED)

    slow = [{"participant": "b", "direction": "sending", "bytes": 50, "of": 200, "rate": 12}]
    said = [(written.get("round"), written.get("transfers")) for written in store.written]
    assert said == [(None, slow), (1, slow), (1, None)]


def test_who_is_asked_unsealed_is_said_to_the_end(store: Store, progress: Progress) -> None:
    progress(ParticipantUnsealed("b"))
    progress(ParticipantUnsealed("b"))
    progress(done(0))
    progress(ENDED)

    assert (store.written[-1]["round"], store.written[-1]["unsealed"]) == (1, ["b"])


def test_a_store_that_is_away_for_a_moment_costs_nothing(store: Store, control: Control, progress: Progress) -> None:
    store.failures.append(ConnectionError())
    progress(done(0))
    progress(ENDED)

    assert [written["round"] for written in store.written] == [1]
    assert not control.is_stopped


def test_a_job_that_is_somebody_elses_is_stopped(store: Store, control: Control, progress: Progress) -> None:
    lost = LeaseLost("not this TTP's any more")
    store.failures.append(lost)
    progress(done(0))
    progress(ENDED)

    assert (control.reason, store.written) == (lost, [])


def test_it_says_when_that_was_so(store: Store, control: Control) -> None:
    progress = Progress(store.write, control, lambda: NOON)
    progress(done(0))
    progress(ENDED)

    assert store.updated == ["2026-01-02T12:00:00.000+00:00"]


def test_news_are_stored_with_the_progress_and_none_is_left_out(store: Store, progress: Progress) -> None:
    """However many reports before it were never written, and though the first write fails."""
    store.failures.append(ConnectionError())
    for number in range(50):
        progress.tell(JobNews((JobEvent(JobEventKind.BACK, str(number)),), (RoundLoss(1, float(number), None, {}),)))
        progress(done(0))
    progress(ENDED)

    events = [event.participant for news in store.news for event in news.events]
    assert events == [str(number) for number in range(50)]
    assert store.news[-1].rounds[-1].train == 49.0


def test_news_alone_leave_the_progress_as_it_is(store: Store, progress: Progress) -> None:
    progress.tell(JobNews((JobEvent(JobEventKind.ACCEPTED),)))
    progress(ENDED)

    assert (store.written, len(store.news)) == ([], 1)
