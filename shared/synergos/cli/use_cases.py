"""Everything that can be asked of an orchestrator, and the command that asks it: one row each.

A command has no implementation of its own: it is made of a call of the driver (:mod:`synergos.cli.driver_command`), whose signature is its
options and whose docstring is its help; or it is one of the few that wait, draw or read files, and which these rows name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synergos.cli import job, participant, predict, removal, tune
from synergos.cli.gathered_options import Gathered
from synergos.cli.outcomes import FIGURES
from synergos.cli.project_file import alignments_in, runs_in
from synergos.cli.use_case import Shows, UseCase

NOUNS: Mapping[str, str] = {
    "collaboration": "Who works together, and which shared services they use.",
    "project": "What a collaboration wants to predict.",
    "experiment": "The models a project tries.",
    "run": "The hyperparameters an experiment tries.",
    "participant": "The organisations that hold data.",
    "invitation": "Which participants may register for a project of somebody else's, where the orchestrator has accounts.",
    "registration": "Which participants take part in which project, and where their workers listen.",
    "catalogue": "Which datasets participants have, as far as they publish it, and where those differ.",
    "tags": "Which of its datasets a participant gives to a project.",
    "alignment": "What was agreed; `synergos align` agrees on it.",
    "model": "Trained models; `synergos train` trains them.",
    "validation": "What models reached on the participants' evaluation data; `synergos validate` measures it.",
    "prediction": "What predictions reached; `synergos predict` predicts.",
    "job": "Look at an orchestrator's jobs, wait for them, cancel them.",
    "vocabulary": "What can be named in declarations: layers, losses, optimisers, hyperparameters, statistics.",
    "removal": "Files of what was deleted that are not gone yet, as the worker or TTP where they are is away.",
    "token": "Who you are to an orchestrator with accounts, and what signs you in there; `synergos login` is enough for this command.",
    "tune": "Look for good hyperparameters of an experiment, watch the search, stop it.",
}
"""The groups of commands, and what each is about."""

COMPARED = (
    *(f"overall.{name}" for name in ("accuracy", "balanced_accuracy")),
    *(f"mean.{name}" for name in ("roc_auc_score", "f_score")),
    *("R2", "MSE", "MAE", "model.evaluate_loss", "model.best_round", "model.rounds"),
)
"""The same of runs beside each other; what they differ in comes after these."""
_SERVICES = tuple(
    Gathered(name, f"configure_{name if name != 'logs' else 'logger'}")
    for name in ("catalogue", "logs", "meter", "mlops", "mq")
)
_SETTING = "a setting of the algorithm, optimizer, criterion or scheduler"


def _stored(noun: str, task: str, columns: Sequence[str], change_sets: str | None = None, **both: Any) -> list[UseCase]:
    """The five things that can be done with most of what is declared.

    Args:
        change_sets: what ``--set`` is for, of what changes alone.
        both: of what creates and what changes.
    """
    plural = f"{noun}s"
    return [
        UseCase(f"{noun} create", f"{task}.create", **both),
        UseCase(f"{noun} list", f"{task}.read_all", Shows.LIST, columns, f"List {plural}, newest first."),
        UseCase(f"{noun} show", f"{task}.read"),
        UseCase(f"{noun} update", f"{task}.update", changes=f"{task}.create", **{"sets": change_sets, **both}),
        UseCase(f"{noun} delete", f"{task}.delete"),
    ]


USE_CASES: Sequence[UseCase] = (
    *_stored("collaboration", "collaborations", ["collab_id", "mlops.host", "mq.host", "logs.host"], gathers=_SERVICES),
    *_stored("project", "projects", ["project_id", "action", "start_at"], given={"incentives": {}}),
    *_stored("experiment", "experiments", ["expt_id", "family", "created_at"]),
    *_stored(
        "run",
        "runs",
        ["run_id", "algorithm", "rounds", "epochs", "lr", "batch_size", "optimizer", "criterion"],
        sets=_SETTING,
    ),
    *_stored("participant", "participants", ["participant_id", "category", "summary", "email"]),
    UseCase("participant agreement", "participants.read_agreement"),
    UseCase("vocabulary show", "vocabulary.read"),
    UseCase(
        "catalogue list",
        "catalogue.read_all",
        Shows.LIST,
        ["collab_id", "project_id", "participant_id", "extent", "seen_at", "problem"],
        "List what participants publish of their datasets.",
    ),
    UseCase("catalogue compare", "catalogue.read"),
    UseCase("model lineage", "catalogue.lineage"),
    UseCase("participant check", "nodes.read_all", made=participant.check),
    UseCase("invitation create", "invitations.create"),
    UseCase(
        "invitation list",
        "invitations.read_all",
        Shows.LIST,
        ["collab_id", "project_id", "participant_id", "state", "created_at"],
        "List invitations, newest first.",
    ),
    UseCase("invitation show", "invitations.read"),
    UseCase("invitation delete", "invitations.delete"),
    *_stored(
        "registration",
        "registrations",
        ["collab_id", "project_id", "participant_id", "role", "node_0.host", "node_0.f_port", "node_0.port", "n_count"],
        change_sets="a node, as node_0='{…}'",
        gathers=[Gathered("node", "add_node", many=True, on_change=False)],
    ),
    UseCase("tags create", "tags.create", given={"train": []}),
    UseCase("tags show", "tags.read"),
    UseCase("tags update", "tags.update", changes="tags.create", sets="a purpose without folders, as train=[]"),
    UseCase("tags delete", "tags.delete"),
    UseCase("align", "alignments.create", Shows.JOBS, in_file=alignments_in),
    UseCase("train", "models.create", Shows.JOBS, in_file=runs_in),
    UseCase("validate", "validations.create", Shows.JOBS, in_file=runs_in),
    UseCase("predict", "predictions.create", made=predict.predict),
    UseCase(
        "results",
        "runs.results",
        Shows.FRAME,
        FIGURES,
        "Show what a run's model was measured to be worth: at each participant, and over all together.",
    ),
    UseCase(
        "compare",
        "runs.compare",
        Shows.FRAME,
        COMPARED,
        "Show runs beside each other: what they differ in, and what came of them.",
    ),
    UseCase("history", "models.history", Shows.PLOTTED, help="Show the losses of a run's training, round by round."),
    UseCase(
        "alignment show", "alignments.read", Shows.ROWS, help="Show where each participant's columns get blanks added."
    ),
    UseCase(
        "model show", "models.read", Shows.ROWS, help="Show the trained models, and where the orchestrator keeps them."
    ),
    UseCase(
        "model versions",
        "models.versions",
        Shows.LIST,
        [
            *("version", "is_current", "job", "trained_at"),
            *(f"figures.{name}" for name in ("rounds", "best_round", "train_loss", "evaluate_loss")),
        ],
        "List the trainings of a run whose models are kept, newest first.",
    ),
    UseCase("model delete", "models.delete"),
    UseCase("model artifacts", "models.artifacts", Shows.LIST, ["name", "bytes", "media_type"]),
    UseCase("download", "models.download", Shows.FILES),
    UseCase("validation show", "validations.read", Shows.ROWS, FIGURES, "Show the statistics of validations."),
    UseCase("validation delete", "validations.delete"),
    UseCase(
        "validation confusion",
        "validations.confusion_matrix",
        Shows.PLOTTED,
        help="Show which classes a run's model takes for which.",
    ),
    UseCase(
        "prediction confusion",
        "predictions.confusion_matrix",
        Shows.PLOTTED,
        help="Show which classes a run's model took for which in predictions of rows with labels.",
    ),
    UseCase(
        "validation roc",
        "validations.roc",
        Shows.PLOTTED,
        help="Show how a run's model does at other thresholds: areas under its ROC curves.",
    ),
    UseCase(
        "prediction roc",
        "predictions.roc",
        Shows.PLOTTED,
        help="Show how a run's model did at other thresholds in predictions of rows with labels.",
    ),
    UseCase(
        "prediction show",
        "predictions.read",
        Shows.ROWS,
        FIGURES,
        help="Show the statistics of predictions, and where their files are.",
    ),
    UseCase("prediction delete", "predictions.delete"),
    UseCase("job list", "jobs.read_all", made=job.list_jobs),
    UseCase("job show", "jobs.read", made=job.show),
    UseCase("job wait", "jobs.wait", made=job.wait),
    UseCase("job events", "jobs.events", made=job.events),
    UseCase("job metrics", "jobs.metrics", made=job.metrics),
    UseCase("job cancel", "jobs.cancel", made=job.cancel),
    UseCase("token show", "tokens.read"),
    UseCase("token create", "tokens.create"),
    UseCase("token list", "tokens.read_all", Shows.ROWS, ("id", "label", "created_at", "expires_at")),
    UseCase("token revoke", "tokens.delete"),
    UseCase("removal list", "removals.read_all", made=removal.list_removals),
    UseCase("removal delete", "removals.delete", made=removal.delete),
    UseCase("tune start", "optimizations.create", made=tune.start),
    UseCase(
        "tune results",
        "optimizations.read",
        Shows.ROWS,
        ("objective", "is_best"),
        help="Show what the tried sets of hyperparameters reached so far.",
    ),
    UseCase("tune list", "optimizations.studies", made=tune.list_studies),
    UseCase("tune show", "optimizations.show", made=tune.show),
    UseCase("tune best", "optimizations.best", made=tune.best),
    UseCase("tune wait", "optimizations.wait", made=tune.wait),
    UseCase("tune picture", "optimizations.picture", made=tune.picture),
    UseCase("tune stop", "optimizations.stop", made=tune.stop),
)
