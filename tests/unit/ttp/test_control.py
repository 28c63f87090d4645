"""Events are told to everybody, and a job is asked to stop for one reason."""

from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from synergos.errors import JobCancelled, JobInterrupted, TrialPruned
from synergos_ttp.control import Control
from synergos_ttp.events import Event, RoundJudged

JUDGED = RoundJudged(3, 0.5)


def fail(_event: Event) -> None:
    raise ZeroDivisionError


def prune(_event: Event) -> None:
    raise TrialPruned("worse than the others")


def test_a_subscriber_that_fails_costs_nobody_anything() -> None:
    told: list[Event] = []
    with capture_logs() as lines:
        Control(fail, told.append).publish(JUDGED)

    assert told == [JUDGED]
    assert [(line["log_level"], line["event_type"]) for line in lines] == [("error", "RoundJudged")]


def test_a_subscriber_that_ends_the_job_does_so_when_all_have_been_told() -> None:
    told: list[Event] = []

    with pytest.raises(TrialPruned):
        Control(prune, told.append).publish(JUDGED)

    assert told == [JUDGED]


def test_the_first_reason_to_stop_is_the_one_that_counts() -> None:
    control = Control()
    control.check()

    control.stop(JobInterrupted("first"))
    control.stop(JobCancelled("second"))

    with pytest.raises(JobInterrupted, match="first"):
        control.check()


def test_a_pause_ends_when_the_job_is_to_stop() -> None:
    control = Control()
    control.stop(JobCancelled("no more"))

    control.pause(1000)  # longer than a test may take

    with pytest.raises(JobCancelled):
        control.check()


def test_events_of_several_threads_are_told_one_after_the_other() -> None:
    other = RoundJudged(4, 0.5)
    heard_other = threading.Event()
    began = threading.Event()

    def publish_other() -> None:
        began.set()
        control.publish(other)

    thread = threading.Thread(target=publish_other)

    def hear(event: Event) -> None:
        if event == other:
            heard_other.set()
            return
        thread.start()
        assert began.wait(60)
        assert not heard_other.wait(0.02)

    told: list[Event] = []
    control = Control(hear, told.append)
    control.publish(JUDGED)
    thread.join()

    assert told == [JUDGED, other]
    assert heard_other.is_set()
