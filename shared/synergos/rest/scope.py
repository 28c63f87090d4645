"""What a stage request is about, and whether it can be done as things stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from synergos.domain.job import Stage
from synergos.domain.records import RECORD_TYPES, Ids, Kind
from synergos.errors import Conflict, RecordNotFound
from synergos.records.store import Record, RecordStore

_OUTERMOST_FIRST = (Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT, Kind.RUN, Kind.PARTICIPANT)


def require_named(store: RecordStore, ids: Ids) -> None:
    """See that everything a URL names is there.

    Raises:
        RecordNotFound: the outermost record that is not.
    """
    for kind in _OUTERMOST_FIRST:
        if all(field in ids for field in RECORD_TYPES[kind].key_fields):
            store.get(kind, ids)


def require_action(store: RecordStore, project: Ids) -> None:
    """See that a project says whether it classifies or regresses.

    Raises:
        Conflict: it does not.
    """
    if "action" not in store.get(Kind.PROJECT, project):
        raise Conflict(f"project {project['project_id']!r} has no action: expected 'classify' or 'regress'")


def runs_in(store: RecordStore, ids: Ids) -> list[Record]:
    """The runs in the scope of a URL, in order of creation.

    Raises:
        Conflict: there is none.
    """
    fields = RECORD_TYPES[Kind.RUN].key_fields
    scope = {field: ids[field] for field in fields if field in ids}
    runs = store.find(Kind.RUN, scope)
    if runs:
        return runs
    if "expt_id" not in ids and not store.find(Kind.EXPERIMENT, scope):
        raise Conflict(f"project {ids['project_id']!r} has no experiment; declare at least one first")
    owner = f"experiment {ids['expt_id']!r}" if "expt_id" in ids else f"project {ids['project_id']!r}"
    raise Conflict(f"{owner} has no run; declare at least one first")


def registered_in(store: RecordStore, project: Ids) -> list[str]:
    """The participants of a project, in order of registration.

    Raises:
        Conflict: there is none.
    """
    registrations = store.find(Kind.REGISTRATION, _project(project))
    if not registrations:
        raise Conflict(f"no participant is registered for project {project['project_id']!r}")
    return [record["key"]["participant_id"] for record in registrations]


def require_tags(store: RecordStore, project: Ids, participants: Iterable[str]) -> None:
    """See that participants said which data they bring.

    Raises:
        Conflict: the first who did not.
    """
    _require(store, Kind.TAG, project, participants, "declared no tags")


def require_alignment(store: RecordStore, project: Ids, participants: Iterable[str]) -> None:
    """See that participants are aligned, or will be when the jobs accepted so far have ended.

    Raises:
        Conflict: the first who is not.
    """
    if _is_expected(store, Stage.PREPROCESS, _project(project)):
        return
    _require(store, Kind.ALIGNMENT, project, participants, "is not aligned with the others; align the project")


def require_feature_space(store: RecordStore, project: Ids) -> None:
    """See that a project's participants agreed on a feature space, or are about to.

    Raises:
        Conflict: they did not, or their data has changed since.
    """
    if _is_expected(store, Stage.PREPROCESS, _project(project)):
        return
    if not store.find(Kind.FEATURE_SPACE, _project(project)):
        raise Conflict(
            f"project {project['project_id']!r} is not aligned, or its data has changed since; align it first"
        )


def require_models(store: RecordStore, runs: Iterable[Record]) -> None:
    """See that runs were trained, or are about to be.

    Raises:
        Conflict: those that were not.
    """
    untrained = [
        run["key"]
        for run in runs
        if not store.find(Kind.MODEL, run["key"], include_hidden=True)
        and not _is_expected(store, Stage.TRAIN, run["key"])
    ]
    if untrained:
        names = ", ".join(f"{key['expt_id']}/{key['run_id']}" for key in untrained)
        raise Conflict(f"not trained yet: {names}")


def _require(store: RecordStore, kind: Kind, project: Ids, participants: Iterable[str], complaint: str) -> None:
    for participant in participants:
        key: Mapping[str, str] = {**_project(project), "participant_id": participant}
        try:
            store.get(kind, key, include_hidden=True)
        except RecordNotFound:
            raise Conflict(f"participant {participant!r} {complaint} first") from None


def _is_expected(store: RecordStore, stage: Stage, scope: Ids) -> bool:
    """Whether a job has been accepted that will leave what is asked for."""
    return any(not job.state.is_final for job in store.jobs(stage=stage.value, **scope))


def _project(ids: Ids) -> dict[str, str]:
    return {field: ids[field] for field in RECORD_TYPES[Kind.PROJECT].key_fields}
