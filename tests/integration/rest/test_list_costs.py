"""What a list costs: as many questions and as much memory however much there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy import Engine, event

from factories.studies import study_of
from fakes.orchestration import (
    CONNECT,
    EXPERIMENT_URL,
    PROJECT_URL,
    RUN,
    Client,
)
from support.pages import page
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Kind
from synergos.domain.study import StudyState, Trial, TrialState
from synergos.orchestration.study_records import StudyRecords
from synergos.records import RecordStore

EXPERIMENT = ExperimentKey.of(RUN)
RUNS_URL = f"{EXPERIMENT_URL}/runs"
JOBS = "/ttp/jobs"


def test_runs_by_the_thousand_cost_a_page(client: Client, store: RecordStore) -> None:
    with store.transaction():
        for number in range(1000):
            store.put(Kind.RUN, EXPERIMENT.run_called(f"many_{number}"), {})

    last = page(client, RUNS_URL, limit=3, order="newest", fields="doc_id")

    assert [record["key"]["run_id"] for record in last["data"]] == ["many_999", "many_998", "many_997"]


def questions(store: RecordStore) -> AbstractContextManager[list[str]]:
    """What the database is asked inside."""

    @contextmanager
    def listening() -> Iterator[list[str]]:
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("SELECT"):
                asked.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        yield asked
        event.remove(Engine, "before_cursor_execute", note)

    return listening()


@pytest.mark.usefixtures("finished")
def test_a_list_costs_as_many_questions_however_many_records_it_has(client: Client, store: RecordStore) -> None:
    with store.transaction():
        for number in range(90):
            keys = {**RUN, "collab_id": f"c{number}", "participant_id": "worker_1"}
            for kind in (Kind.COLLABORATION, Kind.PROJECT, Kind.REGISTRATION, Kind.EXPERIMENT, Kind.RUN, Kind.MODEL):
                store.put(kind, keys, {"model": [], "n_count": 1, "role": "guest", "node_0": {"host": "h"}})

    for url in (
        f"{CONNECT}/collaborations",
        f"{CONNECT}/participants",
        f"{CONNECT}/participants/worker_1/registrations",
    ):
        with questions(store) as few:
            page(client, url, limit=1)
        with questions(store) as many:
            assert client.data("GET", url)
        assert len(many) <= len(few) + 8 <= 20, url


def test_a_registration_in_a_list_does_not_repeat_what_others_say_at_length(declared: Client) -> None:
    said = "x" * 10_000
    declared.put(PROJECT_URL, {"incentives": {"tier": [said]}, "start_at": said})
    declared.put(f"{CONNECT}/participants/worker_1", {"summary": said})
    alone = declared.data("GET", f"{PROJECT_URL}/participants/worker_1/registration")

    for url in (f"{PROJECT_URL}/registrations", f"{CONNECT}/participants/worker_1/registrations"):
        response = declared.http.get(url)
        [first, *_] = response.get_json()["data"]
        assert len(response.data) < 5_000
        assert first["relations"] == alone["relations"]
        assert first.keys() == alone.keys()
        assert (first["project"]["action"], first["participant"]["id"]) == ("regress", "worker_1")
        assert first["collaboration"] == alone["collaboration"]
    assert alone["project"]["incentives"] == {"tier": [said]}
    assert alone["participant"]["summary"] == said


def test_a_large_answer_is_sent_piece_by_piece(client: Client, store: RecordStore) -> None:
    keys = {"collab_id": "large"}
    store.put(Kind.COLLABORATION, keys, {})
    for number in range(20):
        incentives = {"tier": ["x" * 300_000]}
        store.put(Kind.PROJECT, {**keys, "project_id": f"p{number}"}, {"action": "regress", "incentives": incentives})

    for url in (
        f"{CONNECT}/collaborations",
        f"{CONNECT}/collaborations/large",
        f"{CONNECT}/collaborations/large/projects",
    ):
        response = client.http.get(url)
        pieces = list(response.iter_encoded())
        assert "Content-Length" not in response.headers, url
        assert max(map(len, pieces)) < 800_000, url
        found = json.loads(b"".join(pieces))["data"]
        whole = found if isinstance(found, dict) else found[0]
        projects = found if url.endswith("projects") else whole["relations"]["Project"]
        assert [project["key"]["project_id"] for project in projects] == [f"p{number}" for number in range(20)]
    assert "Content-Length" in client.http.get(f"{CONNECT}/participants").headers


def test_of_what_hung_under_a_record_that_is_deleted_only_so_much_is_repeated(
    client: Client, store: RecordStore
) -> None:
    keys = {"collab_id": "large"}
    store.put(Kind.COLLABORATION, keys, {})
    for number in range(6):
        incentives = {"tier": ["x" * 1_000_000]}
        store.put(Kind.PROJECT, {**keys, "project_id": f"p{number}"}, {"action": "regress", "incentives": incentives})

    deleted = client.data("DELETE", f"{CONNECT}/collaborations/large")["relations"]["Project"]

    assert [project["key"]["project_id"] for project in deleted] == [f"p{number}" for number in range(6)]
    assert ["incentives" in project for project in deleted] == [True] * 4 + [False] * 2


def test_trials_of_all_studies_on_a_page_are_counted_at_once(client: Client, store: RecordStore) -> None:
    records = StudyRecords(store)
    for number in range(5):
        study = records.add(study_of(f"s{number}", StudyState.RUNNING))
        for trial in range(3):
            drawn = Trial(f"run_{number}_{trial}", trial, {}, {}, TrialState.COMPLETED, objective=float(trial == 1))
            records.save_trial(study, drawn)

    with questions(store) as asked:
        found = client.data("GET", "/ttp/studies")

    assert [(each["counts"]["completed"], each["best"]["run_id"]) for each in found] == [
        (3, f"run_{number}_1") for number in range(5)
    ]
    assert len(asked) <= 3


def test_a_search_asks_as_often_whatever_there_is(client: Client, store: RecordStore) -> None:
    def asked() -> int:
        with questions(store) as statements:
            assert client.get("/ttp/search?q=deep")[0] == 200
        return len(statements)

    few = asked()
    with store.transaction():
        for number in range(30):
            store.put(Kind.RUN, EXPERIMENT.run_called(f"deep_{number}"), {})

    assert asked() == few
