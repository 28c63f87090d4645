"""Lists: 50 a page, and the whole as CSV and JSON."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from fakes.portal import Portal, answering, portal
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos_portal.orchestrator.problems import Nonsense
from synergos_portal.web.listing import cell


def declare(store: RecordStore, count: int) -> list[str]:
    names = [f"c{number:03}" for number in range(count)]
    for name in names:
        store.put(Kind.COLLABORATION, {"collab_id": name}, {})
    return names


def test_a_list_has_50_a_page_and_leads_to_the_next(store: RecordStore, grid: Portal) -> None:
    names = declare(store, 51)
    visitor = grid.visitor()

    first = visitor.get("/collaborations").text
    [after] = [part.split('"')[0] for part in first.split('rel="next" href="')[1:]]
    second = visitor.get(after.replace("&amp;", "&")).text

    assert [name for name in names if name in first] == names[1:]
    assert [name for name in names if name in second] == names[:1]


def test_the_whole_list_is_to_be_had_as_csv_and_json(store: RecordStore, grid: Portal) -> None:
    names = declare(store, 3)
    visitor = grid.visitor()

    rows = list(csv.DictReader(io.StringIO(visitor.get("/collaborations?format=csv").text)))
    records = visitor.get("/collaborations?format=json").json

    assert sorted(row["collab_id"] for row in rows) == names
    assert [row["collab_id"] for row in rows] == [record["collab_id"] for record in records or []]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_list_that_leads_back_is_not_followed_for_ever(tmp_path: Path, kind: str) -> None:
    item = {"kind": "Collaboration", "key": {"collab_id": "heart"}}
    endless = ("GET /ttp/connect/collaborations", 200, {"data": [item], "next": "again"})

    answer = portal(tmp_path, answering(endless)).visitor().client.get(f"/collaborations?format={kind}")

    # Whoever reads it has no whole file.
    with pytest.raises(Nonsense, match="leads back"):
        answer.get_data()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (-0.5, "-0.5"),
        (True, "true"),
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("＝1+1", "'＝1+1"),
        ("\n=1+1", "'\n=1+1"),
        ("-1+cmd", "'-1+cmd"),
        ("-0.5", "-0.5"),
        ("x", "x"),
        ([1], "[1]"),
    ],
)
def test_a_cell_is_the_value_and_never_a_formula(value: object, text: str) -> None:
    assert cell(value) == text


def test_an_empty_list_says_what_to_do(grid: Portal) -> None:
    assert "There is no collaboration yet" in grid.visitor().get("/collaborations").text


@pytest.mark.parametrize("path", ["/collaborations", "/participants", "/jobs", "/studies", "/catalogue"])
def test_every_list_is_to_be_had_whole(path: str, store: RecordStore, grid: Portal) -> None:
    store.put(Kind.COLLABORATION, {"collab_id": "heart"}, {})
    store.put(Kind.PARTICIPANT, {"participant_id": "hospital"}, {})
    visitor = grid.visitor()

    rows = list(csv.reader(io.StringIO(visitor.get(f"{path}?format=csv").text)))
    items = visitor.get(f"{path}?format=json").json

    assert isinstance(items, list)
    assert len(items) == (1 if path in ("/collaborations", "/participants") else 0)
    assert len(rows) == 1 + len(items)


def test_the_file_of_a_list_is_called_as_what_it_lists(grid: Portal, store: RecordStore) -> None:
    experiment = ExperimentKey("c", "p", "e")
    for kind in (Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT):
        store.put(kind, experiment, {"model": []})
    paths = ["/collaborations", "/collaborations/c"]
    paths += [f"{paths[-1]}/projects/p", f"{paths[-1]}/projects/p/experiments/e"]

    answers = [grid.visitor().get(f"{path}?format=csv") for path in paths]

    names = [answer.headers["Content-Disposition"].partition("filename=")[2] for answer in answers]
    assert names == ['"collaborations.csv"', '"projects.csv"', '"experiments.csv"', '"runs.csv"']


def test_a_run_in_the_list_of_its_experiment_says_how_it_is_trained_and_how_far_it_is(
    grid: Portal, store: RecordStore
) -> None:
    experiment = ExperimentKey("c", "p", "e")
    for kind in (Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT):
        store.put(kind, experiment, {"model": []})
    for name, said in (("r1", {"algorithm": "FedProx", "rounds": 1200, "lr": 0.0005}), ("r 2", {})):
        store.put(Kind.RUN, experiment.run_called(name), said)
    store.put(Kind.MODEL, experiment.run_called("r1"), {})
    store.put(Kind.VALIDATION, experiment.run_called("r1").measured_at("w"), {})

    page = grid.visitor().get("/collaborations/c/projects/p/experiments/e").text

    second, first = (re.sub(r"<[^>]*>", "|", row) for row in page.split("<tr><td><input")[1:])
    assert [each.strip() for each in first.split("|") if each.strip()][1:8] == [
        *["r1", "FedProx", "1,200", "–", "0.0005", "✓", "trained"]
    ]
    assert [each.strip() for each in second.split("|") if each.strip()][1:7] == ["r 2", "–", "–", "–", "–", "not yet"]
    assert 'name="run" value="e/r 2" aria-label="Compare r 2"' in page
    assert 'href="/collaborations/c/projects/p/experiments/e/runs/r%202">r 2</a>' in page
