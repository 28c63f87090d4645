"""Jobs of a basic TTP run one after the other, in turns, each ends in exactly one way, and whoever waits is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from factories.outputs import aligned
from fakes.owner import Owner, held_by
from support.full_disk import files_up_to
from support.waiting import until
from synergos.domain.job import MAXIMUM_ATTEMPTS, Job, JobError, JobState, Stage
from synergos.domain.keys import job_key
from synergos.domain.outputs import Outputs
from synergos.domain.records import Kind
from synergos.errors import ClientGone, Conflict, RecordNotFound, ServiceStopping, WorkerUnreachable
from synergos.orchestration.caller import OWNER
from synergos.orchestration.deletions import Deletions
from synergos.orchestration.jobs import Jobs
from synergos.orchestration.orchestrator import Orchestrator
from synergos.orchestration.submission import Submission
from synergos.records import RecordStore
from synergos_ttp.control import Control
from synergos_ttp.events import WorkStarted
from synergos_ttp.running import holding
from synergos_ttp.running.local_dispatch import LocalDispatcher

DEADLINE = 10.0
OUTPUTS = aligned("worker_1", auto_fix=False)


class Runner:
    """Does whatever a test says, and remembers the order."""

    def __init__(self, work: Callable[[Job, Control], Outputs]) -> None:
        self.work = work
        self.taken: list[str] = []
        self.forgotten: list[str] = []

    def run(self, job: Job, control: Control) -> Outputs:
        self.taken.append(job.id)
        return self.work(job, control)

    def kept(self) -> list[str]:
        return []

    def forget(self, job_id: str) -> None:
        self.forgotten.append(job_id)


@pytest.fixture
def store(database: str) -> Iterator[RecordStore]:
    store = RecordStore(database)
    yield store
    store.close()


@pytest.fixture
def dispatcher_for(store: RecordStore) -> Iterator[Callable[[Runner], LocalDispatcher]]:
    made: list[LocalDispatcher] = []

    def make(runner: Runner) -> LocalDispatcher:
        dispatcher = LocalDispatcher(store, runner)
        dispatcher.start()
        made.append(dispatcher)
        return dispatcher

    yield make
    for dispatcher in made:
        dispatcher.stop()
        dispatcher.close()


DispatcherFor = Callable[[Runner], LocalDispatcher]


def accepted(store: RecordStore, project: str = "p", collab: str = "c") -> Job:
    keys = {"collab_id": collab, "project_id": project}
    store.put(Kind.PROJECT, keys, {"action": "classify"})
    job = Job(Stage.PREPROCESS, job_key(keys))
    store.add_jobs([job])
    return job


def submit_aside(dispatcher: LocalDispatcher, *jobs: Job) -> tuple[threading.Thread, list[Job]]:
    ended: list[Job] = []
    thread = threading.Thread(target=lambda: ended.extend(dispatcher.submit(jobs)))
    thread.start()
    return thread, ended


class Blocking:
    """Work that says when it has begun and goes on until told, or until the job is stopped."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, job: Job, control: Control) -> Outputs:
        self.begun.set()
        while not self.go_on.wait(0.01):
            control.check()
        return OUTPUTS


