"""The results of stages as records that can be deleted: with what rests on them, and from what adds them up."""

from __future__ import annotations

from collections.abc import Sequence

from synergos.domain.keys import RunKey
from synergos.domain.records import Ids, Kind, Record
from synergos.errors import RecordNotFound
from synergos.records.model_versions import note_validation
from synergos.records.store import RecordStore


def require_results(store: RecordStore, kind: Kind, ids: Ids) -> list[Record]:
    """The results with these ids, those that are hidden among them.

    Raises:
        RecordNotFound: there are none.
    """
    if not (found := store.find(kind, ids)):
        raise RecordNotFound(f"no {kind.value} with {', '.join(f'{name}={value!r}' for name, value in ids.items())}")
    return found


def delete_results(store: RecordStore, kind: Kind, results: Sequence[Record]) -> None:
    """Delete results; called in a transaction."""
    for result in results:
        store.delete(kind, result["key"])
    for run in dict.fromkeys(RunKey.of(result["key"]) for result in results):
        if kind is Kind.MODEL:
            for version in store.find(Kind.MODEL_VERSION, run):
                store.delete(Kind.MODEL_VERSION, version["key"])
        elif kind is Kind.VALIDATION:
            for model in store.find(Kind.MODEL, run):
                note_validation(store, model)
