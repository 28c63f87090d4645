"""Which TTPs an orchestrator has, what each does, and what waits for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.orchestration import PROJECT, RUN, CannedDispatcher, Client
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.records import Kind
from synergos.orchestration.grids import Broker, QueueDepth
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos.rest import create_app

GRIDS = "/ttp/grids"


def cluster(store: RecordStore, broker: Broker) -> Client:
    app = create_app(store, CannedDispatcher(store), component_id="director", look_at_queues=lambda: broker)
    return Client(app.test_client())


def test_a_basic_grid_is_one_and_says_what_its_ttp_does(declared: Client, store: RecordStore) -> None:
    idle = declared.data("GET", GRIDS)
    job = Job(Stage.TRAIN, RunKey.of(RUN)).started()
    store.add_jobs([Job(Stage.TRAIN, RunKey.of(RUN)), job])

    _, answer = declared.ask("GET", GRIDS)

    alone = {"kind": "Grid", "id": "ttp/1", "grid": None, "ttp": "ttp/1", "joined": None}
    assert idle == [{**alone, "is_busy": False, "job": None}]
    [busy] = answer["data"]
    assert (busy["is_busy"], busy["job"]["id"], busy["job"]["stage"], answer["broker"]) == (True, job.id, "train", None)


def test_a_cluster_has_the_sub_grids_whose_ttps_live_and_its_queues(store: RecordStore) -> None:
    leases = Leases(store, 3600)
    client = cluster(store, Broker({"train": QueueDepth(3, 1)}))
    for index in (1, 0):
        leases.grids.hold(index, f"holder {index}", f"ttp_{index}", ["a worker"] if index else [])
    store.add_jobs([Job(Stage.PREPROCESS, ProjectKey.of(PROJECT))])
    store.put(Kind.REGISTRATION, {**PROJECT, "participant_id": "x"}, {"n_count": 2})
    assert leases.claim(1, "holder 1", "ttp_1", Path("outputs")).claim is not None

    _, answer = client.ask("GET", GRIDS)

    shown = [(each["grid"], each["ttp"], each["is_busy"], each["joined"]) for each in answer["data"]]
    assert shown == [(0, "ttp_0", False, 0), (1, "ttp_1", True, 1)]
    assert answer["broker"] == {"is_reachable": True, "queues": {"train": {"messages": 3, "consumers": 1}}}
    assert [each["grid"] for each in client.data("GET", f"{GRIDS}?order=newest&limit=1")] == [1]


def test_a_broker_that_is_away_is_said_to_be(store: RecordStore) -> None:
    _, answer = cluster(store, Broker(None)).ask("GET", GRIDS)

    assert (answer["data"], answer["broker"]) == ([], {"is_reachable": False, "queues": {}})


@pytest.mark.parametrize(("is_cluster", "kind"), [(False, "basic"), (True, "cluster")])
def test_health_says_which_kind_of_grid_it_is(client: Client, store: RecordStore, is_cluster: bool, kind: str) -> None:
    asked = cluster(store, Broker(None)) if is_cluster else client

    assert asked.ask("GET", "/health")[1]["grid_kind"] == kind
