"""A basic TTP on a full disk: results wait for room, jobs can be stopped, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from fakes.local_jobs import DEADLINE, OUTPUTS, Blocking, DispatcherFor, Runner, accepted, submit_aside
from support.full_disk import files_up_to
from support.waiting import until
from synergos.domain.job import MAXIMUM_ATTEMPTS, Job, JobError, JobState
from synergos.domain.outputs import Outputs
from synergos.domain.records import Kind
from synergos.errors import Conflict
from synergos.orchestration.caller import OWNER
from synergos.orchestration.deletions import Deletions
from synergos.orchestration.jobs import Jobs
from synergos.orchestration.orchestrator import Orchestrator
from synergos.records import RecordStore
from synergos_ttp.control import Control
from synergos_ttp.running.local_dispatch import LocalDispatcher


def test_a_full_disk_is_named(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    def work(job: Job, control: Control) -> Outputs:
        raise OSError(28, "No space left on device", "outputs/global_model.pt")

    [ended] = dispatcher_for(Runner(work)).submit([accepted(store)])

    assert ended.error == JobError(
        "OutputError", "results could not be written at global_model.pt: No space left on device"
    )


@contextmanager
def waiting_for_room(work: Blocking) -> Iterator[None]:
    """Inside it the disk takes nothing, and the job thread has found out: at its next write after the work."""
    with capture_logs() as logged, files_up_to(1):
        work.go_on.set()
        until(lambda: any("takes nothing" in line["event"] for line in logged), "a write to be refused")
        yield


def test_results_wait_for_room_on_a_full_disk(store: RecordStore) -> None:
    work = Blocking()
    dispatcher = LocalDispatcher(store, Runner(work), pause=0.01)
    dispatcher.start()
    job = accepted(store)
    thread, ended = submit_aside(dispatcher, job)
    assert work.begun.wait(DEADLINE)

    with waiting_for_room(work):
        assert store.job(job.id).state is JobState.RUNNING
        assert thread.is_alive()
    thread.join(DEADLINE)
    dispatcher.stop()
    dispatcher.close()

    assert [job.state for job in ended] == [JobState.COMPLETED]
    assert store.find(Kind.FEATURE_SPACE, job.keys)


def test_a_process_that_starts_on_a_full_disk_takes_up_what_ran_when_there_is_room(store: RecordStore) -> None:
    job, given_up = accepted(store), accepted(store)
    store.save_job(job.started())
    store.save_job(replace(given_up.started(), attempts=MAXIMUM_ATTEMPTS))
    dispatcher = LocalDispatcher(store, Runner(lambda _job, _control: OUTPUTS), pause=0.01)

    with files_up_to(1), capture_logs():
        dispatcher.start()
        assert store.job(job.id).state is JobState.RUNNING
    until(lambda: store.job(job.id).state.is_final, "the job to be done")
    dispatcher.stop()
    dispatcher.close()

    assert store.job(job.id).state is JobState.COMPLETED
    # It is for the next start.
    assert store.job(given_up.id).state is JobState.RUNNING


@pytest.mark.parametrize("by", ["who cancels", "who deletes"])
def test_a_running_job_is_stopped_on_a_full_disk(store: RecordStore, dispatcher_for: DispatcherFor, by: str) -> None:
    work = Blocking()
    dispatcher = dispatcher_for(Runner(work))
    job = accepted(store)
    dispatcher.submit([job], wait=None)
    assert work.begun.wait(DEADLINE)

    with files_up_to(1), capture_logs():
        if by == "who cancels":
            Jobs(store, dispatcher).cancel(OWNER, job.id)
        else:
            deletions = Deletions(store, dispatcher, Orchestrator(store, dispatcher).declarations, stop_seconds=0.0)
            with suppress(Conflict):
                deletions.delete(OWNER, Kind.PROJECT, job.keys)
    until(lambda: store.job(job.id).state is JobState.CANCELLED, "the job to end")


def test_a_process_that_is_stopped_while_the_disk_is_full_leaves_its_job_to_the_next(store: RecordStore) -> None:
    work = Blocking()
    dispatcher = LocalDispatcher(store, Runner(work), pause=0.01)
    dispatcher.start()
    job = accepted(store)
    dispatcher.submit([job], wait=None)
    assert work.begun.wait(DEADLINE)

    with waiting_for_room(work):
        dispatcher.stop()
        dispatcher.close()
    again = LocalDispatcher(store, Runner(work))
    again.start()
    until(lambda: store.job(job.id).state.is_final, "the job to be done again")
    again.stop()
    again.close()

    assert store.job(job.id).state is JobState.COMPLETED
