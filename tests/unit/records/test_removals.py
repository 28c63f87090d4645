from __future__ import annotations

import pytest

from synergos.domain.grid import Node
from synergos.domain.keys import CollaborationKey, ProjectKey, RunKey
from synergos.domain.removal import Removal
from synergos.domain.tags import Purpose
from synergos.errors import RecordNotFound
from synergos.records import RecordStore
from synergos.records.removals import Removals

RUN = RunKey("c", "p", "e", "r")
BANK = Node("bank_a", "10.0.0.1", 5000, 8020)


def test_a_removal_is_read_as_it_was_stored_until_it_is_done(store: RecordStore) -> None:
    removals, now = Removals(store), store.database.now()
    added = [
        Removal(RUN, now),
        Removal(RUN, now, purpose=Purpose.PREDICT, grid=1, node=BANK),
        Removal(CollaborationKey("c"), now, grid=0),
    ]
    removals.add(added)

    assert removals.select({}).items == added
    assert [each.place for each in added] == ["orchestrator", "bank_a", "TTP of sub-grid 0"]

    removals.note(added[1], "cannot be reached")
    ended = removals.end(added[0].id)

    [tried, _] = removals.left_of(added)
    assert ended == added[0]
    assert (tried.id, tried.reason) == (added[1].id, "cannot be reached")
    assert tried.tried_at is not None
    with pytest.raises(RecordNotFound, match="no Removal"):
        removals.end(added[0].id)


def test_everybody_sees_to_its_own(store: RecordStore) -> None:
    removals, now = Removals(store), store.database.now()
    own, of_0, of_1 = (Removal(ProjectKey("c", "p"), now, grid=grid) for grid in (None, 0, 1))
    removals.add([own, of_0, of_1])

    assert removals.of_grids({None}) == [own]
    assert removals.of_grids({1}) == [of_1]
    assert removals.of_grids(None) == [own, of_0, of_1]


def test_removals_are_found_by_what_was_deleted_and_by_participant(store: RecordStore) -> None:
    removals, now = Removals(store), store.database.now()
    here, there = Removal(RUN, now), Removal(ProjectKey("c", "p"), now, node=BANK)
    removals.add([here, there])

    assert removals.select({"run_id": "r"}).items == [here]
    assert removals.select({"collab_id": "c", "participant_id": "bank_a"}).items == [there]
