"""Which files go with a record, and where they lie: by who is registered, and by which sub-grids have run jobs on it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from synergos.domain.grid import Node, nodes_of
from synergos.domain.keys import RegistrationKey, RunKey
from synergos.domain.records import Ids, Kind, Record, restrict
from synergos.domain.removal import FolderKey, Removal, folder_key
from synergos.domain.tags import Purpose
from synergos.records.store import RecordStore

HAVE_FOLDERS = frozenset({Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT, Kind.RUN})
"""The kinds of record that have a folder of their own below each outputs folder, with everything in it that belongs to them."""

_RESULTS = (Kind.VALIDATION, Kind.PREDICTION)
_PURPOSES: Mapping[Kind, Purpose] = {Kind.VALIDATION: Purpose.EVALUATE, Kind.PREDICTION: Purpose.PREDICT}


@dataclass(frozen=True)
class RemovalPlan:
    """What becomes of the files of something that is deleted.

    Attributes:
        removals: one for each place.
        stay: in words, what nobody will remove, and why.
    """

    removals: tuple[Removal, ...] = ()
    stay: tuple[str, ...] = ()


def plan_of(store: RecordStore, kind: Kind, ids: Ids) -> RemovalPlan:
    """What becomes of the files of a record; it is still there."""
    own = restrict(ids, kind)
    if kind in HAVE_FOLDERS:
        return _of_folder(store, own, has_pictures=kind is not Kind.RUN)
    if kind is Kind.PARTICIPANT:
        return _of_participant(store, own["participant_id"])
    if kind is Kind.REGISTRATION and _has_results(store, own):
        return RemovalPlan(stay=(_results_stay(own["participant_id"]),))
    return RemovalPlan()


def plan_of_results(store: RecordStore, kind: Kind, results: Sequence[Record]) -> RemovalPlan:
    """What becomes of the files of models, validations or predictions; they are still there.

    Of a model all files of its run go, as all of them are made with it.
    """
    owners: dict[RunKey, set[str]] = {}
    for result in results:
        owners.setdefault(RunKey.of(result["key"]), set()).add(result["key"].get("participant_id", ""))
    plans = [_of_results(store, kind, run, own) for run, own in owners.items()]
    stay = dict.fromkeys(sentence for plan in plans for sentence in plan.stay)
    return RemovalPlan(tuple(removal for plan in plans for removal in plan.removals), tuple(stay))


def _of_results(store: RecordStore, kind: Kind, run: RunKey, owners: Container[str]) -> RemovalPlan:
    purpose = _PURPOSES.get(kind)
    if purpose is None:
        return _of_folder(store, run, has_pictures=False)
    registrations = {record["key"]["participant_id"]: record for record in store.find(Kind.REGISTRATION, run.project)}
    here = [record for who, record in registrations.items() if who in owners]
    left = [who for who in _with_results(store, run) if who in owners and who not in registrations]
    return RemovalPlan(
        tuple(_at_workers(store, run, here, _grids(store, run), purpose)), tuple(_unknown_worker(who) for who in left)
    )


def _of_folder(store: RecordStore, own: Ids, *, has_pictures: bool) -> RemovalPlan:
    grids = _grids(store, own)
    if not grids and not (has_pictures and store.find(Kind.STUDY, own)):
        # Nothing ever ran, so nothing was written.
        return RemovalPlan()
    folder, now = folder_key(own), store.database.now()
    here = [Removal(folder, now, grid=grid) for grid in (None, *(grid for grid in grids if grid is not None))]
    project = {name: value for name, value in own.items() if name in RegistrationKey.fields()}
    registrations = store.find(Kind.REGISTRATION, project)
    registered = {record["key"]["participant_id"] for record in registrations}
    left = [who for who in _with_results(store, own) if who not in registered]
    at_workers = _at_workers(store, folder, registrations, grids)
    return RemovalPlan((*here, *at_workers), tuple(_unknown_worker(who) for who in left))


def _of_participant(store: RecordStore, participant_id: str) -> RemovalPlan:
    own = {"participant_id": participant_id}
    registrations = store.find(Kind.REGISTRATION, own)
    removals = [
        removal
        for registration in registrations
        for project in [RegistrationKey.of(registration["key"]).project]
        for removal in _at_workers(store, project, [registration], _grids(store, project))
    ]
    known = {RegistrationKey.of(record["key"]) for record in registrations}
    results = {RegistrationKey.of(record["key"]) for kind in _RESULTS for record in store.find(kind, own)}
    return RemovalPlan(tuple(removals), (_unknown_worker(participant_id),) if results - known else ())


def _grids(store: RecordStore, own: Ids) -> list[int | None]:
    """The sub-grids that have begun a job on something, in their order; see :meth:`~synergos.records.store.RecordStore.grids_of`."""
    return sorted(store.grids_of(own), key=lambda grid: -1 if grid is None else grid)


def _at_workers(
    store: RecordStore,
    folder: FolderKey,
    registrations: Iterable[Record],
    grids: Iterable[int | None],
    purpose: Purpose | None = None,
) -> list[Removal]:
    """The removals at the workers that have run jobs, each once: who is in several projects may have the same one in all."""
    now = store.database.now()
    nodes: dict[tuple[int | None, Node], None] = {}
    grids = list(grids)
    for registration in registrations:
        for grid in grids:
            if (index := grid or 0) < len(known := nodes_of(registration)):
                nodes[grid, known[index]] = None
    return [Removal(folder, now, purpose=purpose, grid=grid, node=node) for grid, node in nodes]


def _has_results(store: RecordStore, own: Ids) -> bool:
    return any(store.find(kind, own) for kind in _RESULTS)


def _with_results(store: RecordStore, own: Ids) -> list[str]:
    found = (record["key"]["participant_id"] for kind in _RESULTS for record in store.find(kind, own))
    return list(dict.fromkeys(found))


def _results_stay(participant_id: str) -> str:
    return (
        f"the validations and predictions of {participant_id!r} stay, here and at its worker, with the models that they are of; "
        "delete the participant itself to be rid of them"
    )


def _unknown_worker(participant_id: str) -> str:
    return (
        f"what {participant_id!r} has in the outputs folder of its worker stays: it is not registered any more, so nobody here "
        "knows where that is"
    )
