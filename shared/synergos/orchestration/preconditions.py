"""What must be there before something can be done, written once: for requests, for studies, and for the jobs themselves.

The first half reads what a job works with and says what is missing; the second half asks the same on behalf of a request,
where what a job that was accepted before will leave counts as there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from synergos.domain.feature_space import Action
from synergos.domain.job import Stage
from synergos.domain.keys import ProjectKey, RegistrationKey, RunKey
from synergos.domain.records import RECORD_TYPES, Ids, Kind, Record
from synergos.domain.tags import Purpose, Tag, declared_tags
from synergos.domain.trained_model import OUTDATED
from synergos.errors import Conflict, RecordNotFound
from synergos.records.agreements import current_agreement, why_withdrawn
from synergos.records.store import RecordStore

_OUTERMOST_FIRST = (Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT, Kind.RUN, Kind.PARTICIPANT)


def action_of(store: RecordStore, project: ProjectKey) -> Action:
    """Whether a project classifies or regresses.

    Raises:
        Conflict: it does not say.
    """
    action = store.get(Kind.PROJECT, project).get("action")
    if action is None:
        raise Conflict(f"project {project.project_id!r} has no action: expected 'classify' or 'regress'")
    return Action(action)


def registrations_of(store: RecordStore, project: ProjectKey) -> list[Record]:
    """The registrations for a project, in the order they were made.

    Raises:
        Conflict: there is none.
    """
    found = store.find(Kind.REGISTRATION, project.project)
    if not found:
        raise Conflict(f"no participant is registered for project {project.project_id!r}")
    return found


def participants_of(store: RecordStore, project: ProjectKey) -> list[str]:
    """The participants of a project, in order of registration.

    Raises:
        Conflict: there is none.
    """
    return [record["key"]["participant_id"] for record in registrations_of(store, project)]


def tags_in(store: RecordStore, project: ProjectKey) -> Mapping[str, Mapping[Purpose, tuple[Tag, ...]]]:
    """The tags of a project's participants, in order of registration; empty for one that brings no data, or none yet.

    Raises:
        Conflict: nobody is registered.
    """
    found = {who: dict[Purpose, tuple[Tag, ...]]() for who in participants_of(store, project)}
    for record in store.find(Kind.TAG, project.project):
        if (who := record["key"]["participant_id"]) in found:
            found[who] = declared_tags(record)
    return found


def alignment_of(store: RecordStore, key: RegistrationKey) -> Record:
    """What alignment found of one participant's data.

    Raises:
        Conflict: it was not part of the project when it was aligned.
    """
    return _agreed(store, Kind.ALIGNMENT, key, "is not aligned with the others; align the project first")


def agreed_feature_space(store: RecordStore, project: ProjectKey) -> Record:
    """What a project's participants agreed on: ``space``, ``auto_fix`` and ``rows``.

    Raises:
        Conflict: they did not, or somebody has joined, left or changed something since.
    """
    found = current_agreement(store, project.project)
    if found is not None:
        return found
    if reason := why_withdrawn(store, project.project):
        raise Conflict(f"since project {project.project_id!r} was aligned, {reason}; align it again")
    raise Conflict(f"project {project.project_id!r} is not aligned; align it first")


def model_of(store: RecordStore, run: RunKey) -> Record:
    """The trained model of a run.

    Raises:
        Conflict: it is not trained, or not as the run stands by now.
    """
    try:
        model = store.get(Kind.MODEL, run)
    except RecordNotFound as error:
        raise Conflict(f"not trained yet: {run.expt_id}/{run.run_id}; train it first") from error
    if model.get(OUTDATED):
        raise Conflict(_changed_since([run]))
    return model


def _changed_since(runs: Iterable[RunKey]) -> str:
    named = ", ".join(f"{run.expt_id}/{run.run_id}" for run in runs)
    return f"the run, its experiment or the project's action was changed since it was trained: {named}; train it again"


def _agreed(store: RecordStore, kind: Kind, key: RegistrationKey, complaint: str) -> Record:
    try:
        return store.get(kind, key)
    except RecordNotFound:
        raise Conflict(f"participant {key.participant_id!r} {complaint}") from None


# Of requests


def require_named(store: RecordStore, ids: Ids) -> None:
    """See that everything a request names is there.

    Raises:
        RecordNotFound: the outermost record that is not.
    """
    for kind in _OUTERMOST_FIRST:
        if all(field in ids for field in RECORD_TYPES[kind].key_fields):
            store.get(kind, ids)


def runs_in(store: RecordStore, ids: Ids) -> list[RunKey]:
    """The runs in the scope of a request, in order of creation.

    Raises:
        Conflict: there is none.
    """
    scope = {field: ids[field] for field in RunKey.fields() if field in ids}
    runs = store.find(Kind.RUN, scope)
    if runs:
        return [RunKey.of(run["key"]) for run in runs]
    if "expt_id" not in ids and not store.find(Kind.EXPERIMENT, scope):
        raise Conflict(f"project {ids['project_id']!r} has no experiment; declare at least one first")
    owner = f"experiment {ids['expt_id']!r}" if "expt_id" in ids else f"project {ids['project_id']!r}"
    raise Conflict(f"{owner} has no run; declare at least one first")


def require_training_tags(store: RecordStore, project: ProjectKey) -> list[str]:
    """See that somebody brings rows to train on; others may only measure, only predict, or bring nothing yet.

    Returns:
        Those who do, in order of registration.

    Raises:
        Conflict: nobody does.
    """
    tags = tags_in(store, project)
    training = [who for who, declared in tags.items() if Purpose.TRAIN in declared]
    if not training:
        raise Conflict(f"nobody declared tags for training; declare tags first: {', '.join(tags)}")
    return training


def require_agreement(store: RecordStore, project: ProjectKey) -> None:
    """See that a project's participants have agreed, or will have when the jobs accepted so far have ended.

    Raises:
        Conflict: they have not, or somebody has joined or left since.
    """
    if not is_expected(store, Stage.PREPROCESS, project.project):
        agreed_feature_space(store, project)


def require_alignment(store: RecordStore, project: ProjectKey, participants: Iterable[str]) -> None:
    """See that participants are aligned, or will be when the jobs accepted so far have ended.

    Raises:
        Conflict: the first who is not.
    """
    if is_expected(store, Stage.PREPROCESS, project.project):
        return
    for participant in participants:
        alignment_of(store, project.at(participant))


def require_trainable(store: RecordStore, project: ProjectKey) -> None:
    """See that a project's networks can be trained: it says what for, and its participants brought data and agreed.

    Raises:
        Conflict: what is missing.
    """
    action_of(store, project)
    training = require_training_tags(store, project)
    require_agreement(store, project)
    require_alignment(store, project, training)


def require_models(store: RecordStore, runs: Iterable[RunKey]) -> None:
    """See that runs were trained as they stand, or are about to be.

    Raises:
        Conflict: those that were not.
    """
    unexpected = [run for run in runs if not is_expected(store, Stage.TRAIN, run)]
    models = {run: store.find(Kind.MODEL, run) for run in unexpected}
    if untrained := [run for run, found in models.items() if not found]:
        named = ", ".join(f"{run.expt_id}/{run.run_id}" for run in untrained)
        raise Conflict(f"not trained yet: {named}; train {'it' if len(untrained) == 1 else 'them'} first")
    if changed := [run for run, found in models.items() if found[0].get(OUTDATED)]:
        raise Conflict(_changed_since(changed))


def require_evaluation_tags(store: RecordStore, project: ProjectKey) -> None:
    """See that somebody brings rows to measure models on.

    Raises:
        Conflict: nobody does.
    """
    if not any(record.get(Purpose.EVALUATE.value) for record in store.find(Kind.TAG, project.project)):
        raise Conflict("no participant declared tags for evaluation, and trials are judged by validations")


def is_expected(store: RecordStore, stage: Stage, scope: ProjectKey) -> bool:
    """Whether a job has been accepted that will leave what is asked for."""
    return store.has_unfinished_job(stage, scope)
