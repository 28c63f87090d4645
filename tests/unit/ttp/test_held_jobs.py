"""Jobs of a basic TTP that are put back until owners have decided."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from fakes.local_jobs import DEADLINE, OUTPUTS, DispatcherFor, Runner, accepted, submit_aside
from fakes.owner import Owner, held_by
from support.waiting import until
from synergos.domain.job import Job, JobState
from synergos.domain.job_progress import awaited_owners
from synergos.domain.outputs import Outputs
from synergos.records import RecordStore
from synergos_ttp.control import Control
from synergos_ttp.running import holding


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Owners are asked at once."""
    monkeypatch.setattr(holding, "_TURN", 0.01)
    monkeypatch.setattr(holding, "LEAST_SECONDS", 0.0)


def held_in(project: str, owner: Owner) -> Callable[[Job, Control], Outputs]:
    return held_by(lambda job: [owner] if job.keys["project_id"] == project else [], lambda _job: OUTPUTS)


def is_held(store: RecordStore, job: Job) -> bool:
    return store.job(job.id).state is JobState.WAITING


@pytest.mark.usefixtures("soon")
def test_a_job_that_is_held_leaves_the_line_to_others_and_goes_on_when_its_owner_has_decided(
    store: RecordStore, dispatcher_for: DispatcherFor
) -> None:
    owner = Owner()
    dispatcher = dispatcher_for(Runner(held_in("held", owner)))
    job = accepted(store, "held")
    thread, ended = submit_aside(dispatcher, job)
    until(lambda: is_held(store, job), "the job to be put back")

    [other, same] = dispatcher.submit([accepted(store, collab="another"), accepted(store, "free")])

    held = store.job(job.id)
    assert (other.state, same.state, held.attempts) == (JobState.COMPLETED, JobState.COMPLETED, 0)
    assert [wait.participant for wait in awaited_owners(held.progress)] == ["worker_1"]
    assert thread.is_alive()
    owner.has_decided.set()
    thread.join(DEADLINE)
    assert [(job.state, job.attempts) for job in ended] == [(JobState.COMPLETED, 1)]


@pytest.mark.usefixtures("soon")
def test_what_depends_on_a_job_that_is_held_waits_for_it(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    owner = Owner()
    runner = Runner(held_in("held", owner))
    dispatcher = dispatcher_for(runner)
    first, second = accepted(store, "held"), accepted(store, "held")
    dispatcher.submit([first, second], wait=None)
    until(lambda: is_held(store, first), "the job to be put back")

    assert dispatcher.waits() == {second.id: {"waiting_for": first.id}}
    owner.has_decided.set()
    until(lambda: store.job(second.id).state.is_final, "both to end")

    assert runner.taken == [first.id, first.id, second.id]


def test_a_job_that_is_held_is_cancelled(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    runner = Runner(held_in("held", Owner()))
    dispatcher = dispatcher_for(runner)
    job = accepted(store, "held")
    thread, ended = submit_aside(dispatcher, job)
    until(lambda: is_held(store, job), "the job to be put back")

    assert dispatcher.cancel(job.id).state is JobState.CANCELLED
    thread.join(DEADLINE)
    assert [job.state for job in ended] == [JobState.CANCELLED]
    assert runner.forgotten == [job.id]


def test_who_cancels_a_job_that_is_about_to_be_put_back_does_not_mean_later(
    store: RecordStore, dispatcher_for: DispatcherFor
) -> None:
    owner, begun, go_on = Owner(), threading.Event(), threading.Event()

    def work(job: Job, control: Control) -> Outputs:
        begun.set()
        assert go_on.wait(DEADLINE)
        return held_by(lambda _job: [owner], lambda _job: OUTPUTS)(job, Control())

    dispatcher = dispatcher_for(Runner(work))
    job = accepted(store)
    thread, ended = submit_aside(dispatcher, job)
    assert begun.wait(DEADLINE)
    dispatcher.cancel(job.id)
    go_on.set()
    thread.join(DEADLINE)

    assert [job.state for job in ended] == [JobState.CANCELLED]


def test_a_job_that_is_held_is_taken_up_by_the_next_process(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    owner = Owner()
    dispatcher = dispatcher_for(Runner(held_in("held", owner)))
    job = accepted(store, "held")
    dispatcher.submit([job], wait=None)
    until(lambda: is_held(store, job), "the job to be put back")
    since = awaited_owners(store.job(job.id).progress)[0].since
    dispatcher.stop()
    dispatcher.close()

    runner = Runner(held_in("held", owner))
    again = dispatcher_for(runner)
    until(lambda: bool(runner.taken) and is_held(store, job), "the job to be put back once more")
    assert awaited_owners(store.job(job.id).progress)[0].since == since
    owner.has_decided.set()
    again.let_go_on(job.id, [])
    until(lambda: store.job(job.id).state is JobState.COMPLETED, "the job to be done")
    assert "waiting_for" not in store.job(job.id).progress
