"""``/ttp/catalogue``: what participants publish, asked when somebody wants to know, and kept with its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from fakes.orchestration import C, CannedDispatcher, Client, P, declare, registration, registration_url
from synergos.domain.grid import Node
from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose, Tag
from synergos.errors import NotSupported, WorkerUnreachable
from synergos.orchestration import catalogues
from synergos.orchestration.caller import OWNER
from synergos.orchestration.catalogue_keeper import CatalogueKeeper
from synergos.orchestration.catalogues import PublishedCatalogues
from synergos.orchestration.grids import Broker
from synergos.records import RecordStore
from synergos.records.database import Database
from synergos.records.leases import Leases
from synergos.rest.app import create_app

COLUMN = {"name": "age", "type": "float64"}


@dataclass
class Workers:
    """What each publishes, by host; others are away."""

    publishing: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, node: Node, project: ProjectKey, tags: Mapping[Purpose, Sequence[Tag]]) -> Mapping[str, Any]:
        self.asked.append(node.host)
        if node.host not in self.publishing:
            raise WorkerUnreachable("cannot be reached", node.participant_id)
        folder = {"path": list(tags[Purpose.TRAIN][0]), "datatype": "tabular", "columns": [COLUMN]}
        return {"extent": "schema", "folders": [folder], "is_whole": True, **self.publishing[node.host]}


@pytest.fixture
def workers() -> Workers:
    return Workers({"172.18.0.3": {}, "172.18.0.4": {}})


@pytest.fixture
def keeper(store: RecordStore, workers: Workers) -> Iterator[CatalogueKeeper]:
    keeper = CatalogueKeeper(store, None, workers)
    yield keeper
    keeper.close()


def waking(keeper: CatalogueKeeper) -> Callable[[], None]:
    """Whoever is to be asked is asked before anybody goes on."""

    def wake() -> None:
        wait(keeper.look())

    return wake


@pytest.fixture
def client(store: RecordStore, keeper: CatalogueKeeper) -> Client:
    app = create_app(store, CannedDispatcher(store), component_id="ttp/1", wake_catalogues=waking(keeper))
    declare(Client(create_app(store, CannedDispatcher(store), component_id="ttp/1").test_client()))
    return Client(app.test_client())


def listed(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.data("GET", "/ttp/catalogue")
    return found


def test_what_each_publishes_is_told_with_what_it_is_used_for(client: Client) -> None:
    found = listed(client)

    assert [each["key"]["participant_id"] for each in found] == ["worker_1", "worker_2"]
    [folder] = found[0]["folders"]
    assert (folder["path"], folder["used_for"]) == (["abalone", "data1", "train"], ["train"])
    assert folder["columns"] == [{**COLUMN, "unit": None, "is_label": False}]
    assert (folder["rows"], folder["classes"], folder["title"], folder["is_readable"]) == (None, [], "", True)
    assert (found[0]["extent"], found[0]["problem"]) == ("schema", None)
    assert found[0]["seen_at"] == found[0]["nodes"][0]["asked_at"]


def test_nobody_is_asked_again_within_ten_seconds(
    store: RecordStore, client: Client, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = store.database.now()
    monkeypatch.setattr(Database, "now", lambda _database: at)
    listed(client)
    at += timedelta(seconds=9)
    listed(client)
    client.data("GET", f"/ttp/catalogue/{C}/{P}")

    assert sorted(workers.asked) == ["172.18.0.3", "172.18.0.4"]
    at += timedelta(seconds=2)
    listed(client)
    assert len(workers.asked) == 4


def test_what_is_known_stays_while_a_worker_is_away_and_says_so(
    client: Client, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogues, "EVERY", catalogues.EVERY * 0)
    [before, _] = listed(client)
    del workers.publishing["172.18.0.3"]

    [after, other] = listed(client)

    assert after["folders"] == before["folders"]
    assert after["seen_at"] == before["seen_at"] < after["nodes"][0]["asked_at"]
    assert after["problem"] == "worker_1: cannot be reached"
    assert other["problem"] is None


def test_a_release_that_publishes_nothing_is_a_problem_and_no_more(store: RecordStore, client: Client) -> None:
    def of_before(node: Node, project: ProjectKey, tags: object) -> Mapping[str, Any]:
        raise NotSupported(f"{node.participant_id}: the release of its worker publishes nothing of its datasets yet")

    older = CatalogueKeeper(store, None, of_before)
    app = create_app(store, CannedDispatcher(store), component_id="ttp/1", wake_catalogues=waking(older))

    [first, _] = listed(Client(app.test_client()))

    older.close()
    assert (first["extent"], first["folders"]) == (None, [])
    assert first["problem"] == "worker_1: the release of its worker publishes nothing of its datasets yet"


def test_a_worker_that_is_registered_anew_is_not_shown_what_another_one_said(client: Client, workers: Workers) -> None:
    listed(client)
    del workers.publishing["172.18.0.3"]
    client.put(registration_url("worker_1"), registration("172.18.0.99"))

    [changed, _] = listed(client)

    assert (changed["folders"], changed["extent"]) == ([], None)
    assert workers.asked[-1] == "172.18.0.99"


def test_a_sub_grids_nodes_are_its_own_ttps_to_ask(store: RecordStore, client: Client, workers: Workers) -> None:
    elsewhere = CatalogueKeeper(store, {1}, workers)

    found = PublishedCatalogues(store, waking(elsewhere)).find(OWNER, {"collab_id": C}, patience=0.0)

    elsewhere.close()
    assert workers.asked == []
    assert [view.published for view in found.items] == [None, None]


def test_in_a_cluster_nobody_waits_for_nodes_of_a_sub_grid_without_a_ttp(
    store: RecordStore, client: Client, keeper: CatalogueKeeper, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    director = create_app(
        store,
        CannedDispatcher(store),
        component_id="director",
        wake_catalogues=waking(keeper),
        look_at_queues=lambda: Broker(None),
    )
    waited = list[float]()
    monkeypatch.setattr(time, "sleep", waited.append)

    def asked() -> int:
        listed(Client(director.test_client()))
        return len(workers.asked)

    assert (asked(), waited) == (0, [])
    assert Leases(store, 3600).grids.hold(1, "another", "ttp_1") is None
    assert (asked(), waited) == (0, [])
    assert Leases(store, 3600).grids.hold(0, "holder", "ttp_0") is None
    assert (asked(), waited) == (2, [])


def test_who_was_not_asked_though_somebody_wanted_to_know_is_not_waited_for_again(
    store: RecordStore, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[object] = []
    published = PublishedCatalogues(store, lambda: woken.append("woken"))
    published.find(OWNER, {"collab_id": C}, patience=0.0)
    at = store.database.now() + timedelta(seconds=catalogues.PATIENCE_SECONDS)
    monkeypatch.setattr(Database, "now", lambda _database: at)
    waited = list[float]()
    monkeypatch.setattr(time, "sleep", waited.append)

    published.find(OWNER, {"collab_id": C}, patience=0.1)

    assert (woken, waited) == (["woken"], [])


def test_a_project_is_laid_side_by_side(client: Client, workers: Workers) -> None:
    other = {"path": ["elsewhere"], "datatype": "tabular", "columns": [{"name": "bmi", "type": "float64"}]}
    workers.publishing["172.18.0.4"] = {"folders": [other]}

    found = client.data("GET", f"/ttp/catalogue/{C}/{P}")

    assert [each["participant_id"] for each in found["participants"]] == ["worker_1", "worker_2"]
    # What is not tagged is not compared by who has tagged something.
    assert found["participants"][1]["folders"] == []
    assert found["differences"] == []
    client.delete(f"{registration_url('worker_2')}/tags")
    found = client.data("GET", f"/ttp/catalogue/{C}/{P}")
    assert found["differences"] == [
        "column 'age' is at worker_1, and not at worker_2",
        "column 'bmi' is at worker_2, and not at worker_1",
    ]
    assert [(each["name"], each["lacking"], each["differs"]) for each in found["columns"]] == [
        ("age", ["worker_2"], True),
        ("bmi", ["worker_1"], True),
    ]


def test_what_is_not_there_is_not_there(client: Client) -> None:
    assert client.get(f"/ttp/catalogue/{C}/nothing")[0] == 404
    assert client.get("/ttp/catalogue?colab_id=x")[0] == 417


def test_a_page_ends_where_it_has_become_long_and_the_next_goes_on(client: Client, workers: Workers) -> None:
    columns = [{"name": f"column {number}", "type": "float64"} for number in range(15_000)]
    wide = {"path": ["wide"], "datatype": "tabular", "columns": columns}
    for published in workers.publishing.values():
        published["folders"] = [wide]

    status, first = client.get("/ttp/catalogue?limit=50")
    _, second = client.get(f"/ttp/catalogue?limit=50&cursor={first['next']}")

    assert status == 200
    assert [each["key"]["participant_id"] for each in first["data"]] == ["worker_1"]
    assert [each["key"]["participant_id"] for each in second["data"]] == ["worker_2"]
    assert second["next"] is None
    assert len(client.data("GET", "/ttp/catalogue")) == 2
