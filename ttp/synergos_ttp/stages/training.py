"""Train: one run's hyperparameters on one experiment's model, at all participants."""

from __future__ import annotations

from pathlib import Path

from synergos.domain.outputs import TRAINED, Trained
from synergos.domain.tags import Purpose
from synergos.learning.exports import write_run
from synergos.wire import StoredTensors
from synergos_ttp.control import Control
from synergos_ttp.events import TrainingStarted
from synergos_ttp.stages.round_store import RoundStore
from synergos_ttp.stages.rounds import Rounds
from synergos_ttp.stages.scope import Scope
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.session_group import SessionContent, Sessions


def train(scope: Scope, outputs: Path, limits: Limits, control: Control) -> Trained:
    """Train one run and export it.

    Raises:
        SynergosError: a participant failed; the message names it. Files of an earlier training are then untouched.
    """
    recipe = scope.recipe()
    hyperparameters = recipe.hyperparameters
    members = scope.members()
    content = SessionContent(scope.run, recipe, (Purpose.TRAIN, Purpose.EVALUATE))
    needed = hyperparameters.min_participants
    with RoundStore(outputs, scope.job.id) as store:
        control.publish(TrainingStarted(hyperparameters.rounds, hyperparameters.to_dict(), store.losses()))
        with Sessions(members, content, limits, control, needed) as sessions:
            # The initial weights are held by nobody else: a model may be large, and the rounds replace it.
            rounds = Rounds(
                sessions,
                hyperparameters,
                recipe.family.initial(recipe),
                store,
                control,
            )
            best = rounds.run()
            exported = write_run(
                run_folder(outputs, scope),
                recipe=recipe,
                global_weights=StoredTensors(best.global_weights),
                local_weights=best.updates(member.id for member in members),
                history=rounds.history,
            )
    return TRAINED.read({**exported, **recipe.to_dict()})


def run_folder(outputs: Path, scope: Scope) -> Path:
    """Where a run's model and histories lie."""
    return scope.run.folder(outputs)
