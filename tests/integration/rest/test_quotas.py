"""Nobody takes what all share without end: what goes beyond a quota is refused with its name and its setting, and leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    MODELS_URL,
    PROJECT_URL,
    RUN_URL,
    C,
    CannedDispatcher,
    Client,
    E,
    R,
    leave,
    predictions_url,
)
from synergos.domain.quotas import Quotas
from synergos.domain.records import RECORD_TYPES
from synergos.records import RecordStore
from synergos.rest import create_app

STUDY = {
    "search_space": {"lr": {"_type": "uniform", "_value": [0.01, 0.1]}},
    "metric": "R2",
    "optimize_mode": "max",
    "max_trial_num": 2,
}
STUDIES_URL = f"{MODELS_URL}/{E}/optimizations"

Within = Callable[..., Client]


@pytest.fixture
def within(store: RecordStore, dispatcher: CannedDispatcher) -> Within:
    """A client of a grid with these quotas."""

    def made(**quotas: int) -> Client:
        app = create_app(store, dispatcher, component_id="ttp/1", quotas=Quotas(**quotas))
        return Client(app.test_client())

    return made


def contents(store: RecordStore) -> list[Any]:
    return [store.jobs(), *(store.find(kind) for kind in RECORD_TYPES)]


def refused(store: RecordStore, client: Client, verb: str, url: str, body: Any) -> tuple[int, str]:
    before = contents(store)
    status, answer = client.ask(verb, url, body)
    assert contents(store) == before, "half of it was stored"
    assert "data" not in answer
    return status, answer["message"]


@pytest.mark.usefixtures("declared")
def test_records_of_a_collaboration_are_bounded(store: RecordStore, within: Within) -> None:
    client = within(records=store.share(C).records + 1)
    run = {"rounds": 1, "epochs": 1}
    assert client.post(f"{EXPERIMENT_URL}/runs", {"run_id": "last", **run})[0] == 201

    status, message = refused(store, client, "POST", f"{EXPERIMENT_URL}/runs", {"run_id": "one_more", **run})

    assert status == 403
    assert f"collaboration {C!r} may have" in message
    assert "--quota records=" in message
    assert client.put(RUN_URL, {"rounds": 3})[0] == 200, "what is there can be changed"
    assert client.post(f"{CONNECT}/collaborations", {"collab_id": "another"})[0] == 201
    client.delete(f"{EXPERIMENT_URL}/runs/last")
    assert client.post(f"{EXPERIMENT_URL}/runs", {"run_id": "one_more", **run})[0] == 201


@pytest.mark.usefixtures("declared")
def test_bytes_of_a_collaboration_are_bounded(store: RecordStore, within: Within) -> None:
    client = within(bytes=store.share(C).size + 2000)
    much = {"incentives": {"tier": ["x" * 3000]}}

    for verb, url, body in (
        ("PUT", PROJECT_URL, much),
        ("POST", f"{COLLABORATION_URL}/projects", {"project_id": "p2", "action": "regress", **much}),
    ):
        status, message = refused(store, client, verb, url, body)
        assert status == 403
        assert f"the records of collaboration {C!r} may take" in message
        assert "--quota bytes=" in message
    assert client.put(PROJECT_URL, {"incentives": {"tier": ["x" * 1000]}})[0] == 200
    assert within(bytes=10).put(PROJECT_URL, {"incentives": {}})[0] == 200, "less is never too much"


@pytest.mark.usefixtures("declared")
def test_participants_and_collaborations_are_bounded(store: RecordStore, within: Within) -> None:
    client = within(records=8, collaborations=1)
    for number in range(6):
        assert client.post(f"{CONNECT}/participants", {"id": f"p{number}"})[0] == 201

    status, message = refused(store, client, "POST", f"{CONNECT}/participants", {"id": "p6"})
    assert (status, "participants, all together, may have 8 records" in message) == (403, True)
    status, message = refused(store, client, "POST", f"{CONNECT}/collaborations", {"collab_id": "another"})
    assert (status, "--quota collaborations=1" in message) == (403, True)
    assert client.post(f"{CONNECT}/collaborations", {"collab_id": C})[0] == 201, (
        "one that is there may be declared again"
    )


@pytest.mark.usefixtures("finished")
def test_jobs_that_wait_are_bounded(store: RecordStore, within: Within, dispatcher: CannedDispatcher) -> None:
    client = within(waiting_jobs=2)
    dispatcher.do = leave
    for url in (f"{MODELS_URL}/{E}/{R}", ALIGNMENTS_URL):
        client.data("POST", url, {})

    asked: dict[str, dict[str, Any]] = {
        ALIGNMENTS_URL: {},
        f"{ALIGNMENTS_URL}?check=true": {},
        f"{MODELS_URL}/{E}/{R}": {},
        predictions_url("worker_1"): {"tags": {}},
    }
    for url, body in asked.items():
        status, message = refused(store, client, "POST", url, body)
        assert status == 429, url
        assert f"collaboration {C!r} would have 3 jobs that have not ended, and may have 2" in message
        assert "--quota waiting_jobs=2" in message


@pytest.mark.usefixtures("finished")
def test_nothing_begins_where_its_results_have_no_room(store: RecordStore, within: Within) -> None:
    client = within(records=store.share(C).records)

    for url, body in ((f"{MODELS_URL}/{E}/{R}", {}), (STUDIES_URL, STUDY)):
        status, message = refused(store, client, "POST", url, body)
        assert (status, "--quota records=" in message) == (403, True)


@pytest.mark.usefixtures("finished")
def test_studies_that_run_are_bounded(store: RecordStore, within: Within) -> None:
    client = within(running_studies=1)
    client.data("POST", STUDIES_URL, STUDY)
    [study] = client.data("GET", "/ttp/studies")

    status, message = refused(store, client, "POST", STUDIES_URL, STUDY)

    assert status == 429
    assert "would have 2 studies that run, and may have 1" in message
    assert "--quota running_studies=1" in message
    client.data("POST", f"/ttp/studies/{study['id']}/stop")
    assert refused(store, client, "POST", STUDIES_URL, STUDY)[0] == 429, "it is being stopped"
