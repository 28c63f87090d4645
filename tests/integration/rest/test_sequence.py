"""The driver's call sequence of the abalone notebook, request by request, twice in a row; on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.orchestration import ALIGNMENTS_URL, Client, go_through_the_notebook, registration_url, tags
from servers.postgresql import PostgreSQL
from synergos.records import RecordStore


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind that the record store works with."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture
def store(database: str) -> Iterator[RecordStore]:
    store = RecordStore(database)
    yield store
    store.close()


def test_the_abalone_notebook_runs_twice_in_a_row(client: Client) -> None:
    for _ in range(2):
        results = go_through_the_notebook(client)

        assert [status for status, _ in results] == [201, 200, 200, 200, 200]
        assert [answer["method"] for _, answer in results] == [
            "alignments.post",
            "models.post",
            "validations.post",
            "predictions.post",
            "predictions.post",
        ]
        assert [len(answer["data"]) for _, answer in results] == [2, 1, 2, 1, 1]


def test_a_prediction_leaves_the_participant_its_tags(client: Client) -> None:
    go_through_the_notebook(client)

    stored = client.data("GET", f"{registration_url('worker_1')}/tags")

    assert stored["predict"] == [["abalone", "data1", "predict"]]
    assert stored["train"] == tags("data1")["train"]


def test_deleting_a_registration_takes_tags_and_alignment_along(client: Client) -> None:
    go_through_the_notebook(client)

    deleted = client.data("DELETE", registration_url("worker_1"))

    assert deleted["relations"]["Tag"][0]["train"] == tags("data1")["train"]
    assert client.get(f"{registration_url('worker_1')}/tags")[0] == 404
    aligned = [record["key"]["participant_id"] for record in client.data("GET", ALIGNMENTS_URL)]
    assert aligned == ["worker_2"]
