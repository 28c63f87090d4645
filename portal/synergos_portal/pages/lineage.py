"""Where a run's model comes from and what was made with it, as a picture, as a list and as JSON; and what has changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec
from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import results
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.orchestrator.results import Lineage, Node, Training
from synergos_portal.web.current import client
from synergos_portal.web.words import lazy

pages = Blueprint("lineage", __name__, url_prefix="/lineage")

COLUMN_OF = {
    "dataset": 0,
    "alignment": 1,
    "network": 2,
    "run": 3,
    "job": 4,
    "model": 5,
    "validation": 6,
    "prediction": 6,
}
"""From left to right, from what was first to what came of it."""
KINDS = {
    "dataset": lazy("Data"),
    "alignment": lazy("Agreement"),
    "network": lazy("Network"),
    "run": lazy("Run"),
    "job": lazy("Job"),
    "model": lazy("Model"),
    "validation": lazy("Validation"),
    "prediction": lazy("Prediction"),
}
"""What kinds of parts are called."""
WIDTH, HEIGHT = 148, 58
"""Of a part, in units of the picture."""
_ACROSS, _DOWN, _EDGE = 34, 16, 8
MOST_IN_A_COLUMN = 24
"""Parts of one kind that are drawn; of more the list alone has all."""
_LETTERS = 14


@dataclass(frozen=True)
class Part:
    """A part of the lineage as it is drawn.

    Attributes:
        x: of its left upper corner, as ``y``.
        title: as much of it as there is room for.
    """

    node: Node
    x: int
    y: int
    title: str

    @property
    def has_changed(self) -> bool:
        """Whether it is not what it was."""
        return bool(self.node.changes)


@dataclass(frozen=True)
class More:
    """How many parts of a column are not drawn, and where that is said."""

    x: int
    y: int
    count: int


@dataclass(frozen=True)
class Line:
    """From one part to another.

    Attributes:
        path: as SVG has it.
    """

    path: str
    has_changed: bool


@dataclass(frozen=True)
class Picture:
    """All of it."""

    width: int
    height: int
    parts: tuple[Part, ...]
    lines: tuple[Line, ...]
    more: tuple[More, ...]


class _Known(dict[str, object]):
    """What is known of something; nothing of what is not, as with a model of before something was kept."""

    def __missing__(self, name: str) -> None:
        return None


@pages.get("/<collab_id>/<project_id>/<expt_id>/<run_id>")
def show(collab_id: str, project_id: str, expt_id: str, run_id: str) -> ResponseReturnValue:
    """The lineage of one run, or of one of its trainings."""
    version, run = request.args.get("version") or None, Spot.of(collab_id, project_id, expt_id, run_id)
    found = results.lineage(client(), run, version=version)
    if request.args.get("format") == "json":
        return Response(msgspec.json.encode(found) + b"\n", mimetype="application/json")
    # The list has what the picture has, in its order.
    ordered = sorted(found.nodes, key=lambda node: (COLUMN_OF.get(node.kind, 9), node.kind != "validation"))
    # Looked up once: each part says what it is three times.
    called = {kind: str(text) for kind, text in KINDS.items()}
    places = {node.id: place for place, node in enumerate(ordered, 1)}
    return render_template(
        "lineage/lineage.html",
        found=found,
        picture=picture_of(found),
        kinds=[(kind, list(nodes)) for kind, nodes in groupby(ordered, key=lambda node: node.kind)],
        places=places,
        box=(WIDTH, HEIGHT),
        known_of=_Known,
        kind_of=lambda name: called.get(name, name),
        version=version,
        trainings=_trainings(run),
        run=run,
    )


def _trainings(run: Spot) -> list[Training]:
    """Those that are kept, the newest first."""
    try:
        return list(results.trainings(client(), run))[::-1]
    except Refused:
        return []


def picture_of(lineage: Lineage) -> Picture:
    """Where everything lies; columns that nothing is in are left out."""
    columns = _columns(lineage.nodes)
    tallest = max((min(len(nodes), MOST_IN_A_COLUMN) + (len(nodes) > MOST_IN_A_COLUMN) for nodes in columns), default=1)
    height = tallest * (HEIGHT + _DOWN) - _DOWN
    parts: dict[str, Part] = {}
    more = []
    for place, nodes in enumerate(columns):
        x = _EDGE + place * (WIDTH + _ACROSS)
        shown = nodes[:MOST_IN_A_COLUMN]
        rows = len(shown) + (len(nodes) > len(shown))
        top = _EDGE + (height - rows * (HEIGHT + _DOWN) + _DOWN) // 2
        for row, node in enumerate(shown):
            parts[node.id] = Part(node, x, top + row * (HEIGHT + _DOWN), _shortened(node.title))
        if len(nodes) > len(shown):
            more.append(More(x, top + len(shown) * (HEIGHT + _DOWN), len(nodes) - len(shown)))
    width = len(columns) * (WIDTH + _ACROSS) - _ACROSS + 2 * _EDGE
    return Picture(width, height + 2 * _EDGE, tuple(parts.values()), tuple(_lines(lineage, parts)), tuple(more))


def _columns(nodes: Sequence[Node]) -> list[list[Node]]:
    found: dict[int, list[Node]] = {}
    for node in nodes:
        found.setdefault(COLUMN_OF.get(node.kind, max(COLUMN_OF.values())), []).append(node)
    return [found[column] for column in sorted(found)]


def _lines(lineage: Lineage, parts: Mapping[str, Part]) -> list[Line]:
    found = []
    for edge in lineage.edges:
        before, after = parts.get(edge.before), parts.get(edge.after)
        if before is None or after is None:
            continue
        x, y = before.x + WIDTH, before.y + HEIGHT // 2
        end_x, end_y = after.x, after.y + HEIGHT // 2
        bend = max(_ACROSS // 2, (end_x - x) // 2)
        found.append(Line(f"M{x} {y}C{x + bend} {y} {end_x - bend} {end_y} {end_x} {end_y}", before.has_changed))
    return found


def _shortened(text: str) -> str:
    """The end of it, which tells one folder from another."""
    return text if len(text) <= _LETTERS else f"…{text[-_LETTERS + 1 :]}"
