"""Jobs of a basic TTP whose work is whatever a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from factories.outputs import aligned
from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos.domain.outputs import Outputs
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos_ttp.control import Control
from synergos_ttp.running.local_dispatch import LocalDispatcher

DEADLINE = 100.0
"""Seconds: only a mistake takes so long, also on a busy machine."""


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


DispatcherFor = Callable[[Runner], LocalDispatcher]


@pytest.fixture
def dispatcher_for(store: RecordStore) -> Iterator[DispatcherFor]:
    """Makes a basic TTP's dispatcher; for whoever names it in its conftest."""
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
