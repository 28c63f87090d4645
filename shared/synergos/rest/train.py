"""The routes below ``/ttp/train``: alignment, training and tuning."""

from __future__ import annotations

from synergos.rest.alignments import Alignments
from synergos.rest.api import Route
from synergos.rest.models import Models
from synergos.rest.optimizations import OptimizationResource, Optimizations
from synergos.rest.services import Services
from synergos.rest.stages import StageResource

_PROJECT = "/collaborations/<collab_id>/projects/<project_id>"


def routes(services: Services) -> list[Route]:
    """The table of routes."""
    alignments, models, optimizations = Alignments(services), Models(services), Optimizations(services)
    everything = f"{_PROJECT}/models"
    scopes = (everything, f"{everything}/<expt_id>", f"{everything}/<expt_id>/<run_id>")
    tuning = f"{everything}/<expt_id>/optimizations"
    return [
        Route("Alignments", StageResource, alignments, (f"{_PROJECT}/alignments",), "alignments", alignments.schema),
        Route("Models", StageResource, models, scopes, "models", models.schema),
        Route("Optimizations", OptimizationResource, optimizations, (tuning,), "optimizations", optimizations.schema),
    ]
