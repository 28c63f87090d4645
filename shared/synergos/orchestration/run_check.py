"""Whether runs go with what their experiments and their project say, when they are declared and when that changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from synergos.domain.feature_space import Action
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.records import Ids, Kind, payload_of
from synergos.errors import Conflict, InvalidRequest
from synergos.learning import families
from synergos.records.store import RecordStore


def action_said(store: RecordStore, project: Ids) -> Action | None:
    """What a project does; None where it does not say, or is not there."""
    found = store.find(Kind.PROJECT, ProjectKey.of(project))
    said = found[0].get("action") if found else None
    return None if said is None else Action(said)


def check_run(experiment: Mapping[str, object], run: Mapping[str, object], action: Action | None) -> None:
    """Refuse a run that its experiment's family cannot train with for such a project, or of which a key would be without effect.

    Args:
        experiment: its record.
        run: what is declared of it.

    Raises:
        InvalidRequest: names the field.
    """
    family = families.named_in(experiment)
    family.check_run(run, action)
    for refusal in family.unused(run, action).values():
        raise refusal


def require_fitting(store: RecordStore, runs: Iterable[RunKey]) -> None:
    """See that runs can be trained for what their project does, which may have changed since they were declared.

    Raises:
        Conflict: names the first that cannot, and the field.
    """
    for run in runs:
        action = action_said(store, run)
        try:
            _require_trainable(store.get(Kind.EXPERIMENT, run), store.get(Kind.RUN, run), action)
        except InvalidRequest as error:
            raise Conflict(_cannot_be_trained(run, action, error)) from error


def unfit(store: RecordStore, project: ProjectKey) -> Iterator[str]:
    """The runs of a project that do not go with what it does now, each with what is wrong with it."""
    action = action_said(store, project)
    # Runs first: each of them then has its experiment, unless that is deleted meanwhile.
    runs = store.find(Kind.RUN, project)
    experiments = {record["key"]["expt_id"]: record for record in store.find(Kind.EXPERIMENT, project)}
    for record in runs:
        run = RunKey.of(record["key"])
        if run.expt_id not in experiments:
            continue
        try:
            _require_trainable(experiments[run.expt_id], record, action)
        except InvalidRequest as error:
            yield _cannot_be_trained(run, action, error)


def _require_trainable(experiment: Mapping[str, object], run: Mapping[str, object], action: Action | None) -> None:
    families.named_in(experiment).check_run(payload_of(run), action)


def _cannot_be_trained(run: RunKey, action: Action | None, error: InvalidRequest) -> str:
    return f"run {run.expt_id}/{run.run_id} cannot be trained to {action}: {error}; change it first"
