"""A cluster TTP's loop against a queue and a runner that do as they are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Protocol

import pytest
from structlog.testing import capture_logs

from factories.outputs import OUTPUTS, trained
from fakes.cluster_ttp import DEADLINE, Anybody, Message, MoodyLeases, Queue, Runner, Ttp, work_until_stopped
from fakes.owner import Owner, held_by
from support.waiting import until
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.job_progress import awaited_owners
from synergos.domain.outputs import Outputs, read_outputs
from synergos.domain.records import Kind
from synergos.errors import Conflict, WorkerUnreachable
from synergos.records import RecordStore
from synergos.records.database import Database
from synergos_ttp.control import Control
from synergos_ttp.events import WorkStarted
from synergos_ttp.running import holding, leased_job, leased_jobs
from synergos_ttp.running.attempt import Retries
from synergos_ttp.running.job_loop import JobLoop
from synergos_ttp.running.leased_jobs import LeasedJobs, SubGrid

LEASE = 20.0
"""Seconds; those of tests last longer (:class:`fakes.cluster_ttp.MoodyLeases`)."""
RENEWED_SOON = 0.4
"""The same, where a test waits for what a TTP hears of when it renews its lease."""


class TtpFor(Protocol):
    """Starts a TTP whose jobs a runner does."""

    def __call__(self, runner: Runner, lease: float = LEASE) -> Ttp:
        """See the class.

        Args:
            lease: seconds for which it has a job without renewing that.
        """


@pytest.fixture
def ttp_for(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[TtpFor]:
    # What is not announced is found when it is looked for; here only what is announced counts.
    monkeypatch.setattr(leased_jobs, "LOOK_SECONDS", 0.05)
    made: list[Ttp] = []

    def make(runner: Runner, lease: float = LEASE) -> Ttp:
        leases, queue = MoodyLeases(store, seconds=lease), Queue()
        jobs = LeasedJobs(store, leases, queue, runner, SubGrid(0, "ttp_0", OUTPUTS), Anybody())
        loop = JobLoop(jobs, runner, retries=Retries(attempts=2, delay=0.05))
        made.append(Ttp(store, leases, queue, runner, jobs, loop))
        made[-1].start()
        return made[-1]

    yield make
    for ttp in made:
        ttp.stop()
        ttp.close()


def test_an_outcome_is_sent_before_the_message_is_acknowledged(ttp_for: TtpFor) -> None:
    ttp = ttp_for(Runner())
    job, message = ttp.hand_in()
    until(lambda: message.fate == ["acknowledged"], "the job to be done", DEADLINE)

    [outcome] = ttp.queue.outcomes
    assert (outcome["job_id"], outcome["state"]) == (job.id, "completed")
    assert ttp.leases.outputs_of(job.id, outcome["lease"]) == OUTPUTS
    assert outcome["lease"] not in str(message.message)
    assert read_outputs(Stage.TRAIN, outcome["outputs"]) == trained()
    assert (ttp.state(job), ttp.runner.forgotten) == (JobState.ARCHIVING, [job.id])


def test_a_request_that_cannot_be_done_fails_at_once(ttp_for: TtpFor) -> None:
    def refuse(_job: Job, _control: Control) -> Outputs:
        raise Conflict("not aligned")

    ttp = ttp_for(Runner(refuse))
    job, message = ttp.hand_in()
    until(lambda: bool(message.fate), "the job to fail", DEADLINE)

    assert (message.fate, ttp.queue.dead) == (["acknowledged"], [(job.id, "not aligned")])
    assert ttp.queue.outcomes[0]["error"]["kind"] == "Conflict"


def test_the_job_that_was_given_up_is_buried_and_not_the_one_whose_message_is_in_hand(
    ttp_for: TtpFor,
) -> None:
    def fail_if_urgent(job: Job, _control: Control) -> Outputs:
        if job.priority:
            raise Conflict("the urgent job cannot be done")
        return trained()

    ttp = ttp_for(Runner(fail_if_urgent))
    # Ready together: the message that comes first is the calm job's, the turn the urgent one's.
    with ttp.store.transaction():
        calm, calm_message = ttp.hand_in("calm")
        urgent, urgent_message = ttp.hand_in("urgent", priority=1)
    until(lambda: bool(calm_message.fate and urgent_message.fate), "both jobs to end", DEADLINE)

    assert ttp.queue.dead == [(urgent.id, "the urgent job cannot be done")]
    assert [message.fate for message in (calm_message, urgent_message)] == [["acknowledged"], ["acknowledged"]]
    states = [(outcome["job_id"], outcome["state"]) for outcome in ttp.queue.outcomes]
    assert states == [(urgent.id, "failed"), (calm.id, "completed")]


def test_a_failure_that_may_pass_is_tried_again_and_given_up_in_the_end(ttp_for: TtpFor) -> None:
    attempts: list[int] = []

    def fail(job: Job, _control: Control) -> Outputs:
        attempts.append(job.attempts)
        raise WorkerUnreachable("no answer", "worker_1")

    ttp = ttp_for(Runner(fail))
    job, message = ttp.hand_in()
    until(lambda: bool(ttp.queue.outcomes), "the job to be given up", DEADLINE)

    assert attempts == [1, 2]
    assert ttp.queue.dead == [(job.id, "worker_1: no answer")]
    until(lambda: message.fate == ["acknowledged"], "the message to be settled", DEADLINE)
    error = ttp.queue.outcomes[0]["error"]
    assert (error["kind"], error["participant"]) == ("WorkerUnreachable", "worker_1")
    assert ttp.store.job(job.id).progress["last_error"] == "worker_1: no answer"


def test_what_nobody_foresaw_stops_nothing(ttp_for: TtpFor) -> None:
    def break_down(job: Job, _control: Control) -> Outputs:
        if job.attempts == 1:
            raise ZeroDivisionError
        return trained()

    ttp = ttp_for(Runner(break_down))
    ttp.hand_in()
    until(lambda: bool(ttp.queue.outcomes), "the second attempt", DEADLINE)
    assert ttp.queue.outcomes[0]["state"] == "completed"


def test_a_ttp_that_is_stopped_leaves_its_job_to_the_next(ttp_for: TtpFor) -> None:
    ttp = ttp_for(Runner(work_until_stopped))
    job, message = ttp.hand_in()
    until(lambda: ttp.state(job) is JobState.RUNNING, "the job to run", DEADLINE)

    ttp.stop()
    ttp.close()

    assert (message.fate, ttp.state(job), ttp.queue.outcomes) == (["given back"], JobState.QUEUED, [])
    assert ttp.runner.forgotten == []
    assert ttp.leases.grids.living() == {}


def test_a_job_is_cancelled_by_its_record(ttp_for: TtpFor) -> None:
    ttp = ttp_for(Runner(work_until_stopped), lease=RENEWED_SOON)
    job, _message = ttp.hand_in()
    until(lambda: ttp.state(job) is JobState.RUNNING, "the job to run", DEADLINE)

    assert ttp.leases.cancel(job.id)

    until(lambda: bool(ttp.queue.outcomes), "the outcome", DEADLINE)
    assert ttp.queue.outcomes[0]["state"] == "cancelled"


def test_a_job_that_somebody_else_has_is_left_alone(ttp_for: TtpFor) -> None:
    ttp = ttp_for(Runner(work_until_stopped), lease=RENEWED_SOON)
    job, message = ttp.hand_in()
    until(lambda: ttp.state(job) is JobState.RUNNING, "the job to run", DEADLINE)

    ttp.store.save_job(ttp.store.job(job.id).ended(JobState.CANCELLED))

    until(lambda: message.fate == ["acknowledged"], "the job to be left", DEADLINE)
    assert (ttp.queue.outcomes, ttp.runner.forgotten) == ([], [])


def test_an_outcome_waits_for_a_broker_that_is_away(ttp_for: TtpFor) -> None:
    ttp = ttp_for(Runner())
    ttp.queue.away.set()
    job, message = ttp.hand_in()
    until(lambda: ttp.state(job) is JobState.RUNNING, "the job to run", DEADLINE)
    assert message.fate == []

    ttp.queue.away.clear()

    until(lambda: message.fate == ["acknowledged"], "the outcome to be sent", DEADLINE)
    assert len(ttp.queue.outcomes) == 1


def test_what_is_another_clusters_is_parked_where_it_cannot_be_passed_on(ttp_for: TtpFor) -> None:
    ttp = ttp_for(Runner())
    ttp.queue.may_declare = False
    foreign = Message({"job_id": "x", "cluster": "elsewhere"})

    with capture_logs() as lines:
        ttp.queue.waiting.put(foreign)
        until(lambda: foreign.fate == ["parked"], "it to be parked", DEADLINE)

    assert [line["cluster"] for line in lines if "another cluster" in line["event"]] == ["elsewhere"]


def test_what_is_not_for_this_ttp_is_passed_on(ttp_for: TtpFor) -> None:
    ttp = ttp_for(Runner())
    foreign, no_job, nothing = (
        Message({"job_id": "x", "cluster": "elsewhere"}),
        Message({"project_id": "p"}),
        Message({"job_id": "ended long ago", "cluster": ttp.store.cluster_id()}),
    )
    for message in (foreign, no_job, nothing):
        ttp.queue.waiting.put(message)

    until(lambda: bool(nothing.fate), "all messages to be looked at", DEADLINE)
    assert (foreign.fate, no_job.fate) == (["forwarded to train.elsewhere"], ["parked"])
    assert nothing.fate == ["acknowledged"]


def test_what_another_sub_grid_must_run_goes_back(ttp_for: TtpFor) -> None:
    ttp = ttp_for(Runner())
    participant = {"collab_id": "c", "project_id": "p", "participant_id": "worker_1"}
    ttp.store.put(Kind.REGISTRATION, participant, {"n_count": 0})

    job, message = ttp.hand_in()

    until(lambda: message.fate == ["given back"], "the message to be given back", DEADLINE)
    assert ttp.state(job) is JobState.QUEUED


def test_a_job_that_was_ended_while_its_ttp_stops_takes_no_harm(ttp_for: TtpFor) -> None:
    def end_it_and_stop(job: Job, control: Control) -> Outputs:
        ttp.store.save_job(ttp.store.job(job.id).ended(JobState.CANCELLED))
        ttp.stop()
        control.check()
        return trained()

    ttp = ttp_for(Runner(end_it_and_stop))
    job, message = ttp.hand_in()

    until(lambda: message.fate == ["acknowledged"], "the message to be settled", DEADLINE)
    assert (ttp.state(job), ttp.queue.outcomes) == (JobState.CANCELLED, [])


def test_a_record_store_that_is_away_for_a_moment_ends_no_job(ttp_for: TtpFor) -> None:
    def work(_job: Job, control: Control) -> Outputs:
        ttp.leases.fails = "report"
        control.publish(WorkStarted(("worker_1",)))
        until(lambda: "progress not stored" in [line["event"] for line in lines], "the store to be missed", DEADLINE)
        ttp.leases.fails = None
        return trained()

    ttp = ttp_for(Runner(work))
    with capture_logs() as lines:
        job, message = ttp.hand_in()
        until(lambda: bool(message.fate), "the job to end", DEADLINE)

    progress = ttp.store.job(job.id).progress
    assert (message.fate, progress["participants"]) == (["acknowledged"], ["worker_1"])


@pytest.mark.parametrize("fails", ["claim", "deliver"])
def test_a_message_goes_back_when_the_record_store_is_away(ttp_for: TtpFor, fails: str) -> None:
    ttp = ttp_for(Runner())
    ttp.leases.fails = fails
    _job, message = ttp.hand_in()
    until(lambda: message.fate == ["given back"], "the message to be given back", DEADLINE)


def test_a_message_goes_back_when_it_cannot_be_handed_on(ttp_for: TtpFor) -> None:
    ttp = ttp_for(Runner())
    ttp.queue.away.set()
    message = Message({"job_id": "x", "cluster": "elsewhere"})
    ttp.queue.waiting.put(message)
    until(lambda: message.fate == ["given back"], "the message to be given back", DEADLINE)


def test_an_idle_ttp_tidies_up(ttp_for: TtpFor) -> None:
    ttp = ttp_for(Runner())
    ttp.queue.waiting.put(None)
    until(lambda: ttp.runner.looked_for > 1, "what is left to be looked for", DEADLINE)


def test_what_is_too_large_to_be_sent_fails_its_job(ttp_for: TtpFor) -> None:
    ttp = ttp_for(Runner())
    ttp.queue.is_too_large = True
    job, message = ttp.hand_in()
    until(lambda: message.fate == ["acknowledged"], "the job to fail", DEADLINE)

    [outcome] = ttp.queue.outcomes
    reason = "what it leaves cannot be sent: outputs: a message has too many bytes"
    assert (outcome["state"], outcome["error"]["message"], outcome["outputs"]) == ("failed", reason, {})
    assert ttp.queue.dead == [(job.id, reason)]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Owners are asked at once."""
    monkeypatch.setattr(holding, "_TURN", 0.01)
    monkeypatch.setattr(holding, "LEAST_SECONDS", 0.0)


