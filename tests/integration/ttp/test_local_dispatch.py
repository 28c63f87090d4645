"""Jobs of a basic TTP run one after the other, in turns, each ends in exactly one way, and whoever waits is answered."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest

from fakes.local_jobs import DEADLINE, OUTPUTS, Blocking, DispatcherFor, Runner, accepted, submit_aside
from support.waiting import until
from synergos.domain.job import Job, JobError, JobState
from synergos.domain.outputs import Outputs
from synergos.errors import ClientGone, Conflict, RecordNotFound, ServiceStopping, WorkerUnreachable
from synergos.orchestration.submission import Submission
from synergos.records import RecordStore
from synergos_ttp.control import Control
from synergos_ttp.events import WorkStarted


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
