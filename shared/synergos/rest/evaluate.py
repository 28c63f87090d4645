"""The routes below ``/ttp/evaluate``: validation and prediction."""

from __future__ import annotations

from synergos.rest.api import Route
from synergos.rest.predictions import Predictions
from synergos.rest.services import Services
from synergos.rest.stages import StageResource
from synergos.rest.validations import Validations

_VALIDATIONS = "/collaborations/<collab_id>/projects/<project_id>/validations"
_PREDICTIONS = "/participants/<participant_id>/collaborations/<collab_id>/predictions"


def routes(services: Services) -> list[Route]:
    """The table of routes."""
    validations, predictions = Validations(services), Predictions(services)
    validated = _narrower(_VALIDATIONS, "expt_id", "run_id", "participant_id")
    predicted = _narrower(_PREDICTIONS, "project_id", "expt_id", "run_id")
    return [
        Route("Validations", StageResource, validations, validated, "validations", validations.schema),
        Route("Predictions", StageResource, predictions, predicted, "predictions", predictions.schema),
    ]


def _narrower(url: str, *ids: str) -> tuple[str, ...]:
    """The URL, and the URL with one id more each time."""
    return tuple("/".join([url, *(f"<{name}>" for name in ids[:length])]) for length in range(len(ids) + 1))
