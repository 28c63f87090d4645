"""The agreement of a project in the records: the one that holds, or that none does, and how many there were."""

from __future__ import annotations

from synergos.domain.records import Ids, Kind, Record
from synergos.records.store import RecordStore

_REASON = "withdrawn_because"


def current_agreement(store: RecordStore, project: Ids) -> Record | None:
    """What a project's participants agreed on: ``space``, ``agreement``, ``auto_fix`` and more; None where nothing holds."""
    found = store.find(Kind.FEATURE_SPACE, project)
    return found[0] if found and "space" in found[0] else None


def agreement_version(store: RecordStore, project: Ids) -> int:
    """The version of the newest agreement of a project, whether or not it still holds; 0 where there was none."""
    found = store.find(Kind.FEATURE_SPACE, project)
    if not found:
        return 0
    return int(found[0].get("version") or found[0].get("agreement", {}).get("version", 0))


def withdraw_agreement(store: RecordStore, project: Ids, reason: str) -> None:
    """Let a project's agreement hold no longer; its version stays taken.

    Args:
        reason: what has happened since it was made, as in "participant 'a' has left".
    """
    if current_agreement(store, project) is not None:
        withdrawn = {"version": agreement_version(store, project), _REASON: reason}
        store.put(Kind.FEATURE_SPACE, project, withdrawn)


def why_withdrawn(store: RecordStore, project: Ids) -> str | None:
    """What made the newest agreement of a project hold no longer; None where it holds, or there was none."""
    found = store.find(Kind.FEATURE_SPACE, project)
    return found[0].get(_REASON) if found else None
