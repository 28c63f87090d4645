"""Studies: the list, one of them as it goes on, its end, and its best trial made a run."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from fakes.orchestration import CannedDispatcher
from fakes.portal import Portal, portal
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Kind
from synergos.domain.study import StudyState, Trial, TrialState
from synergos.records import RecordStore
from synergos.rest.app import create_app

EXPERIMENT = ExperimentKey("collaboration_0", "project_0", "experiment_0")
ID = "study_collaboration_0_project_0_experiment_0"
PAGE = f"/studies/{ID}"


@pytest.fixture
def store(filled: str) -> Iterator[RecordStore]:
    store = RecordStore(filled)
    yield store
    store.close()


@pytest.fixture
def grid(store: RecordStore, tmp_path: Path) -> Portal:
    return portal(tmp_path, create_app(store, CannedDispatcher(store), component_id="ttp/1"))


def test_the_list_has_the_best_of_each(grid: Portal) -> None:
    page = grid.visitor().get("/studies").text

    assert "MSE" in page
    assert "smallest is best" in page
    [row] = json.loads(grid.visitor().get("/studies?format=json").text)
    assert (row["id"], row["best"], row["best_run"], row["trials"]) == (ID, 88.0, "run_2", 3)


@pytest.mark.parametrize(("query", "count"), [("state=completed", 1), ("state=running", 0), ("expt_id=other", 0)])
def test_the_list_is_narrowed_down_by_its_url(grid: Portal, query: str, count: int) -> None:
    assert len(json.loads(grid.visitor().get(f"/studies?{query}&format=json").text)) == count


def test_a_study_marks_its_best_trial_and_can_be_sorted_by_it(grid: Portal) -> None:
    numbers = [
        re.findall(r'id="trial-(\d)"', grid.visitor().get(f"{PAGE}?sort={sort}").text)
        for sort in ("number", "objective")
    ]

    assert numbers == [["2", "1", "0"], ["2", "1", "0"]]
    assert grid.visitor().get(PAGE).text.count("★") == 1


def test_trials_are_read_as_csv(grid: Portal) -> None:
    rows = list(csv.DictReader(io.StringIO(grid.visitor().get(f"{PAGE}?format=csv").text)))

    assert [(row["run_id"], float(row["objective"]), float(row["hyperparameters.lr"])) for row in rows] == [
        (f"run_{number}", 90.0 - number, 0.001 * (1 + number)) for number in range(3)
    ]


def test_its_record_is_read_as_json(grid: Portal) -> None:
    record = grid.visitor().get(f"{PAGE}?as=json").json or {}

    assert (record["metric"], len(record["trials"])) == ("MSE", 3)
    assert 'href="?as=json"' in grid.visitor().get(PAGE).text


def test_a_study_that_goes_on_is_asked_for_every_second(grid: Portal, store: RecordStore) -> None:
    visitor = grid.visitor()
    key = {**EXPERIMENT, "study_id": ID}
    store.merge(Kind.STUDY, key, {"state": StudyState.RUNNING})
    first = visitor.get(f"{PAGE}/live")
    pruned = Trial("run_9", 3, {"lr": 1.0}, {"lr": 1.0}, TrialState.PRUNED, reason="others were better by <i>then</i>")
    store.put(Kind.TRIAL, {**key, "run_id": "run_9"}, pruned.to_payload())

    second = visitor.get(f"{PAGE}/live", If_None_Match=first.headers["ETag"])

    assert (first.headers["Live-Pace"], second.status_code) == ("1", HTTPStatus.OK)
    assert "others were better by &lt;i&gt;then&lt;/i&gt;" in second.text
    assert visitor.get(f"{PAGE}/live", If_None_Match=second.headers["ETag"]).status_code == HTTPStatus.NOT_MODIFIED


def test_stopping_is_said_before_it_is_done(grid: Portal, store: RecordStore) -> None:
    visitor = grid.visitor()
    key = {**EXPERIMENT, "study_id": ID}
    store.merge(Kind.STUDY, key, {"state": StudyState.RUNNING})

    said = visitor.get(f"{PAGE}/stop")
    assert store.get(Kind.STUDY, key)["state"] == StudyState.RUNNING
    answer = visitor.send(f"{PAGE}/stop")

    assert "No new trial is started" in said.text
    assert (answer.status_code, answer.location) == (HTTPStatus.SEE_OTHER, PAGE)
    assert store.get(Kind.STUDY, key)["state"] == StudyState.STOPPING


def test_the_best_trial_becomes_a_run_with_all_its_hyperparameters(grid: Portal, store: RecordStore) -> None:
    answer = grid.visitor().send(f"{PAGE}/best", {"run_id": "the best"})

    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert "the%20best" in answer.location or "the+best" in answer.location
    best, made = (store.get(Kind.RUN, EXPERIMENT.run_called(name)) for name in ("run_2", "the best"))
    assert {name: made[name] for name in ("lr", "rounds", "mu", "optimizer")} == {
        name: best[name] for name in ("lr", "rounds", "mu", "optimizer")
    }


def test_a_name_that_is_taken_replaces_nothing(grid: Portal, store: RecordStore) -> None:
    before = store.get(Kind.RUN, EXPERIMENT.run_called("run_1"))

    answer = grid.visitor().send(f"{PAGE}/best", {"run_id": "run_1"})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'value="run_1"' in answer.text
    assert store.get(Kind.RUN, EXPERIMENT.run_called("run_1")) == before


def test_a_study_that_is_not_there_is_a_page(grid: Portal) -> None:
    assert grid.visitor().get("/studies/nobody").status_code == HTTPStatus.NOT_FOUND
