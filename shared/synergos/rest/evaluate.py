"""The routes below ``/ttp/evaluate``: validation and prediction."""

from __future__ import annotations

from synergos.domain.job import Stage
from synergos.orchestration.orchestrator import Orchestrator
from synergos.rest.api import Route
from synergos.rest.lists import PARAMETERS
from synergos.rest.stages import ResultsResource, StageHandler

_VALIDATIONS = "/collaborations/<collab_id>/projects/<project_id>/validations"
_PREDICTIONS = "/participants/<participant_id>/collaborations/<collab_id>/predictions"


def routes(orchestrator: Orchestrator) -> list[Route]:
    """The table of routes."""
    jobs, deletions = orchestrator.jobs, orchestrator.deletions
    validations = StageHandler(orchestrator.stages[Stage.VALIDATE], jobs, deletions, "validations")
    predictions = StageHandler(orchestrator.stages[Stage.PREDICT], jobs, deletions, "predictions")
    validated = _narrower(_VALIDATIONS, "expt_id", "run_id", "participant_id")
    predicted = _narrower(_PREDICTIONS, "project_id", "expt_id", "run_id")
    return [
        Route(
            "Validations",
            ResultsResource,
            validations,
            validated,
            "validations",
            validations.requests.schema,
            dict(PARAMETERS),
        ),
        Route(
            "Predictions",
            ResultsResource,
            predictions,
            predicted,
            "predictions",
            predictions.requests.schema,
            dict(PARAMETERS),
        ),
    ]


def _narrower(url: str, *ids: str) -> tuple[str, ...]:
    """The URL, and the URL with one id more each time."""
    return tuple("/".join([url, *(f"<{name}>" for name in ids[:length])]) for length in range(len(ids) + 1))
