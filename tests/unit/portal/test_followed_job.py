"""Of a job that somebody looks at only what is new is asked for, and what is shown is what there is."""

from __future__ import annotations

import pytest

from fakes.orchestration import CannedDispatcher
from fakes.portal import InProcess
from synergos.domain.job import Job, Stage
from synergos.domain.job_event import JobEvent, JobEventKind, JobNews, RoundLoss
from synergos.domain.keys import RunKey
from synergos.driver.transport import Transport
from synergos.foreign_json import items
from synergos.records import RecordStore
from synergos.rest.app import create_app
from synergos_portal.orchestrator import jobs
from synergos_portal.orchestrator.client import Client, Orchestrator
from synergos_portal.orchestrator.followed_job import followed

MOST = 3
JOB = "training"
BEGUN = (JobEvent(JobEventKind.TAKEN_UP), JobEvent(JobEventKind.TRAINING_BEGAN, about={"rounds": 9, "after": 0}))


class Looking:
    """Somebody looks at a training of a real orchestrator."""

    def __init__(self, store: RecordStore) -> None:
        self._history = store.history
        store.add_jobs([Job(Stage.TRAIN, RunKey("c", "p", "e", "r"), id=JOB)])
        self.adapter = InProcess(create_app(store, CannedDispatcher(store), component_id="ttp/1"))
        transport = Transport("http://orchestrator.example")
        transport._session.mount("http://", self.adapter)
        self.client = Client(Orchestrator("orchestrator", transport), transport)

    def happens(self, *events: JobEvent, rounds: tuple[RoundLoss, ...] = ()) -> None:
        """Something becomes known of it."""
        self._history.add(JOB, JobNews(events, rounds))

    def look(self) -> list[str]:
        """Look; what was asked for that. What is found is what is found by who asks for all of it."""
        before = len(self.adapter.asked)
        found = followed(self.client, JOB, MOST)
        asked = [each.partition("?")[2] for each in self.adapter.asked[before:]]
        assert found.job == jobs.one(self.client, JOB)
        assert list(found.events) == list(jobs.events(self.client, JOB))
        assert list(found.rounds) == list(jobs.rounds(self.client, JOB))[-MOST:]
        return asked


@pytest.fixture
def looking(store: RecordStore) -> Looking:
    return Looking(store)


def lost(number: int, evaluate: float | None = None) -> RoundLoss:
    return RoundLoss(number, 1 / number, evaluate, {"a": 1 / number})


def test_only_what_is_new_is_asked_for(looking: Looking) -> None:
    assert looking.look() == ["events_after=0&rounds_after=0&newest_rounds=3"]
    looking.happens(*BEGUN, rounds=(lost(1), lost(2)))
    looking.look()

    looking.happens(JobEvent(JobEventKind.ROUND_DONE), rounds=(lost(2, 0.5), lost(3), lost(4), lost(5)))

    assert looking.look() == ["events_after=3&rounds_after=1&newest_rounds=3"]
    assert looking.look() == ["events_after=4&rounds_after=4&newest_rounds=3"]


def test_what_has_grown_counts_as_what_it_has_become(looking: Looking) -> None:
    for number in range(1, 20):
        looking.happens(JobEvent(JobEventKind.ROUND_DONE), rounds=(lost(number),))
        looking.look()
    [kept] = [each for (_, asked), each in looking.client._answers._kept.items() if "#" in asked]

    assert kept.size > 100 * len(items(kept.body["events"])) > 1900


def test_rounds_of_another_attempt_take_the_place_of_known_ones(looking: Looking) -> None:
    looking.happens(*BEGUN, rounds=(lost(1), lost(2), lost(3)))
    looking.look()
    again = JobEvent(JobEventKind.TRAINING_BEGAN, about={"rounds": 9, "after": 1})

    looking.happens(JobEvent(JobEventKind.TAKEN_UP), again, rounds=(RoundLoss(2, 9.0, None, {}),))

    assert looking.look()[-1] == "events_after=0&rounds_after=0&newest_rounds=3"


def test_now_and_then_all_of_it_is_asked_for(looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synergos_portal.orchestrator.followed_job._LOOKS", 2)
    looking.happens(*BEGUN)

    assert [len(looking.look()) for _ in range(4)] == [1, 1, 2, 1]
