"""Lineage: where a run's model comes from, what was made with it, and what has changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from flask import Response, request

from synergos.domain.keys import RunKey
from synergos.domain.lineage import Lineage
from synergos.orchestration.lineage import Lineages
from synergos.rest.api import Route
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.resource import Resource

_URL = "/lineage/<collab_id>/<project_id>/<expt_id>/<run_id>"
_VERSION = "version"
_PARAMETERS = {_VERSION: "the number of a training of the run that is kept; the newest without it"}


def routes(lineages: Lineages) -> list[Route]:
    """The route below ``/ttp``."""
    return [Route("Lineage", SingleLineage, lineages, (_URL,), "lineage", parameters=dict(_PARAMETERS))]


class SingleLineage(Resource):
    """The lineage of one run."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": (_VERSION,)}

    def __init__(self, api: object, lineages: Lineages) -> None:
        super().__init__(api)
        self.lineages = lineages

    def get(self, **ids: str) -> Response:
        """Say what a model was made of, as it was then, and what has changed since. Workers are asked at most every ten seconds."""
        found = self.lineages.of(caller(), RunKey.of(ids), request.args.get(_VERSION))
        return success("lineage.get", _representation(found))


def _representation(lineage: Lineage) -> dict[str, object]:
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
