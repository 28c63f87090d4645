"""Lineage: where a run's model comes from, what was made with it, and what has changed since."""

from __future__ import annotations

from typing import Any

from flask import Response

from synergos.domain.keys import RunKey
from synergos.domain.lineage import Lineage
from synergos.orchestration.lineage import Lineages
from synergos.rest.api import Route
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.resource import Resource

_URL = "/lineage/<collab_id>/<project_id>/<expt_id>/<run_id>"


def routes(lineages: Lineages) -> list[Route]:
    """The route below ``/ttp``."""
    return [Route("Lineage", SingleLineage, lineages, (_URL,), "lineage")]


class SingleLineage(Resource):
    """The lineage of one run."""

    def __init__(self, api: object, lineages: Lineages) -> None:
        super().__init__(api)
        self.lineages = lineages

    def get(self, **ids: str) -> Response:
        """Say what a model was made of, as it was then, and what has changed since. Workers are asked at most every ten seconds."""
        return success("lineage.get", _representation(self.lineages.of(caller(), RunKey.of(ids))))


def _representation(lineage: Lineage) -> dict[str, Any]:
    return {
        "kind": "Lineage",
        "key": lineage.key.to_dict(),
        "state": lineage.state.value,
        "nodes": [
            {
                "id": node.id,
                "kind": node.kind.value,
                "title": node.title,
                "participant_id": node.participant,
                "about": dict(node.about),
                "changes": list(node.changes),
            }
            for node in lineage.nodes
        ],
        "edges": [{"from": before, "to": after} for before, after in lineage.edges],
        "changes": [{"node": node.id, "text": text} for node in lineage.nodes for text in node.changes],
    }
