"""The lineage of a model: a picture, a list and JSON that say the same, and what has changed since."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from fakes.portal import Visitor, answering, portal
from synergos_portal.orchestrator.results import Edge, Lineage, Node, RunKey
from synergos_portal.pages.lineage import HEIGHT, MOST_IN_A_COLUMN, WIDTH, picture_of

URL = "/lineage/c/p/e/r"
HOSTILE = '<b>"&'
KEY = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
NODES: list[dict[str, Any]] = [
    {
        "id": "dataset:h1:heart", "kind": "dataset", "title": HOSTILE, "participant_id": "h1",
        "about": {"tag": ["heart"], "purposes": ["train"], "rows": {"train": 90}, "fingerprint": "k.1",
                  "fingerprint_now": "k.2", "compared": "changed", "looked_at": "2026-11-26T10:00:00+00:00"},
        "changes": ["has changed since the model was trained"],
    },
    {"id": "alignment", "kind": "alignment", "title": "agreement 1", "about": {"version": 1, "version_now": 2}, "changes": []},
    {"id": "network", "kind": "network", "title": "e", "about": {"family": "layers", "model": [{"l_type": "Linear"}]}},
    {
        "id": "run", "kind": "run", "title": "r",
        "about": {"hyperparameters": {"rounds": 2, "lr": 0.5}, "hyperparameters_now": {"rounds": 3, "lr": 0.5}},
        "changes": ["rounds was 2 and is 3 now"],
    },
    {"id": "job", "kind": "job", "title": "j1", "about": {"id": "j1", "state": "completed"}},
    {"id": "model", "kind": "model", "title": "training 1",
     "about": {"version": 1, "files": {"global": {"global_model.pt": "a" * 64}}, "figures": {"train_loss": 0.25}}},
    {"id": "validation:h1", "kind": "validation", "title": "h1", "participant_id": "h1", "about": {"rows": 30}},
]  # fmt: skip
TRUNK = ["dataset:h1:heart", "alignment", "network", "run", "job", "model", "validation:h1"]


def answer(**changed: Any) -> dict[str, Any]:
    edges = [{"from": before, "to": after} for before, after in itertools.pairwise(TRUNK)]
    changes = [{"node": node["id"], "text": text} for node in NODES for text in node.get("changes", ())]
    return {"key": KEY, "state": "changed", "nodes": NODES, "edges": edges, "changes": changes, **changed}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def visitor(folder: Path, **changed: Any) -> Visitor:
    return portal(folder, answering((f"GET /ttp{URL}", 200, {"data": answer(**changed)}))).visitor()


def test_the_picture_has_every_part_and_line_and_the_list_the_same(folder: Path) -> None:
    page = visitor(folder).get(URL).text
    [drawing] = re.findall(r"<svg class=\"lineage\".*?</svg>", page, re.DOTALL)
    svg = ElementTree.fromstring(drawing)

    assert len(list(svg.iter("rect"))) == len(NODES)
    assert len(list(svg.iter("path"))) == len(TRUNK) - 1
    links = {link.get("href", "").removeprefix("#") for link in svg.iter("a")}
    assert all(f'id="{each}"' in page for each in links)
    assert len(links) == len(NODES)
    assert HOSTILE not in page
    assert "style=" not in page


def test_what_has_changed_stands_on_top_in_the_picture_and_beside_what_it_was(folder: Path) -> None:
    page = visitor(folder).get(URL).text

    assert "2 things have changed since the model was trained" in page
    assert page.count("⚠ changed") == 2
    assert page.count("rounds was 2 and is 3 now") == 2
    assert "<td>2</td>" in page
    assert "k.2" in page
    assert "a" * 64 in page


def test_nothing_has_changed_and_nothing_is_trained_are_said(folder: Path) -> None:
    calm = [{**node, "changes": []} for node in NODES]

    assert "Nothing that is known has changed" in visitor(folder, state="current", nodes=calm, changes=[]).get(URL).text
    untrained = visitor(folder, state="untrained", nodes=calm[:4], edges=[], changes=[]).get(URL).text
    assert "This run has no model yet" in untrained


def test_it_is_to_be_had_as_json(folder: Path) -> None:
    found: Any = visitor(folder).get(f"{URL}?format=json").json

    assert (found["state"], len(found["nodes"]), found["edges"][0]) == (
        "changed", len(NODES), {"from": TRUNK[0], "to": TRUNK[1]},
    )  # fmt: skip


def test_parts_lie_beside_each_other_and_never_on_each_other() -> None:
    nodes = tuple(Node(f"dataset:{n}", "dataset", f"folder {n}") for n in range(MOST_IN_A_COLUMN + 5))
    rest = tuple(Node(kind, kind, kind) for kind in ("alignment", "model"))
    edges = tuple(Edge(before=node.id, after="alignment") for node in nodes)
    found = picture_of(Lineage(RunKey("c", "p", "e", "r"), "current", (*nodes, *rest), edges, ()))

    places = sorted((part.x, part.y) for part in found.parts)
    assert len(set(places)) == len(places) == MOST_IN_A_COLUMN + 2
    assert all(first[0] != second[0] or second[1] - first[1] >= HEIGHT for first, second in itertools.pairwise(places))
    assert [more.count for more in found.more] == [5]
    assert all(0 <= x <= found.width - WIDTH and 0 <= y <= found.height - HEIGHT for x, y in places)


def test_it_is_there_in_german(folder: Path) -> None:
    assert "Herkunft von r" in visitor(folder).get(URL, Accept_Language="de").text


def test_the_trainings_that_are_kept_are_tabs_and_each_has_its_lineage(folder: Path) -> None:
    trainings = {"data": [{"key": {"version": number}} for number in (1, 2)]}
    versions = "GET /ttp/train/collaborations/c/projects/p/models/e/r/versions"
    there = portal(folder, answering((f"GET /ttp{URL}", 200, {"data": answer()}), (versions, 200, trainings)))
    page = there.visitor().get(f"{URL}?version=1").text

    assert f"GET /ttp{URL}?version=1" in there.asked
    assert re.findall(r'nav-link( active)?"[^>]*href="([^"]*)">training (\d)', page) == [
        ("", f"{URL}?", "2"),
        (" active", f"{URL}?version=1", "1"),
    ]
