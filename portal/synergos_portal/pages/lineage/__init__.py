"""Where a run's model comes from and what was made with it, as a picture, as a list and as JSON; and what has changed since."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import msgspec
from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import lineage, results
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.orchestrator.results import Training
from synergos_portal.pages.lineage.picture import COLUMN_OF, HEIGHT, WIDTH, picture_of
from synergos_portal.web.current import client


class _Known(dict[str, Any]):
    """What is known of something; nothing of what is not, as with a model of before something was kept."""

    def __missing__(self, name: str) -> None:
        return None


pages = Blueprint("lineage", __name__, url_prefix="/lineage")


@pages.get("/<collab_id>/<project_id>/<expt_id>/<run_id>")
def show(collab_id: str, project_id: str, expt_id: str, run_id: str) -> ResponseReturnValue:
    """The lineage of one run, or of one of its trainings."""
    version, run = request.args.get("version") or None, Spot.of(collab_id, project_id, expt_id, run_id)
    found = lineage.of_run(client(), run, version=version)
    if request.args.get("format") == "json":
        return Response(msgspec.json.encode(found) + b"\n", mimetype="application/json")
    # The list has what the picture has, in its order.
    ordered = sorted(found.nodes, key=lambda node: (COLUMN_OF.get(node.kind, 9), node.kind != "validation"))
    places = {node.id: place for place, node in enumerate(ordered, 1)}
    return render_template(
        "lineage/lineage.html",
        found=found,
        picture=picture_of(found),
        kinds=[(kind, list(nodes)) for kind, nodes in groupby(ordered, key=lambda node: node.kind)],
        places=places,
        box=(WIDTH, HEIGHT),
        known_of=_Known,
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
