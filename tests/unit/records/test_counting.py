"""How much hangs under records is counted as it would be listed, whatever hides some of it and whoever asks."""

from __future__ import annotations

from contextlib import suppress
from random import Random

from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import ProjectKey, ResultKey, RunKey
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.domain.trained_model import OUTDATED
from synergos.orchestration.disclosure import Sight
from synergos.orchestration.view import View
from synergos.records import Record, RecordStore

WITH_RELATIONS = [kind for kind, each in RECORD_TYPES.items() if each.relations]
FIELDS = sorted({field for each in RECORD_TYPES.values() for field in each.key_fields})
SIGHTS = {
    "everybody": Sight(None),
    "owner of some": Sight(frozenset("ab")),
    "a participant": Sight(frozenset(), "a"),
    "nobody": Sight(frozenset()),
}


def fill(store: RecordStore) -> None:
    random = Random(5)
    with store.transaction():
        for number in range(250):
            kind = random.choice([*RECORD_TYPES, *RECORD_TYPES[Kind.RUN].relations])
            ids = {field: random.choice("abc") for field in FIELDS}
            store.put(kind, ids, {"number": number, OUTDATED: random.random() < 0.3})
        over = Job(Stage.TRAIN, RunKey("a", "a", "a", "b"))
        store.add_jobs(
            [
                over,
                Job(Stage.TRAIN, RunKey("a", "a", "a", "a")),
                # Twice: what is hidden by two is hidden once.
                Job(Stage.TRAIN, RunKey("a", "a", "a", "a"), state=JobState.WAITING),
                Job(Stage.VALIDATE, RunKey("a", "b", "a", "a"), state=JobState.ARCHIVING),
                Job(Stage.PREDICT, ResultKey("b", "a", "c", "a", "b")),
                Job(Stage.PREPROCESS, ProjectKey("a", "c")),
            ]
        )
        store.save_job(over.ended(JobState.FAILED))


def listed(store: RecordStore, sight: Sight, kind: Kind, records: list[Record]) -> dict[int, dict[str, int]]:
    beneath = store.beneath(kind, records)
    views = [sight.view(View(record, beneath.of(record["doc_id"]))) for record in records]
    return {
        view.record["doc_id"]: {name: sum(1 for _ in found) for name, found in (view.relations or {}).items()}
        for view in views
    }


def test_it_is_as_many_as_are_listed_and_some_results_are_hidden(store: RecordStore) -> None:
    fill(store)

    for who, sight in SIGHTS.items():
        for kind in WITH_RELATIONS:
            records = store.find(kind)
            counted = store.count_beneath(kind, records, sight.readable)
            assert counted == listed(store, sight, kind, records), (who, kind)

    [counts] = store.count_beneath(Kind.COLLABORATION, store.find(Kind.COLLABORATION, collab_id="a")).values()

    for kind in (Kind.MODEL, Kind.VALIDATION, Kind.PREDICTION):
        assert 0 < counts[kind.value] < len(store.find(kind, collab_id="a")), kind


def test_what_was_counted_is_counted_anew_when_something_has_changed(store: RecordStore) -> None:
    project = ProjectKey("c", "p")
    records = [store.put(Kind.PROJECT, project, {})]

    def runs() -> int:
        [counts] = store.count_beneath(Kind.PROJECT, records).values()
        return counts["Run"]

    store.put(Kind.RUN, {**project, "expt_id": "e", "run_id": "r1"}, {})
    assert [runs(), runs()] == [1, 1]
    with suppress(ZeroDivisionError), store.transaction():
        store.put(Kind.RUN, {**project, "expt_id": "e", "run_id": "r2"}, {})
        assert runs() == 2
        raise ZeroDivisionError
    store.put(Kind.EXPERIMENT, {**project, "expt_id": "e"}, {})
    assert runs() == 1
    store.delete(Kind.EXPERIMENT, {**project, "expt_id": "e"})
    assert runs() == 0


def test_of_no_records_nothing_is_counted(store: RecordStore) -> None:
    assert store.count_beneath(Kind.COLLABORATION, []) == {}
