"""The routes below ``/ttp/train``: alignment, training and tuning."""

from __future__ import annotations

from http import HTTPStatus

from synergos.domain.job import Stage
from synergos.orchestration.orchestrator import Orchestrator
from synergos.rest.alignments import AlignmentResource
from synergos.rest.api import Route
from synergos.rest.artifacts import ArtifactCollection, SingleArtifact, Versions
from synergos.rest.lists import PARAMETERS
from synergos.rest.optimizations import OF_TRIALS, OptimizationResource
from synergos.rest.stages import ResultsResource, StageHandler

_PROJECT = "/collaborations/<collab_id>/projects/<project_id>"


def routes(orchestrator: Orchestrator) -> list[Route]:
    """The table of routes."""
    stages, studies = orchestrator.stages, orchestrator.studies
    jobs, deletions = orchestrator.jobs, orchestrator.deletions
    alignments = StageHandler(stages[Stage.PREPROCESS], jobs, deletions, "alignments", HTTPStatus.CREATED)
    models = StageHandler(stages[Stage.TRAIN], jobs, deletions, "models")
    everything = f"{_PROJECT}/models"
    scopes = (everything, f"{everything}/<expt_id>", f"{everything}/<expt_id>/<run_id>")
    of_run = f"{everything}/<expt_id>/<run_id>"
    versions = f"{of_run}/versions"
    artifacts = (f"{of_run}/artifacts", f"{versions}/<version>/artifacts")
    tuning = f"{everything}/<expt_id>/optimizations"
    return [
        Route(
            "Alignments",
            AlignmentResource,
            alignments,
            (f"{_PROJECT}/alignments",),
            "alignments",
            alignments.requests.schema,
            dict(PARAMETERS),
        ),
        Route("Models", ResultsResource, models, scopes, "models", models.requests.schema, dict(PARAMETERS)),
        Route("Versions", Versions, orchestrator.trainings, (versions,), "models", None, dict(PARAMETERS)),
        Route("Artifacts", ArtifactCollection, orchestrator.artifacts, artifacts, "models"),
        Route(
            "Artifact", SingleArtifact, orchestrator.artifacts, tuple(f"{each}/<name>" for each in artifacts), "models"
        ),
        Route("Optimizations", OptimizationResource, studies, (tuning,), "optimizations", studies.schema, OF_TRIALS),
    ]
