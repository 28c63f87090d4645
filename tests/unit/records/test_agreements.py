from __future__ import annotations

import pytest

from factories.outputs import aligned
from synergos.domain.agreement import Agreement, Note, Share
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Kind
from synergos.orchestration.alignment_invalidation import invalidate_alignment
from synergos.records import RecordStore
from synergos.records.agreements import agreement_version, current_agreement, why_withdrawn
from synergos.records.archive import archive

P = ProjectKey("c", "p")


@pytest.fixture
def store(database: str) -> RecordStore:
    return RecordStore(database)


def align(store: RecordStore, agreement: Agreement | None = None) -> None:
    job = Job(Stage.PREPROCESS, P)
    store.add_jobs([job])
    archive(store, job, aligned("w", agreement=agreement or Agreement()))


def declared(store: RecordStore) -> None:
    store.put(Kind.COLLABORATION, {"collab_id": "c"}, {})
    store.put(Kind.PROJECT, P, {"action": "regress"})
    store.put(Kind.REGISTRATION, P.at("w"), {})


def test_the_version_grows_with_each_alignment_whatever_became_of_those_before(store: RecordStore) -> None:
    declared(store)
    assert agreement_version(store, P) == 0
    align(store)
    align(store)
    invalidate_alignment(store, P.at("w"), "participant 'w' has left it")
    withdrawn, why = current_agreement(store, P), why_withdrawn(store, P)
    align(store)

    found = current_agreement(store, P)
    assert withdrawn is None
    assert why == "participant 'w' has left it"
    assert why_withdrawn(store, P) is None
    assert found is not None
    assert found["agreement"]["version"] == agreement_version(store, P) == 3


def test_a_participant_s_part_is_kept_with_its_alignment(store: RecordStore) -> None:
    declared(store)
    notes = (Note(text="for all"), Note(text="for those who have it", levels_of="ward"))
    align(store, Agreement(notes=notes, participants={"w": Share(columns=("age",), inputs=("age",))}))

    [found] = store.find(Kind.ALIGNMENT, P)
    assert found["agreement"]["version"] == 1
    assert found["agreement"]["notes"] == ["for all"]
    assert found["agreement"]["inputs"] == ["age"]


def test_an_alignment_of_before_there_were_versions_counts_as_none(store: RecordStore) -> None:
    declared(store)
    store.put(Kind.FEATURE_SPACE, P, {"space": {}, "auto_fix": True})

    assert agreement_version(store, P) == 0
    assert current_agreement(store, P) is not None
    invalidate_alignment(store, P, "its action was changed")
    assert current_agreement(store, P) is None
