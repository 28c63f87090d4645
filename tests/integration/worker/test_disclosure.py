"""A strict worker, asked as a TTP asks: what it refuses and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from factories.worker_data import wine, write_frame
from fakes.worker_client import HeldExecutor, WorkerClient, blob_of
from synergos_worker.bootstrap import build_worker
from synergos_worker.disclosure import rounding
from synergos_worker.disclosure.policy import STRICT
from synergos_worker.settings import Settings

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}


@pytest.fixture
def strict(data: Path) -> Iterator[WorkerClient]:
    """Whose rows to evaluate have few of one cultivar."""
    frame = wine()
    rare = frame[frame["target"] == "barolo"][:4]
    write_frame(data, ["wine", "evaluate"], pd.concat([frame[frame["target"] != "barolo"][:60], rare]))
    service = build_worker(Settings(data, data.parent / "outputs", policy=STRICT), compute=HeldExecutor())
    yield WorkerClient(service)
    service.close()


def test_it_says_that_it_is_strict(strict: WorkerClient) -> None:
    health = strict.command("GET", "/health", 200)

    assert (health["disclosure"], health["minimum_rows"]) == ("strict", 10)


@pytest.mark.parametrize("purpose", ["train", "evaluate", "predict"])
def test_few_rows_are_refused_for_whatever_purpose(strict: WorkerClient, data: Path, purpose: str) -> None:
    write_frame(data, ["few"], wine()[:9])

    failed = strict.prepared({purpose: [["few"]]})

    assert failed["state"] == "failed"
    assert failed["error"]["field"] == f"tags.{purpose}"
    assert "fewer than 10 distinct rows" in failed["error"]["message"]
    assert "headers" not in failed


def test_what_is_polled_has_no_extreme_of_any_row(strict: WorkerClient) -> None:
    told = strict.prepared(TAGS)["statistics"]["train"]["numeric"]
    frame = wine()[:100]

    for column, found in told.items():
        ordered = sorted(frame[column])
        assert found["minimum"] == rounding.down(ordered[10]), column
        assert found["maximum"] == rounding.up(ordered[-11]), column
        assert found["count"] == 100


def test_rows_that_have_become_few_open_no_session(strict: WorkerClient, data: Path) -> None:
    agreement = strict.agree(TAGS)
    write_frame(data, ["wine", "train"], wine()[:5])

    refused = strict.initialise(agreement, status=422)

    assert "fewer than 10 distinct rows" in refused["message"]


def test_a_small_class_has_no_figures_and_a_reason(strict: WorkerClient) -> None:
    agreement = strict.agree(TAGS)
    strict.initialise(agreement)
    assert strict.data("PUT", "model", blob_of(agreement.weights())).status_code == 200

    found = strict.predict("evaluate")["data"]["results"]["evaluate"]

    barolo = found["classes"].index("barolo")
    assert found["statistics"]["TPs"][barolo] is None
    assert found["reasons"]["TPs"][barolo] == "fewer than 10 true or predicted rows"
    assert found["overall"]["rows"] == 64


# Asking for less


def test_an_open_worker_that_is_asked_for_less_tells_less_at_every_stage(client: WorkerClient, data: Path) -> None:
    frame = wine()
    rare = frame[frame["target"] == "barolo"][:4]
    write_frame(data, ["wine", "evaluate"], pd.concat([frame[frame["target"] != "barolo"][:60], rare]))
    ordered = sorted(frame[:100]["alcohol"])

    everything = client.prepared(TAGS)["statistics"]["train"]["numeric"]["alcohol"]
    less = client.prepared(TAGS, minimum_rows=20)["statistics"]["train"]["numeric"]["alcohol"]
    agreement = client.agree(TAGS, minimum_rows=15)
    client.command("POST", "/worker/align/c/p1", 200, agreement.body())
    client.initialise(agreement)
    assert client.data("PUT", "model", blob_of(agreement.weights())).status_code == 200
    found = client.predict("evaluate")["data"]["results"]["evaluate"]

    assert (everything["minimum"], everything["maximum"]) == (ordered[0], ordered[-1])
    assert (less["minimum"], less["maximum"]) == (rounding.down(ordered[20]), rounding.up(ordered[-21]))
    assert found["reasons"]["TPs"][found["classes"].index("barolo")] == "fewer than 15 true or predicted rows"


def test_nobody_gets_more_by_asking_for_it(strict: WorkerClient, data: Path) -> None:
    write_frame(data, ["few"], wine()[:9])

    failed = strict.prepared({"train": [["few"]]}, minimum_rows=1)
    told = [strict.prepared(TAGS, minimum_rows=asked)["statistics"] for asked in (None, 1, 10)]

    assert "fewer than 10 distinct rows" in failed["error"]["message"]
    assert told[0] == told[1] == told[2]


def test_rows_that_are_too_few_for_who_asks_are_refused_as_for_their_owner(client: WorkerClient) -> None:
    failed = client.prepared(TAGS, minimum_rows=80)

    assert failed["error"]["field"] == "tags.evaluate"
    assert "fewer than 80 distinct rows" in failed["error"]["message"]


@pytest.mark.parametrize("asked", [0, -1, 2.5, "10", True])
def test_a_minimum_is_a_whole_number_of_rows(client: WorkerClient, asked: object) -> None:
    body = {"action": "classify", "tags": TAGS, "minimum_rows": asked}

    assert client.command("POST", "/worker/poll/c/p1", 417, body)["field"] == "minimum_rows"
