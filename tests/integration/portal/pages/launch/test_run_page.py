"""A run's page: what its rounds have lost, as a curve with a table beside it, and what was measured, class by class."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

from fakes.portal import Portal
from synergos.domain.job_event import JobNews, RoundLoss
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos_portal.pages.runs import MOST_CLASSES, measured

RUN = RunKey("collaboration_0", "project_0", "experiment_0", "run_1")
PAGE = "/collaborations/collaboration_0/projects/project_0/experiments/experiment_0/runs/run_1"
STATISTICS = {"f_score": [0.5, 0.75], "TPs": [10, 30], "R2": 0.25}


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", page))


def validation(who: str, pooled: dict[str, Any] | None = None, **figures: Any) -> dict[str, Any]:
    return {"key": {"participant_id": who}, "evaluate": figures, "pooled": pooled}


def test_of_a_training_whose_job_tells_nothing_the_file_is_the_curve(grid: Portal) -> None:
    visitor = grid.visitor()
    page = visitor.get(PAGE).text

    assert f'data-losses="{PAGE}/losses"' in page
    assert page.count('<tr id="round-') == 20
    rounds = list(csv.DictReader(io.StringIO(visitor.get(f"{PAGE}/rounds?format=csv").text)))
    assert len(rounds) == 20
    assert [each[0] for each in visitor.get(f"{PAGE}/losses?after=17").json or []] == [18, 19, 20]


def test_the_file_of_rounds_has_those_too_that_the_job_does_not_keep(grid: Portal, store: RecordStore) -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    lost = RoundLoss(10, 0.125, None, {"hospital_1": 0.5}, at)
    store.history.add(store.get(Kind.MODEL, RUN)["job"], JobNews((), (lost,)))

    rounds = grid.visitor().get(f"{PAGE}/rounds?format=json").json or []

    assert [each["round"] for each in rounds] == list(range(1, 21))
    assert rounds[9]["participants"] == {"hospital_1": 0.5}


def test_a_job_tells_what_each_participant_has_lost(grid: Portal, store: RecordStore) -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    lost = [RoundLoss(each, 1 / each, None, {"hospital_1": 0.5 / each}, at) for each in range(1, 151)]
    job = store.get(Kind.MODEL, RUN)["job"]
    store.history.add(job, JobNews((), tuple(lost)))
    store.merge(Kind.MODEL_VERSION, RUN.trained_as(1), {"figures": {"rounds": 150}})
    visitor = grid.visitor()
    page = visitor.get(PAGE).text

    assert (page.count('<tr id="round-'), 'id="round-150"' in page, 'id="round-50"' in page) == (100, True, False)
    assert '<th scope="col">hospital_1</th>' in page
    assert visitor.get(f"{PAGE}/losses?after=149").json == [[150, 1 / 150, None, {"hospital_1": 0.5 / 150}]]


def test_what_was_measured_stands_there_class_by_class(grid: Portal, store: RecordStore) -> None:
    [first, *_] = store.find(Kind.VALIDATION, RUN)
    figures = {"statistics": STATISTICS, "classes": ["healthy", "ill"], "overall": {"accuracy": 0.875}}
    store.merge(Kind.VALIDATION, first["key"], {"evaluate": {**first["evaluate"], **figures}})
    page = words(grid.visitor().get(PAGE).text)

    who = first["key"]["participant_id"]
    assert f"By class: {who} Class f_score TPs healthy 0.5 10 ill 0.75 30" in page
    assert "accuracy 0.875" in page


def test_figures_of_all_come_first_and_classes_without_names_have_numbers() -> None:
    pooled = {"statistics": {"f_score": [0.1, 0.2]}, "classes": ["only one"], "overall": {"confusion": [[1]]}}
    found = measured([validation("b", pooled, statistics={"MSE": 2.0}), validation("a", pooled)], {})

    assert [each.participant for each in found] == [None, "b"]
    assert [label for label, _ in found[0].classes] == ["0", "1"]
    [found_of_one] = measured([validation("a", statistics={"f_score": [0.1, 0.2]}, classes=["1", None])], {})
    assert [label for label, _ in found_of_one.classes] == ["1", "(no label)"]
    assert (found[0].overall, found[1].overall) == ({}, {"MSE": 2.0})


def test_who_is_told_no_validation_is_shown_what_the_model_says_of_all() -> None:
    [found] = measured([], {"pooled": {"statistics": {"f_score": [0.5, 0.75]}, "classes": ["healthy", "ill"]}})

    assert (found.participant, found.classes) == (None, [("healthy", (0.5,)), ("ill", (0.75,))])


def test_of_very_many_classes_the_first_are_shown_and_it_is_said() -> None:
    [found] = measured([validation("a", statistics={"f_score": [0.5] * 150})], {})

    assert (len(found.classes), found.count) == (MOST_CLASSES, 150)
