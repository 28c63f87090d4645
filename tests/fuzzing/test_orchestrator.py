"""Requests to TTP and director that are nearly right: none is our mistake, and one that is refused changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from fakes.director_parts import MemoryQueue
from fakes.orchestration import CannedDispatcher
from support.corpus import Asked, nearly_right, requests
from support.soon import soon
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos.rest import create_app
from synergos.tuning.tuner import Tuner
from synergos_director.dispatch import QueueDispatcher
from synergos_director.job_publisher import JobPublisher

REQUESTS = 250
LISTS = ("/ttp/connect/collaborations", "/ttp/connect/participants", "/ttp/jobs", "/ttp/studies")


class OneAtATime(CannedDispatcher):
    """A grid that runs one job at a time."""

    def width(self, project: ProjectKey) -> int:
        return 1


def ttp(store: RecordStore, folder: Path) -> Flask:
    dispatcher = OneAtATime(store)
    return create_app(store, dispatcher, component_id="ttp/1", wake_tuner=looks(Tuner(store, dispatcher, folder)))


def director(store: RecordStore, folder: Path) -> Flask:
    dispatcher = QueueDispatcher(store, Leases(store, 3600), JobPublisher(store, MemoryQueue()))
    tuner = Tuner(store, dispatcher, folder)
    return create_app(store, dispatcher, component_id="director/1", component="director", wake_tuner=looks(tuner))


def looks(tuner: Tuner) -> Callable[[], None]:
    """Goes on with studies in the request's own thread: nothing changes behind a test's back."""

    def look() -> None:
        for _ in range(4):
            tuner.advance()

    return look


PROGRAMS: dict[str, Callable[[RecordStore, Path], Flask]] = {"ttp": ttp, "director": director}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    store = RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")
    yield store
    store.close()


def ask(http: Client, asked: Asked) -> TestResponse:
    return http.open(asked.path, method=asked.method, data=asked.body, content_type=asked.content or None)


def everything(store: RecordStore) -> object:
    """All that is stored."""
    records = {kind: store.find(kind) for kind in Kind if kind is not Kind.STUDY}
    return records, [(job.id, job.state) for job in store.jobs()]


def declare(http: Client) -> None:
    """What the corpus has, from the beginning; whatever is there already stays."""
    for asked in requests("orchestrator")[:-1]:
        ask(http, asked)


def test_the_corpus_is_taken(store: RecordStore, tmp_path: Path) -> None:
    http = Client(ttp(store, tmp_path))

    answers = [ask(http, asked) for asked in requests("orchestrator")]

    assert [answer.data for answer in answers if answer.status_code not in {200, 201}] == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_request_is_our_mistake_and_what_is_refused_changes_nothing(
    program: str, store: RecordStore, tmp_path: Path
) -> None:
    http = Client(PROGRAMS[program](store, tmp_path))
    declare(http)
    taken, before = 0, everything(store)
    for number, asked in enumerate(nearly_right("orchestrator", program, REQUESTS)):
        with soon(asked):
            answer = ask(http, asked)
        assert answer.status_code < 500, (number, asked, answer.data)
        assert answer.mimetype == "application/json" or not answer.data, (number, asked)
        if answer.status_code >= 400 or asked.method in {"GET", "HEAD", "OPTIONS"}:
            assert everything(store) == before, (number, asked, answer.data)
            continue
        taken += 1
        assert [http.get(path).status_code for path in LISTS] == [200] * len(LISTS), (number, asked)
        if asked.method == "DELETE":
            declare(http)
        before = everything(store)
    # Neither too far from what is right, nor right.
    assert REQUESTS * 0.03 < taken < REQUESTS * 0.7
