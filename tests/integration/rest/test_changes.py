"""Who watches an orchestrator is told what has changed, of what it may read, without asking for it again and again."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from fakes.orchestration import PROJECT, RUN, RUN_URL, CannedDispatcher, Client
from fakes.people import add_people, basic
from support.waiting import until
from synergos.accounts.sign_in import SignIn
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ExperimentKey, RunKey
from synergos.domain.records import Kind
from synergos.domain.study import Direction, Study
from synergos.orchestration.study_records import StudyRecords
from synergos.records import RecordStore
from synergos.records.owners import Owners
from synergos.rest import create_app
from synergos.rest.changes import PLACES, PLACES_OF_ONE
from synergos.rest.waiting_places import WaitingPlaces

CHANGES = "/ttp/changes"
SOON = 60.0


def answer(client: Client, url: str) -> Any:
    status, found = client.ask("GET", url)
    assert status == 200, found
    return found


def next_of(client: Client, query: str = "") -> str:
    text: str = answer(client, f"{CHANGES}{query}")["next"]
    return text


def test_without_a_number_it_is_from_now_on(declared: Client) -> None:
    told = answer(declared, CHANGES)

    assert (told["data"], told["is_complete"], told["params"]) == ([], True, {})
    assert answer(declared, f"{CHANGES}?after={told['next']}")["data"] == []


def test_what_was_declared_asked_for_and_deleted_is_told_with_what_it_takes_to_read_it(
    declared: Client, store: RecordStore
) -> None:
    before = next_of(declared)
    job = Job(Stage.TRAIN, RunKey.of(RUN))
    store.add_jobs([job])
    study = Study("s1", ExperimentKey.of(RUN), "R2", Direction.MAXIMUM, {}, {}, "random", "none", 1, 1)
    StudyRecords(store).add(study)
    declared.http.put(RUN_URL, json={"rounds": 3})
    declared.http.delete(RUN_URL)

    found = declared.data("GET", f"{CHANGES}?after={before}")

    own_key = {name: RUN[name] for name in ("collab_id", "project_id", "expt_id")}
    assert {"kind": "Study", "id": "s1", "keys": own_key, "is_deleted": False} in found
    assert {"kind": "Job", "id": job.id, "keys": dict(RUN), "is_deleted": False} in found
    assert found[-1] == {"kind": "Run", "key": dict(RUN), "is_deleted": True}


def test_how_many_jobs_are_in_each_state_is_told_to_whoever_wants_it(declared: Client, store: RecordStore) -> None:
    store.add_jobs([Job(Stage.TRAIN, RunKey.of(RUN)) for _ in range(2)])

    counts = answer(declared, f"{CHANGES}?counts=true")["counts"]

    assert counts == answer(declared, "/ttp/jobs?limit=1")["params"]["counts"]
    assert counts["queued"] == 2
    assert "counts" not in answer(declared, CHANGES)


def test_whoever_waits_is_told_as_soon_as_something_changes(declared: Client, store: RecordStore) -> None:
    before = next_of(declared)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(declared.data, "GET", f"{CHANGES}?after={before}&wait=30")
        store.put(Kind.RUN, RUN, {})

        assert [change["kind"] for change in waiting.result(SOON)] == ["Run"]


def test_who_waits_for_nothing_is_answered_when_its_time_is_over(declared: Client) -> None:
    told = answer(declared, f"{CHANGES}?wait=0.01")

    assert (told["data"], told["next"]) == ([], next_of(declared))


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether there was a place, of each who wanted one; whoever asks for one to see takes one himself."""
    take, found = WaitingPlaces._take, list[bool]()

    def noted(places: WaitingPlaces, who: str) -> bool:
        found.append(take(places, who))
        return found[-1]

    monkeypatch.setattr(WaitingPlaces, "_take", noted)
    return found


