"""Train: one run's hyperparameters on one experiment's model, at all participants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

import msgspec
from msgspec import UNSET

from synergos.domain.feature_space import Action
from synergos.domain.outputs import TRAINED, Trained
from synergos.domain.tags import Purpose
from synergos.domain.trained_model import Figures, TrainedDataset, TrainedParticipant, Training
from synergos.learning.exports import digests_of, write_run
from synergos.learning.shares import LARGEST_SHARE
from synergos.wire import StoredTensors
from synergos_ttp.control import Control
from synergos_ttp.events import TrainingStarted
from synergos_ttp.stages.round_store import RoundStore, keep_rounds_of
from synergos_ttp.stages.rounds import Rounds
from synergos_ttp.stages.scope import Scope
from synergos_ttp.stages.weighing import Weighing
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.participant import ParticipantSession
from synergos_ttp.workers.session_group import SessionContent, Sessions


def train(
    scope: Scope,
    outputs: Path,
    limits: Limits,
    control: Control,
    keep_versions: int = 0,
    largest_share: float = LARGEST_SHARE,
) -> Trained:
    """Train one run and export it.

    Args:
        keep_versions: how many of the run's trainings before this one stay.
        largest_share: of all rows, that one participant counts for at most.

    Raises:
        SynergosError: a participant failed; the message names it. Files of an earlier training are then untouched.
    """
    recipe = scope.recipe()
    hyperparameters = recipe.hyperparameters
    members = scope.members()
    purposes = (Purpose.TRAIN, Purpose.EVALUATE)
    content = SessionContent(scope.run, recipe, purposes, scope.asker, scope.session_secret, scope.search())
    needed = hyperparameters.min_participants
    # A model is of one definition, whatever happens to the run while it is trained.
    keep_rounds_of(outputs, scope.job.id, scope.definition().digest)
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
                weighing=Weighing(largest_share, recipe.space.action is Action.REGRESS),
            )
            best = rounds.run()
            training = _training(scope, rounds, sessions)
            datasets = {session.member.id: _datasets(session, purposes) for session in sessions.all}
            kept = _last(keep_versions, scope.versions())
            exported = write_run(
                run_folder(outputs, scope),
                recipe=recipe,
                global_weights=StoredTensors(best.global_weights),
                local_weights=best.updates(member.id for member in members),
                history=rounds.history,
                run=scope.run,
                training=training,
                kept_versions=kept,
            )
            # Of what is on the disk, where it is read from one day.
            digested = {
                name: {**export, "sha256": digests_of(Path(export["path"]))} for name, export in exported.items()
            }
    more = {"kept_versions": kept, "datasets": msgspec.to_builtins(datasets)}
    return TRAINED.read({**digested, **recipe.to_dict(), **msgspec.to_builtins(training), **more})


def _training(scope: Scope, rounds: Rounds, sessions: Sessions) -> Training:
    best, history = rounds.best, rounds.history
    return Training(
        version=max(scope.versions(), default=0) + 1,
        job=scope.job.id,
        trained_at=datetime.now(UTC),
        definition=scope.definition(),
        participants=tuple(TrainedParticipant(id=each.member.id, rows=dict(each.rows)) for each in sessions.all),
        figures=Figures(
            rounds=len(history.train),
            best_round=best,
            train_loss=history.train.get(best),
            evaluate_loss=history.evaluate.get(best),
        ),
        agreement=scope.agreement(),
        limited=rounds.weighing.limited or UNSET,
    )


def _datasets(session: ParticipantSession, purposes: Sequence[Purpose]) -> dict[Purpose, list[TrainedDataset]]:
    """What one participant's session was of, with the fingerprints that its worker gave, if it did."""
    tags = session.member.tags
    return {
        purpose: [
            TrainedDataset(tag=tuple(tag), fingerprint=fingerprint)
            for tag, fingerprint in zip_longest(tags[purpose], session.digests.get(purpose, ()))
        ]
        for purpose in purposes
        if purpose in tags
    }


def _last(count: int, versions: Sequence[int]) -> list[int]:
    return list(versions[-count:]) if count else []


def run_folder(outputs: Path, scope: Scope) -> Path:
    """Where a run's model and histories lie."""
    return scope.run.folder(outputs)
