"""Invalidating a project's alignment and feature space when what they rest on has changed."""

from __future__ import annotations

from collections.abc import Mapping

from synergos.domain.keys import ProjectKey, RegistrationKey
from synergos.domain.records import Ids, Kind
from synergos.domain.tags import Purpose
from synergos.records.agreements import withdraw_agreement
from synergos.records.store import RecordStore


def invalidate_alignment(store: RecordStore, key: Ids, reason: str) -> None:
    """Let a project's agreement hold no longer, and delete the alignments with the ids in ``key``: they must be made anew.

    Args:
        reason: see :func:`~synergos.records.agreements.withdraw_agreement`.
    """
    withdraw_agreement(store, ProjectKey.of(key), reason)
    for record in store.find(Kind.ALIGNMENT, key):
        store.delete(Kind.ALIGNMENT, record["key"])


def brings_data(tags: Mapping[str, object] | None) -> bool:
    """Whether somebody with these tags has a part in an alignment: those who only predict, or bring nothing yet, have none.

    Args:
        tags: a Tag record; None where there is none.
    """
    return tags is not None and any(tags.get(purpose) for purpose in (Purpose.TRAIN, Purpose.EVALUATE))


def invalidate_without(store: RecordStore, key: RegistrationKey) -> None:
    """Let a project's agreement hold no longer when somebody leaves it who had a part in it; called before its tags go."""
    if any(brings_data(tags) for tags in store.find(Kind.TAG, key)):
        invalidate_alignment(store, key, f"participant {key.participant_id!r} has left it")
