"""Events of jobs as counts, for each participant and outcome."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from synergos.domain.job import Job, JobError, Stage
from synergos.domain.keys import job_key
from synergos.errors import (
    Conflict,
    GridError,
    NotNeeded,
    SynergosError,
    WireFormatError,
    WorkerForbids,
    WorkerUnreachable,
)
from synergos.learning.update_faults import Fault
from synergos.program.metrics import OTHERS
from synergos_ttp.events import (
    JobEnded,
    JobStarted,
    LossCause,
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
from synergos_ttp.subscribers.participant_metrics import ParticipantMetrics

JOB = Job(Stage.TRAIN, job_key({"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}))
ERROR = JobError("Conflict", "it failed")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> RunMetrics:
    return RunMetrics(registry, ParticipantMetrics(registry, most=2))


def of_each(registry: CollectorRegistry, name: str, **labels: str) -> dict[str, float]:
    """A metric's value for each participant that has more than nothing."""
    found = {
        who: registry.get_sample_value(name, {"participant": who, **labels})
        for who in ("hospital_1", "hospital_2", "hospital_3", OTHERS)
    }
    return {who: value for who, value in found.items() if value}


def test_rounds_and_those_who_were_missing_are_counted(registry: CollectorRegistry, metrics: RunMetrics) -> None:
    note = metrics.of(JOB)

    note(JobStarted(JOB))
    note(RoundDone(0, 2, 0.5, {}, {}, None))
    note(ParticipantLost(1, "hospital_1", "no answer"))
    note(ParticipantLost(1, "hospital_1", "its update has values that are not finite", LossCause.NOT_FINITE))
    note(ParticipantLost(1, "hospital_1", "no answer"))
    note(UpdateShortened(1, "hospital_2", "moves too far"))
    note(RoundDone(1, 2, 0.5, {}, {}, None))
    note(ParticipantLeftOut("hospital_2", "has no rows"))

    assert registry.get_sample_value("synergos_rounds_total") == 2
    assert of_each(registry, "synergos_participant_losses_total", cause="silent") == {"hospital_1": 2}
    assert of_each(registry, "synergos_participant_losses_total", cause="not_finite") == {"hospital_1": 1}
    refused = {
        cause.value: registry.get_sample_value("synergos_updates_refused_total", {"reason": cause.value})
        for cause in LossCause
    }
    assert {reason: count for reason, count in refused.items() if count is not None} == {
        "malformed": 0,
        "impossible": 0,
        "rows": 0,
        "not_finite": 1,
        "loss": 0,
        "too_far": 0,
    }
    assert registry.get_sample_value("synergos_updates_shortened_total", {"participant": "hospital_2"}) == 1
    assert registry.get_sample_value("synergos_participant_omissions_total", {"participant": "hospital_2"}) == 1
    assert registry.get_sample_value("synergos_jobs_at_work") == 1


def test_it_is_told_where_the_time_of_rounds_goes(registry: CollectorRegistry, metrics: RunMetrics) -> None:
    note = metrics.of(JOB)

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
    assert registry.get_sample_value("synergos_participant_rounds_total", {"participant": "far"}) == 2


def test_so_many_participants_are_told_apart_and_the_others_are_one(
    registry: CollectorRegistry, metrics: RunMetrics
) -> None:
    note = metrics.of(JOB)

    for who in ("hospital_1", "hospital_2", "hospital_3", "hospital_4", "hospital_1"):
        note(UpdateShortened(1, who, "moves too far"))

    assert of_each(registry, "synergos_updates_shortened_total") == {"hospital_1": 2, "hospital_2": 1, OTHERS: 2}


def test_what_never_happened_to_a_participant_is_told_as_soon_as_it_is_known(registry: CollectorRegistry) -> None:
    ParticipantMetrics(registry).sent("hospital_1", 1)

    for cause in LossCause:
        labels = {"participant": "hospital_1", "cause": cause.value}
        assert registry.get_sample_value("synergos_participant_losses_total", labels) == 0
    assert registry.get_sample_value("synergos_participant_awaited", {"participant": "hospital_1"}) == 0


def test_bytes_are_counted_by_participant_and_direction(registry: CollectorRegistry) -> None:
    participants = ParticipantMetrics(registry)

    participants.sent("hospital_1", 300)
    participants.received("hospital_1", 20)
    participants.received("hospital_1", 1)

    name = "synergos_participant_transferred_bytes_total"
    assert of_each(registry, name, direction="down") == {"hospital_1": 300}
    assert of_each(registry, name, direction="up") == {"hospital_1": 21}


@pytest.mark.parametrize(
    ("error", "cause", "is_refusal"),
    [
        (WorkerUnreachable("no sign of life"), LossCause.SILENT, False),
        (NotNeeded("too late"), LossCause.UNNEEDED, False),
        (WorkerForbids("too many epochs"), LossCause.DECLINED, False),
        (Conflict("it has other rows now"), LossCause.DECLINED, False),
        (WireFormatError("no message of ours"), LossCause.MALFORMED, True),
        (GridError("claims a loss below 0"), LossCause.IMPOSSIBLE, True),
    ],
    ids=lambda value: value.value if isinstance(value, LossCause) else "",
)
def test_every_failure_of_an_exchange_is_of_one_kind(error: SynergosError, cause: LossCause, is_refusal: bool) -> None:
    assert (LossCause.of(error), LossCause.of(error).is_refusal) == (cause, is_refusal)


def test_whatever_the_gate_refuses_is_a_cause() -> None:
    assert all(LossCause(fault).is_refusal for fault in Fault)


def test_who_is_waited_for_is_told_until_it_is_back(registry: CollectorRegistry, metrics: RunMetrics) -> None:
    note, now = metrics.of(JOB), datetime.now(UTC)
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
def test_every_end_of_an_attempt_is_counted_and_timed(
    registry: CollectorRegistry, metrics: RunMetrics, outcome: Outcome, name: str
) -> None:
    note = metrics.of(JOB)
    note(JobStarted(JOB))

    note(JobEnded(JOB, outcome))

    ended = {"stage": "train", "outcome": name}
    assert registry.get_sample_value("synergos_job_attempts_total", ended) == 1
    assert registry.get_sample_value("synergos_job_seconds_count", {"stage": "train"}) == 1
    assert registry.get_sample_value("synergos_jobs_at_work") == 0


def test_a_job_that_ends_without_being_taken_up_was_no_attempt(
    registry: CollectorRegistry, metrics: RunMetrics
) -> None:
    metrics.of(JOB)(JobEnded(JOB, Cancelled(ERROR)))

    assert registry.get_sample_value("synergos_jobs_at_work") == 0
    assert registry.get_sample_value("synergos_job_attempts_total", {"stage": "train", "outcome": "cancelled"}) == 0


def test_after_a_job_nobody_is_waited_for(registry: CollectorRegistry, metrics: RunMetrics) -> None:
    note, now = metrics.of(JOB), datetime.now(UTC)
    note(JobStarted(JOB))
    note(ParticipantAwaited("hospital_1", now, now, "round 1", "silent"))

    note(JobEnded(JOB, Failed(ERROR)))

    assert registry.get_sample_value("synergos_participant_awaited", {"participant": "hospital_1"}) == 0
