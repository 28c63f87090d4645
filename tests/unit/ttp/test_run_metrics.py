"""Events of jobs as counts, for each participant and outcome."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from synergos.domain.job import Job, JobError, Stage
from synergos.domain.keys import job_key
from synergos_ttp.events import (
    JobEnded,
    JobStarted,
    ParticipantAwaited,
    ParticipantLeftOut,
    ParticipantLost,
    ParticipantNotAwaited,
    RoundDone,
    RoundSeconds,
    UpdateShortened,
)
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, Outcome, Pruned
from synergos_ttp.subscribers.metrics import RunMetrics

JOB = Job(Stage.TRAIN, job_key({"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}))
ERROR = JobError("Conflict", "it failed")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_rounds_and_those_who_were_missing_are_counted(registry: CollectorRegistry) -> None:
    note = RunMetrics(registry).of(JOB)

    note(JobStarted(JOB))
    note(RoundDone(0, 2, 0.5, {}, {}, None))
    note(ParticipantLost(1, "hospital_1", "no answer"))
    note(ParticipantLost(1, "hospital_1", "its update has values that are not finite", is_refused=True))
    note(ParticipantLost(1, "hospital_1", "no answer"))
    note(UpdateShortened(1, "hospital_2", "moves too far"))
    note(RoundDone(1, 2, 0.5, {}, {}, None))
    note(ParticipantLeftOut("hospital_2", "has no rows"))

    assert registry.get_sample_value("synergos_rounds_total") == 2
    lost = {
        cause: registry.get_sample_value(
            "synergos_participant_losses_total", {"participant": "hospital_1", "cause": cause}
        )
        for cause in ("silent", "refused")
    }
    assert lost == {"silent": 2, "refused": 1}
    assert registry.get_sample_value("synergos_updates_shortened_total", {"participant": "hospital_2"}) == 1
    assert registry.get_sample_value("synergos_participant_omissions_total", {"participant": "hospital_2"}) == 1
    assert registry.get_sample_value("synergos_jobs_at_work") == 1


def test_it_is_told_where_the_time_of_rounds_goes(registry: CollectorRegistry) -> None:
    note = RunMetrics(registry).of(JOB)

    for _ in range(2):
        seconds = RoundSeconds(4.0, 1.0, 2.0, 0.5, 0.25, {"near": (4.0, 1.0), "far": (1.0, 3.0)})
        note(RoundDone(0, 2, 0.5, {}, {}, None, seconds=seconds))

    phases = ("training", "transfer", "waiting", "averaging", "commit")
    sums = {phase: registry.get_sample_value("synergos_round_seconds_sum", {"phase": phase}) for phase in phases}
    assert sums == {"training": 8.0, "transfer": 2.0, "waiting": 4.0, "averaging": 1.0, "commit": 0.5}
    assert registry.get_sample_value("synergos_round_seconds_count", {"phase": "commit"}) == 2
    own = {
        (who, phase): registry.get_sample_value(
            "synergos_participant_round_seconds_total", {"participant": who, "phase": phase}
        )
        for who in ("near", "far")
        for phase in ("training", "transfer")
    }
    assert own == {("near", "training"): 8, ("near", "transfer"): 2, ("far", "training"): 2, ("far", "transfer"): 6}


def test_who_is_waited_for_is_told_until_it_is_back(registry: CollectorRegistry) -> None:
    note, now = RunMetrics(registry).of(JOB), datetime.now(UTC)
    of_hospital = {"participant": "hospital_1"}

    note(ParticipantAwaited("hospital_1", now, now, "round 1", "silent"))
    assert registry.get_sample_value("synergos_participant_awaited", of_hospital) == 1
    note(ParticipantNotAwaited("hospital_1"))
    assert registry.get_sample_value("synergos_participant_awaited", of_hospital) == 0


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        (Completed(None), "completed"),
        (Cancelled(ERROR), "cancelled"),
        (Pruned(ERROR), "pruned"),
        (Failed(ERROR), "failed"),
        (Interrupted("stopping"), "interrupted"),
        (Lost("somebody else has it"), "lost"),
    ],
    ids=["completed", "cancelled", "pruned", "failed", "interrupted", "lost"],
)
def test_every_end_of_an_attempt_is_counted_and_timed(registry: CollectorRegistry, outcome: Outcome, name: str) -> None:
    note = RunMetrics(registry).of(JOB)
    note(JobStarted(JOB))

    note(JobEnded(JOB, outcome))

    ended = {"stage": "train", "outcome": name}
    assert registry.get_sample_value("synergos_job_attempts_total", ended) == 1
    assert registry.get_sample_value("synergos_job_seconds_count", {"stage": "train"}) == 1
    assert registry.get_sample_value("synergos_jobs_at_work") == 0


def test_a_job_that_ends_without_being_taken_up_was_no_attempt(registry: CollectorRegistry) -> None:
    RunMetrics(registry).of(JOB)(JobEnded(JOB, Cancelled(ERROR)))

    assert registry.get_sample_value("synergos_jobs_at_work") == 0
    assert registry.get_sample_value("synergos_job_attempts_total", {"stage": "train", "outcome": "cancelled"}) == 0


def test_after_a_job_nobody_is_waited_for(registry: CollectorRegistry) -> None:
    note, now = RunMetrics(registry).of(JOB), datetime.now(UTC)
    note(JobStarted(JOB))
    note(ParticipantAwaited("hospital_1", now, now, "round 1", "silent"))

    note(JobEnded(JOB, Failed(ERROR)))

    assert registry.get_sample_value("synergos_participant_awaited", {"participant": "hospital_1"}) == 0