def held_run(run_id: str, owner: Owner) -> Runner:
    return Runner(held_by(lambda job: [owner] if job.keys["run_id"] == run_id else [], lambda _job: trained()))


@pytest.mark.usefixtures("soon")
def test_a_job_that_is_held_makes_room_and_is_ready_again_when_its_owner_has_decided(
    ttp_for: TtpFor,
) -> None:
    owner = Owner()
    ttp = ttp_for(held_run("held", owner))
    job, message = ttp.hand_in("held")
    until(lambda: message.fate == ["acknowledged"], "the job to be put back", DEADLINE)

    other, _ = ttp.hand_in("another")
    until(lambda: bool(ttp.queue.outcomes), "the other job to end", DEADLINE)
    held = ttp.store.job(job.id)
    assert [outcome["job_id"] for outcome in ttp.queue.outcomes] == [other.id]
    assert (held.state, held.attempts) == (JobState.WAITING, 0)
    assert [wait.participant for wait in awaited_owners(held.progress)] == ["worker_1"]
    assert ttp.leases.arrange() == []
    owner.has_decided.set()

    # The TTP may see that it is ready before anybody else does, and takes it up.
    until(
        lambda: bool(ttp.leases.arrange()) or ttp.store.job(job.id).state is not JobState.WAITING,
        "the job to be ready",
        DEADLINE,
    )
    assert "waiting_for" not in ttp.store.job(job.id).progress
    until(lambda: len(ttp.queue.outcomes) == 2, "the job to end", DEADLINE)
    assert ttp.queue.outcomes[1]["state"] == "completed"