def test_a_job_is_answered_when_it_is_completed(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    [ended] = dispatcher_for(Runner(lambda job, control: OUTPUTS)).submit([accepted(store)])

    assert ended.state is JobState.COMPLETED
    assert ended.attempts == 1
    assert ended.started_at is not None
    assert ended.finished_at is not None


def test_jobs_run_in_the_order_they_were_accepted(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    runner = Runner(lambda job, control: OUTPUTS)
    dispatcher = dispatcher_for(runner)
    jobs = [accepted(store, f"p{number}") for number in range(5)]

    dispatcher.submit(jobs)

    assert runner.taken == [job.id for job in jobs]


def test_a_collaboration_waits_for_the_job_in_hand_however_many_another_has(
    store: RecordStore, dispatcher_for: DispatcherFor
) -> None:
    work = Blocking()
    runner = Runner(work)
    dispatcher = dispatcher_for(runner)
    flood = [accepted(store, f"p{number}", "greedy") for number in range(30)]
    dispatcher.submit(flood, wait=None)
    assert work.begun.wait(DEADLINE)

    alignment, training = accepted(store, "p1", "modest"), accepted(store, "p2", "modest")
    dispatcher.submit([alignment, training], wait=None)
    waits = dispatcher.waits()
    work.go_on.set()
    dispatcher.submit([accepted(store, "last", "greedy")])

    taken = [flood[0], alignment, flood[1], training, *flood[2:]]
    assert runner.taken[:-1] == [job.id for job in taken]
    assert waits == {
        job.id: {"waiting_for": before.id, "position": position}
        for position, (before, job) in enumerate(pairwise(taken), 1)
    }


def test_a_collaboration_that_comes_again_and_again_has_had_its_turn(
    store: RecordStore, dispatcher_for: DispatcherFor
) -> None:
    work = Blocking()
    runner = Runner(work)
    dispatcher = dispatcher_for(runner)
    first = accepted(store, collab="often")
    dispatcher.submit([first], wait=None)
    assert work.begun.wait(DEADLINE)

    again, once = accepted(store, collab="often"), accepted(store, collab="seldom")
    dispatcher.submit([again, once], wait=None)
    work.go_on.set()
    dispatcher.submit([accepted(store, "last", "often")])

    assert runner.taken[:3] == [first.id, once.id, again.id]


def test_what_ran_when_a_process_ended_goes_on_first(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    waiting, running = accepted(store, collab="early"), accepted(store, collab="late")
    store.save_job(running.started())
    runner = Runner(lambda job, control: OUTPUTS)

    dispatcher_for(runner).submit([accepted(store, "later", "early")])

    assert runner.taken[:2] == [running.id, waiting.id]


def test_a_failed_job_says_why_and_the_next_one_still_runs(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    def work(job: Job, control: Control) -> Outputs:
        if job.keys["project_id"] == "bad":
            raise WorkerUnreachable("cannot be reached at 10.0.0.1:5000", "worker_2")
        return OUTPUTS

    bad, good = dispatcher_for(Runner(work)).submit([accepted(store, "bad"), accepted(store, "good")])

    assert bad.state is JobState.FAILED
    assert bad.error == JobError(
        "WorkerUnreachable", "worker_2: cannot be reached at 10.0.0.1:5000", participant="worker_2"
    )
    assert good.state is JobState.COMPLETED


def test_a_failure_nobody_foresaw_fails_the_job_without_details(
    store: RecordStore, dispatcher_for: DispatcherFor
) -> None:
    def work(job: Job, control: Control) -> Outputs:
        raise ZeroDivisionError("secret 42")

    [ended] = dispatcher_for(Runner(work)).submit([accepted(store)])

    assert ended.state is JobState.FAILED
    assert ended.error is not None
    assert "42" not in ended.error.message


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


def test_a_job_goes_on_though_nobody_waits_for_it_any_more(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    def hung_up(_: threading.Event) -> None:
        raise ClientGone("whoever asked has hung up")

    work = Blocking()
    job = accepted(store)
    submission = Submission(store, dispatcher_for(Runner(work)))

    with pytest.raises(ClientGone):
        submission.hand_over([job], wait=hung_up)

    assert not store.job(job.id).state.is_final
    work.go_on.set()
    until(lambda: store.job(job.id).state is JobState.COMPLETED, "the job to end")


def test_a_running_job_can_be_cancelled(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    work = Blocking()
    dispatcher = dispatcher_for(Runner(work))
    job = accepted(store)
    thread, ended = submit_aside(dispatcher, job)
    assert work.begun.wait(DEADLINE)

    dispatcher.cancel(job.id)
    thread.join(DEADLINE)

    assert [job.state for job in ended] == [JobState.CANCELLED]


def test_a_queued_job_that_is_cancelled_never_starts(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    work = Blocking()
    runner = Runner(work)
    dispatcher = dispatcher_for(runner)
    first, second = accepted(store, "p1"), accepted(store, "p2")
    thread, ended = submit_aside(dispatcher, first, second)
    assert work.begun.wait(DEADLINE)

    dispatcher.cancel(second.id)
    work.go_on.set()
    thread.join(DEADLINE)

    assert [job.state for job in ended] == [JobState.COMPLETED, JobState.CANCELLED]
    assert runner.taken == [first.id]


def test_a_job_that_has_ended_cannot_be_cancelled(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    dispatcher = dispatcher_for(Runner(lambda job, control: OUTPUTS))
    [ended] = dispatcher.submit([accepted(store)])

    with pytest.raises(Conflict, match="completed already"):
        dispatcher.cancel(ended.id)


def test_an_unknown_job_cannot_be_cancelled(dispatcher_for: DispatcherFor) -> None:
    with pytest.raises(RecordNotFound):
        dispatcher_for(Runner(lambda job, control: OUTPUTS)).cancel("0" * 32)


def test_stopping_answers_whoever_waits_and_keeps_the_jobs(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    work = Blocking()
    dispatcher = dispatcher_for(Runner(work))
    jobs = [accepted(store, "p1"), accepted(store, "p2")]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(dispatcher.submit, jobs)
        assert work.begun.wait(DEADLINE)

        dispatcher.stop()

        with pytest.raises(ServiceStopping, match="goes on when it is started again"):
            waiting.result(DEADLINE)
    assert [store.job(job.id).state for job in jobs] == [JobState.QUEUED, JobState.QUEUED]


def test_after_stopping_nothing_is_taken_up(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    runner = Runner(lambda job, control: OUTPUTS)
    dispatcher = dispatcher_for(runner)
    dispatcher.stop()

    with pytest.raises(ServiceStopping):
        dispatcher.submit([accepted(store)])

    assert runner.taken == []


def test_what_an_earlier_process_left_is_taken_up_in_order(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    running, queued = accepted(store, "p1"), accepted(store, "p2")
    store.save_job(running.started())
    runner = Runner(lambda job, control: OUTPUTS)

    dispatcher = dispatcher_for(runner)
    [later] = dispatcher.submit([accepted(store, "p3")])

    assert runner.taken == [running.id, queued.id, later.id]
    assert [store.job(job_id).state for job_id in runner.taken] == [JobState.COMPLETED] * 3
    assert store.job(running.id).attempts == 2
    assert runner.forgotten == runner.taken


def test_a_job_that_ends_its_process_again_and_again_is_given_up(
    store: RecordStore, dispatcher_for: DispatcherFor
) -> None:
    deadly = accepted(store)
    store.save_job(replace(deadly.started(), attempts=5))
    runner = Runner(lambda job, control: OUTPUTS)

    dispatcher_for(runner)

    ended = store.job(deadly.id)
    assert (ended.state, runner.taken, runner.forgotten) == (JobState.FAILED, [], [deadly.id])
    assert ended.error is not None
    assert "given up" in ended.error.message


def test_progress_can_be_read_while_a_job_runs(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    blocking = Blocking()

    def work(job: Job, control: Control) -> Outputs:
        control.publish(WorkStarted(("worker_1",)))
        until(lambda: bool(store.job(job.id).progress), "the progress to be stored", DEADLINE)
        return blocking(job, control)

    dispatcher = dispatcher_for(Runner(work))
    job = accepted(store)
    thread, _ = submit_aside(dispatcher, job)
    assert blocking.begun.wait(DEADLINE)

    seen = store.job(job.id)
    blocking.go_on.set()
    thread.join(DEADLINE)

    assert seen.state is JobState.RUNNING
    assert seen.progress["participants"] == ["worker_1"]
    assert store.job(job.id).progress == seen.progress


def test_nobody_needs_to_wait_for_a_job(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    work = Blocking()
    dispatcher = dispatcher_for(Runner(work))
    first, second = accepted(store, "p1"), accepted(store, "p2")

    dispatcher.submit([first], wait=None)
    assert work.begun.wait(DEADLINE)
    [answered] = dispatcher.submit([second], wait=None)

    assert (answered.id, answered.state) == (second.id, JobState.QUEUED)
    work.go_on.set()
    [last] = dispatcher.submit([accepted(store, "p3")])
    assert [job.state for job in store.jobs()] == [JobState.COMPLETED] * 3
    assert last.id == store.jobs()[-1].id


def test_a_job_that_nobody_waits_for_is_accepted_even_by_a_process_that_stops(
    store: RecordStore, dispatcher_for: DispatcherFor
) -> None:
    runner = Runner(lambda job, control: OUTPUTS)
    stopping = dispatcher_for(runner)
    stopping.stop()

    [answered] = stopping.submit([accepted(store)], wait=None)
    stopping.close()
    assert (answered.state, runner.taken) == (JobState.QUEUED, [])

    dispatcher_for(runner).submit([accepted(store, "later")])
    assert store.job(answered.id).state is JobState.COMPLETED


def test_the_line_is_what_runs_and_what_waits_in_order(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    work = Blocking()
    dispatcher = dispatcher_for(Runner(work))
    first, second, third = (accepted(store, name) for name in ("p1", "p2", "p3"))
    # In the order they were handed over, whatever the order of their records.
    dispatcher.submit([second, first, third], wait=None)
    assert work.begun.wait(DEADLINE)
    before = dispatcher.waits()

    dispatcher.cancel(first.id)
    between = dispatcher.waits()
    work.go_on.set()
    dispatcher.submit([accepted(store, "p4")])

    assert before == {
        first.id: {"waiting_for": second.id, "position": 1},
        third.id: {"waiting_for": first.id, "position": 2},
    }
    assert between == {third.id: {"waiting_for": second.id, "position": 1}}
    assert dispatcher.waits() == {}


def test_what_an_earlier_process_left_is_in_the_line(store: RecordStore, dispatcher_for: DispatcherFor) -> None:
    work = Blocking()
    left = [accepted(store, "p1"), accepted(store, "p2")]

    dispatcher = dispatcher_for(Runner(work))
    assert work.begun.wait(DEADLINE)

    assert dispatcher.waits() == {left[1].id: {"waiting_for": left[0].id, "position": 1}}
    work.go_on.set()


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
    [wait] = held.progress["waiting_for"]
    assert (wait["participant"], wait["approval"]) == ("worker_1", True)
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
    since = store.job(job.id).progress["waiting_for"][0]["since"]
    dispatcher.stop()
    dispatcher.close()

    runner = Runner(held_in("held", owner))
    again = dispatcher_for(runner)
    until(lambda: bool(runner.taken) and is_held(store, job), "the job to be put back once more")
    assert store.job(job.id).progress["waiting_for"][0]["since"] == since
    owner.has_decided.set()
    again.let_go_on(job.id, [])
    until(lambda: store.job(job.id).state is JobState.COMPLETED, "the job to be done")
    assert "waiting_for" not in store.job(job.id).progress
