from __future__ import annotations

from datetime import timedelta

import pytest

from synergos.domain.keys import RegistrationKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.catalogues import FORGOTTEN, Catalogues

A, B = RegistrationKey("c", "p", "a"), RegistrationKey("c", "p", "b")
CONTENT = {"extent": "names", "folders": [{"path": ["heart"]}]}


def test_whoever_is_wanted_is_due_until_it_was_asked_and_at_its_own_sub_grid(store: RecordStore) -> None:
    kept, now = Catalogues(store), store.database.now()
    kept.want({(A, 0): "1", (A, 1): "2", (B, 0): "3"}, now)

    assert set(kept.due(now)) == {(A, 0), (A, 1), (B, 0)}
    assert kept.due(now, {1}) == [(A, 1)]

    kept.found((A, 0), "1", now, CONTENT)
    kept.missed((B, 0), now, "cannot be reached")

    assert kept.due(now) == [(A, 1)]
    kept.want({(A, 0): "1"}, later := now + timedelta(seconds=1))
    assert kept.due(later, {0}) == [(A, 0)]


def test_what_nobody_waits_for_any_more_is_not_asked(store: RecordStore) -> None:
    kept, now = Catalogues(store), store.database.now()
    kept.want({(A, 0): "1"}, now)

    assert kept.due(now + FORGOTTEN) == []


def test_what_was_answered_stays_while_a_worker_is_away(store: RecordStore) -> None:
    kept, now = Catalogues(store), store.database.now()
    kept.want({(A, 0): "1"}, now)
    kept.found((A, 0), "1", now, CONTENT)
    kept.missed((A, 0), later := now + timedelta(seconds=9), "cannot be reached")

    found = kept.of([A, B])[A, 0]

    assert (found.content, found.problem) == (CONTENT, "cannot be reached")
    assert (found.seen_at, found.asked_at) == (now, later)
    kept.found((A, 0), "1", later, CONTENT)
    assert kept.of([A])[A, 0].problem is None


def test_what_is_forgotten_is_gone(store: RecordStore) -> None:
    kept, now = Catalogues(store), store.database.now()
    kept.want({(A, 0): "1", (B, 0): "2"}, now)
    kept.forget([(A, 0)])

    assert list(kept.of([A, B])) == [(B, 0)]


@pytest.mark.parametrize("deleted", [Kind.REGISTRATION, Kind.PROJECT, Kind.COLLABORATION, Kind.PARTICIPANT])
def test_what_was_published_goes_with_the_registration_and_nobody_elses(store: RecordStore, deleted: Kind) -> None:
    kept, now = Catalogues(store), store.database.now()
    other = RegistrationKey("d", "q", "b")
    for key in (A, other):
        for kind in (Kind.COLLABORATION, Kind.PROJECT, Kind.PARTICIPANT, Kind.REGISTRATION):
            store.put(kind, key, {})
        kept.want({(key, 0): "1"}, now)
        kept.found((key, 0), "1", now, CONTENT)

    store.delete(deleted, A)

    assert list(kept.of([A, other])) == [(other, 0)]