@pytest.mark.usefixtures("soon")
def test_nobody_is_asked_for_a_held_job_that_was_cancelled(ttp_for: TtpFor) -> None:
    owner = Owner()
    ttp = ttp_for(held_run("held", owner))
    job, message = ttp.hand_in("held")
    until(lambda: message.fate == ["acknowledged"], "the job to be put back", DEADLINE)

    ttp.store.save_job(ttp.store.job(job.id).ended(JobState.CANCELLED))
    owner.has_decided.set()
    ttp.hand_in("another")
    until(lambda: bool(ttp.queue.outcomes), "the other job to end", DEADLINE)

    assert ttp.state(job) is JobState.CANCELLED


def test_a_cancellation_that_comes_as_a_job_is_put_back_counts(ttp_for: TtpFor) -> None:
    made: list[Ttp] = []

    def work(job: Job, control: Control) -> Outputs:
        if made[0].store.job(job.id).progress.get("round"):
            return work_until_stopped(job, control)
        made[0].store.update_progress(job.id, {"round": 1})
        assert made[0].leases.cancel(job.id)
        return held_by(lambda _job: [Owner()], lambda _job: trained())(job, Control())

    made.append(ttp_for(Runner(work), lease=RENEWED_SOON))
    made[0].hand_in()

    # Whoever takes it up next ends it, and that is not to wait for an owner.
    until(lambda: bool(made[0].queue.outcomes), "the job to end", DEADLINE)
    assert made[0].queue.outcomes[0]["state"] == "cancelled"


def test_a_held_job_whose_ttp_is_gone_is_taken_up_by_another(ttp_for: TtpFor, monkeypatch: pytest.MonkeyPatch) -> None:
    ttp = ttp_for(held_run("held", Owner()))
    job, message = ttp.hand_in("held")
    until(lambda: message.fate == ["acknowledged"], "the job to be put back", DEADLINE)

    ttp.stop()
    ttp.close()

    # Not before: while its TTP lives it asks for the job, and would take it up itself when nobody holds it any more.
    assert ttp.leases.arrange() == []
    later = ttp.store.database.now() + timedelta(seconds=leased_job.HELD_SECONDS + 1)
    monkeypatch.setattr(Database, "now", lambda _database: later)
    assert [ready.id for ready in ttp.leases.arrange()] == [job.id]