def test_so_many_wait_and_others_are_answered_at_once_and_told_when_to_ask_again(
    declared: Client, store: RecordStore, taken: list[bool]
) -> None:
    before = next_of(declared)
    url = f"{CHANGES}?after={before}&wait=30"
    with ThreadPoolExecutor(PLACES) as threads:
        waiting = [
            threads.submit(declared.http.get, url, environ_base={"REMOTE_ADDR": f"192.0.2.{number // PLACES_OF_ONE}"})
            for number in range(PLACES)
        ]
        until(lambda: len(taken) == PLACES, "all places to be taken")

        turned_away = declared.http.get(url)
        assert (turned_away.headers["Retry-After"], turned_away.get_json()["data"]) == ("1", [])

        store.put(Kind.RUN, RUN, {})
        answers = [each.result(SOON) for each in waiting]

    assert ["Retry-After" in each.headers for each in answers] == [False] * PLACES
    # Nobody keeps a place.
    assert "Retry-After" not in declared.http.get(f"{CHANGES}?wait=0.01").headers


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=-1", "after"),
        ("after=", "after"),
        ("after=1.5", "after"),
        (f"after={'9' * 30}", "after"),
        ("wait=31", "wait"),
        ("wait=-1", "wait"),
        ("wait=soon", "wait"),
        ("wait=1e1", "wait"),
        ("since=1", "since"),
        ("wait=1&wait=2", "wait"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(client: Client, query: str, field: str) -> None:
    status, found = client.ask("GET", f"{CHANGES}?{query}")

    assert (status, found["field"]) == (417, field)


def test_numbers_that_are_not_known_are_told_apart(client: Client) -> None:
    told = answer(client, f"{CHANGES}?after=123456789&wait=30")

    assert (told["data"], told["is_complete"]) == ([], False)


@pytest.fixture
def members(declared: Client, store: RecordStore) -> dict[str, Client]:
    """The clients of the owner of all there is, of a participant, and of somebody who looks."""
    Owners(store).give(Kind.COLLABORATION, RUN["collab_id"], "lead")
    app = create_app(store, CannedDispatcher(store), component_id="ttp/1", sign_in=SignIn(add_people(store)))

    def client(name: str) -> Client:
        http = app.test_client()
        http.environ_base["HTTP_AUTHORIZATION"] = basic(name)
        return Client(http)

    return {name: client(name) for name in ("lead", "first", "looker")}


def test_with_accounts_everybody_is_told_of_what_it_may_read(members: dict[str, Client], store: RecordStore) -> None:
    before = next_of(members["lead"])
    for who in ("worker_1", "worker_2"):
        store.put(Kind.TAG, {**PROJECT, "participant_id": who}, {"train": []})
        store.add_jobs([Job(Stage.PREDICT, RunKey.of(RUN).measured_at(who))])
    store.put(Kind.RUN, RUN, {})

    def heard(name: str) -> list[tuple[str, str | None]]:
        found = members[name].data("GET", f"{CHANGES}?after={before}")
        keys = [change.get("key") or change["keys"] for change in found]
        return [(change["kind"], key.get("participant_id")) for change, key in zip(found, keys, strict=True)]

    assert heard("looker") == [("Run", None)]
    assert heard("first") == [("Tag", "worker_1"), ("Job", "worker_1"), ("Run", None)]
    assert len(heard("lead")) == 5


def test_what_somebody_may_not_read_ends_nobodys_waiting(members: dict[str, Client], store: RecordStore) -> None:
    before = next_of(members["looker"])
    with ThreadPoolExecutor(1) as threads:
        waiting: Future[list[dict[str, object]]] = threads.submit(
            members["looker"].data, "GET", f"{CHANGES}?after={before}&wait=30"
        )
        store.put(Kind.TAG, {**PROJECT, "participant_id": "worker_1"}, {"train": []})
        store.put(Kind.RUN, RUN, {})

        assert [change["kind"] for change in waiting.result(SOON)] == ["Run"]
