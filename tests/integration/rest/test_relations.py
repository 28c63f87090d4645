"""What hangs under the items of a list: told, counted or left out."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    CONNECT,
    EXPERIMENT_URL,
    MODELS_URL,
    PROJECT_URL,
    RUN,
    VALIDATIONS_URL,
    Client,
    R,
)
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ExperimentKey
from synergos.records import RecordStore

JOBS = "/ttp/jobs"


@pytest.mark.parametrize(
    "url",
    [f"{CONNECT}/collaborations", PROJECT_URL, EXPERIMENT_URL, f"{EXPERIMENT_URL}/runs", f"{CONNECT}/participants"],
)
def test_what_hangs_under_items_can_be_counted_or_left_out(finished: Client, url: str) -> None:
    def items(query: str) -> list[dict[str, Any]]:
        found = finished.data("GET", f"{url}{query}")
        return found if isinstance(found, list) else [found]

    full, counted, bare = (items(query) for query in ("", "?relations=counts", "?relations=none"))

    assert full == items("?relations=full")
    for whole, short, alone in zip(full, counted, bare, strict=True):
        relations = whole.pop("relations")
        assert short == {**whole, "relations": {name: len(found) for name, found in relations.items()}}
        assert alone == whole
    assert any(count for short in counted for count in short["relations"].values())


def test_what_an_unfinished_job_hides_is_not_counted(finished: Client, store: RecordStore) -> None:
    before = finished.data("GET", f"{EXPERIMENT_URL}?relations=counts")["relations"]

    store.add_jobs([Job(Stage.TRAIN, ExperimentKey.of(RUN).run_called(R))])

    after = finished.data("GET", f"{EXPERIMENT_URL}?relations=counts")["relations"]
    assert (before["Model"], after["Model"], after["Run"]) == (1, 0, before["Run"])


@pytest.mark.parametrize("url", [JOBS, MODELS_URL, VALIDATIONS_URL, ALIGNMENTS_URL, "/ttp/studies", "/ttp/nodes"])
def test_on_what_nothing_hangs_under_relations_change_nothing(finished: Client, url: str) -> None:
    assert finished.data("GET", f"{url}?relations=counts") == finished.data("GET", url)


@pytest.mark.parametrize("url", [f"{CONNECT}/collaborations", EXPERIMENT_URL, JOBS])
def test_relations_are_one_of_three_words(finished: Client, url: str) -> None:
    status, answer = finished.ask("GET", f"{url}?relations=some")

    assert (status, answer["field"]) == (417, "relations")
