"""Lists: 50 a page, and the whole as CSV and JSON."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from fakes.portal import Portal, answering, portal
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
