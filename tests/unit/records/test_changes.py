"""Whoever watches the record store hears of each change, once and in order, whichever program wrote it and while it waits."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from synergos.domain.job import Job, JobState, Stage
from synergos.domain.job_progress import AwaitedWorker
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore, changes
from synergos.records.changes import Changes, set_apart
from synergos.records.leases import Leases

RUN = RunKey("c", "p", "e", "r")
SOON = 60.0
"""Seconds in which something comes that is not to be waited out."""


@pytest.fixture
def watched(store: RecordStore) -> Changes:
    return Changes(store.database)


def since(watched: Changes, number: int, most: int = 100) -> list[tuple[str, str, bool]]:
    found = watched.since(number, most).changes
    return [(change.kind, "/".join(change.key.values()), change.is_deleted) for change in found]


def test_each_record_and_job_that_was_written_stands_there_once_with_its_last_change_last(
    store: RecordStore, watched: Changes
) -> None:
    job = Job(Stage.TRAIN, RUN)
    store.put(Kind.RUN, RUN, {"lr": 1})
    store.add_jobs([job])
    store.put(Kind.PROJECT, RUN, {})
    store.merge(Kind.RUN, RUN, {"lr": 2})
    store.save_job(job.started())
    store.update_progress(job.id, {"round": 1})

    assert since(watched, 0) == [("Project", "c/p", False), ("Run", "c/p/e/r", False), ("Job", "c/p/e/r", False)]
    assert watched.since(0, 100).changes[-1].item == job.id


def test_what_is_told_goes_on_where_it_ended(store: RecordStore, watched: Changes) -> None:
    for number in range(5):
        store.put(Kind.RUN, RUN.run_called(f"r{number}"), {})

    first = watched.since(0, 2)

    assert [change.key["run_id"] for change in first.changes] == ["r0", "r1"]
    assert since(watched, first.up_to) == [("Run", f"c/p/e/r{number}", False) for number in (2, 3, 4)]
    assert (watched.since(watched.newest(), 2).changes, watched.since(watched.newest(), 2).up_to) == ([], 5)


def test_what_is_deleted_is_told_and_of_what_lay_under_it_that_it_is_gone(store: RecordStore, watched: Changes) -> None:
    store.put(Kind.EXPERIMENT, RUN, {})
    for number in range(3):
        store.put(Kind.RUN, RUN.run_called(f"r{number}"), {})
    before = watched.newest()

    store.delete(Kind.EXPERIMENT, RUN)
    assert since(watched, before) == [("Run", "c/p/e", True), ("Experiment", "c/p/e", True)]

    store.put(Kind.EXPERIMENT, RUN, {})
    assert since(watched, before) == [("Run", "c/p/e", True), ("Experiment", "c/p/e", False)]


def test_what_is_undone_is_no_change(store: RecordStore, watched: Changes) -> None:
    with suppress(ZeroDivisionError), store.transaction():
        store.put(Kind.RUN, RUN, {})
        raise ZeroDivisionError

    assert (watched.newest(), since(watched, 0)) == (0, [])


def test_a_lease_that_is_renewed_is_no_change_and_what_its_owner_reports_is(
    store: RecordStore, watched: Changes
) -> None:
    leases = Leases(store, 3600)
    store.add_jobs([Job(Stage.PREPROCESS, ProjectKey("c", "p"))])
    leases.grids.hold(0, "a holder", "ttp")
    claim = leases.claim(0, "a holder", "ttp", Path("outputs")).claim
    assert claim is not None
    before = watched.newest()

    leases.renew(claim)
    leases.grids.hold(0, "a holder", "ttp")
    assert since(watched, before) == []

    for change in (
        lambda: leases.report(claim, {"round": 1}),
        lambda: leases.deliver(claim),
        lambda: leases.reopen(claim.job.id),
        leases.arrange,
    ):
        before = watched.newest()
        change()
        assert since(watched, before) == [("Job", "c/p", False)]


def test_that_a_job_is_held_still_is_no_change_and_whom_it_waits_for_instead_is(
    store: RecordStore, watched: Changes
) -> None:
    leases = Leases(store, 3600)
    store.add_jobs([Job(Stage.PREPROCESS, ProjectKey("c", "p"))])
    leases.grids.hold(0, "a holder", "ttp")
    claim = leases.claim(0, "a holder", "ttp", Path("outputs")).claim
    assert claim is not None
    first, second = (
        [AwaitedWorker(participant=who, since="x", until="y", purpose="its session", reason="z", approval=True)]
        for who in ("a", "b")
    )
    leases.hold(claim, first, 60)
    before = watched.newest()

    assert leases.still_held(claim, first, 60)
    assert since(watched, before) == []

    assert leases.still_held(claim, second, 60)
    assert since(watched, before) == [("Job", "c/p", False)]

    store.save_job(claim.job.ended(JobState.CANCELLED))
    before = watched.newest()
    assert not leases.still_held(claim, first, 60)
    assert since(watched, before) == []


def test_changes_of_long_ago_are_forgotten_and_whoever_has_missed_some_is_told(
    store: RecordStore, watched: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "KEPT", 5)
    for number in range(12):
        store.put(Kind.RUN, RUN.run_called(f"r{number}"), {})

    missed = watched.since(3, 100)

    assert (missed.changes, missed.up_to, missed.is_complete) == ([], 12, False)
    assert since(watched, 7) == [("Run", f"c/p/e/r{number}", False) for number in range(7, 12)]
    # A number of another database's, or of before it was restored.
    assert not watched.since(13, 100).is_complete


def test_numbers_of_before_a_restore_are_not_taken_for_those_after_it(store: RecordStore, watched: Changes) -> None:
    store.put(Kind.RUN, RUN, {})
    before = watched.newest()

    with store.database.writing() as connection:
        set_apart(connection)
    store.put(Kind.RUN, RUN, {})

    assert [watched.since(number, 9).is_complete for number in (before, before + 1, before + 1000)] == [False] * 3


def test_a_backup_that_is_restored_again_goes_on_with_other_numbers(store: RecordStore, watched: Changes) -> None:
    store.put(Kind.RUN, RUN, {})

    def restored() -> int:
        with store.rehearsal(), store.database.writing() as connection:
            set_apart(connection)
            return watched.newest()

    assert len({restored() for _ in range(3)}) == 3


def test_a_job_of_which_nothing_is_known_any_more_is_told_again_when_it_changes(
    store: RecordStore, watched: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(Stage.TRAIN, RUN)
    store.add_jobs([job])
    monkeypatch.setattr(changes, "KEPT", 2)
    for number in range(4):
        store.put(Kind.RUN, RUN.run_called(f"r{number}"), {})
    before = watched.newest()

    store.save_job(job.ended(JobState.FAILED))

    assert since(watched, before) == [("Job", "c/p/e/r", False)]


def waiting(watched: Changes, threads: ThreadPoolExecutor) -> Future[bool]:
    return threads.submit(watched.wait, 0, time.monotonic() + SOON, lambda: False)


def test_all_who_wait_are_told_of_a_change_of_the_same_program_at_once(store: RecordStore) -> None:
    # It would look by itself no sooner than the test would have failed.
    watched = Changes(store.database, look=2 * SOON)
    with ThreadPoolExecutor(4) as threads:
        who = [waiting(watched, threads) for _ in range(4)]

        store.put(Kind.RUN, RUN, {})

        assert [each.result(SOON) for each in who] == [True] * 4


def test_changes_of_another_program_are_seen_without_being_told(store: RecordStore, database: str) -> None:
    other = RecordStore(database)
    with ThreadPoolExecutor(1) as threads:
        who = waiting(Changes(store.database, look=0.01), threads)

        other.put(Kind.RUN, RUN, {})

        assert who.result(SOON)
    other.close()


def test_nobody_waits_longer_than_it_was_to_be_or_than_there_is_use_in(store: RecordStore) -> None:
    watched = Changes(store.database, look=0.001)

    assert not watched.wait(0, time.monotonic() - 1, lambda: False)
    assert not watched.wait(0, time.monotonic() + SOON, lambda: True)


def test_however_many_wait_the_store_is_asked_by_one_of_them(store: RecordStore) -> None:
    asked: list[str] = []
    now = [0.0]

    def note(*execution: Any) -> None:
        if "change" in execution[2]:
            asked.append(execution[2])

    watched = Changes(store.database, look=1.0, clock=lambda: now[0])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        for _ in range(16):
            watched.wait(0, 0.0, lambda: False)
        assert len(asked) == 1
        now[0] = 0.9
        watched.wait(0, 0.0, lambda: False)
        assert len(asked) == 2
    finally:
        event.remove(Engine, "before_cursor_execute", note)
