from __future__ import annotations

import math
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.relations import relations
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.errors import InvalidRequest, RecordNotFound
from synergos.records import RecordStore
from synergos.records.paging import Page, Selection

C = {"collab_id": "c"}
P = {**C, "project_id": "p"}
E = {**P, "expt_id": "e"}
R = {**E, "run_id": "r"}
W = {"participant_id": "w"}
IDS = {**R, **W, "version": "1", "study_id": "s"}
KEYS = dict.fromkeys(RECORD_TYPES, IDS)


def fill(store: RecordStore, **ids: str) -> None:
    """One record of each kind, with these ids where it has them."""
    with store.transaction():
        for kind in RECORD_TYPES:
            store.put(kind, {**IDS, **ids}, {"of": ids})


def kinds(store: RecordStore, **ids: str) -> set[Kind]:
    return {kind for kind in RECORD_TYPES if store.find(kind, {f: v for f, v in ids.items() if f in fields(kind)})}


def fields(kind: Kind) -> tuple[str, ...]:
    return RECORD_TYPES[kind].key_fields


def test_a_record_is_its_own_fields_beside_the_payload(store: RecordStore) -> None:
    before = datetime.now(UTC)

    record = store.put(Kind.RUN, {**R, **W}, {"rounds": 2, "kind": "mine", "key": {}, "doc_id": 7})

    created_at = record.pop("created_at")
    assert record == {"doc_id": 1, "kind": "Run", "key": R, "rounds": 2}
    assert before <= created_at <= datetime.now(UTC)
    assert created_at.tzinfo is UTC
    assert store.get(Kind.RUN, R) == {**record, "created_at": created_at}


def test_declaring_again_keeps_the_number_and_nothing_else(store: RecordStore) -> None:
    first = store.put(Kind.RUN, R, {"rounds": 2, "lr": 0.1})
    second = store.put(Kind.RUN, R, {"rounds": 3})

    assert second["doc_id"] == first["doc_id"]
    assert second["created_at"] > first["created_at"]
    assert "lr" not in second


def test_merging_is_shallow_and_keeps_the_time(store: RecordStore) -> None:
    first = store.put(Kind.RUN, R, {"a": {"x": 1}, "b": 2})

    merged = store.merge(Kind.RUN, R, {"a": {"y": 1}, "created_at": "never"})

    assert merged == {**first, "a": {"y": 1}}


@pytest.mark.parametrize("what", ["get", "delete", "merge"])
def test_what_is_not_there_is_named(store: RecordStore, what: str) -> None:
    arguments: tuple[object, ...] = ({},) if what == "merge" else ()

    with pytest.raises(RecordNotFound, match="no Project with collab_id='c', project_id='p'"):
        getattr(store, what)(Kind.PROJECT, P, *arguments)


def test_numbers_are_never_given_twice(store: RecordStore) -> None:
    store.put(Kind.PARTICIPANT, {"participant_id": "a"}, {})
    store.put(Kind.PARTICIPANT, {"participant_id": "b"}, {})
    store.delete(Kind.PARTICIPANT, {"participant_id": "b"})

    assert store.put(Kind.PARTICIPANT, {"participant_id": "c"}, {})["doc_id"] == 3


def test_records_are_found_by_any_of_their_ids_in_order_of_creation(store: RecordStore) -> None:
    for who, project in (("b", "p"), ("a", "p"), ("a", "q")):
        store.put(Kind.REGISTRATION, {**C, "project_id": project, "participant_id": who}, {})

    def found(**ids: str) -> list[tuple[str, str]]:
        keys = [record["key"] for record in store.find(Kind.REGISTRATION, ids)]
        return [(key["participant_id"], key["project_id"]) for key in keys]

    assert len(store.find(Kind.REGISTRATION, participant_id="b")) == 1
    assert found(collab_id="c") == [("b", "p"), ("a", "p"), ("a", "q")]
    assert found(participant_id="a") == [("a", "p"), ("a", "q")]
    assert found(collab_id="c", project_id="p", participant_id="a") == [("a", "p")]
    assert store.find(Kind.REGISTRATION, {"collab_id": "d"}) == []


def test_figures_that_are_no_numbers_are_stored_as_null(store: RecordStore) -> None:
    record = store.put(Kind.MODEL, R, {"loss": math.nan, "of": [{"x": math.inf}, (-math.inf, 1.5)]})

    assert record["loss"] is None
    assert record["of"] == [{"x": None}, [None, 1.5]]


def test_deleting_takes_along_what_hangs_under_a_record_and_no_more(store: RecordStore) -> None:
    fill(store)

    for kind in RECORD_TYPES:
        with store.rehearsal():
            deleted = store.delete(kind, KEYS[kind])

            assert deleted["kind"] == kind
            assert kinds(store) == set(RECORD_TYPES) - {kind, *RECORD_TYPES[kind].cascade}, kind


@pytest.mark.parametrize("parent", ["collab_id", "project_id", "expt_id"])
def test_equal_ids_under_another_parent_are_something_else(store: RecordStore, parent: str) -> None:
    fill(store)
    fill(store, **{parent: "other"})
    apart = {kind for kind in RECORD_TYPES if parent in fields(kind)}

    for kind in apart:
        with store.rehearsal():
            before = relations(store, kind, KEYS[kind])
            store.delete(kind, KEYS[kind])

            assert all(len(records) == 1 for records in before.values()), kind
            assert kinds(store, **{parent: "other"}) >= apart, kind


def test_a_participant_takes_its_data_along_from_every_project(store: RecordStore) -> None:
    fill(store)
    fill(store, project_id="q")
    fill(store, participant_id="other")

    assert len(relations(store, Kind.PARTICIPANT, W)["Registration"]) == 2
    store.delete(Kind.PARTICIPANT, W)

    assert store.find(Kind.REGISTRATION, W) == []
    assert len(store.find(Kind.REGISTRATION, participant_id="other")) == 1
    assert len(store.find(Kind.MODEL)) == 2


def test_a_transaction_that_breaks_changes_nothing(store: RecordStore) -> None:
    store.put(Kind.RUN, R, {"rounds": 1})

    def change_and_break() -> None:
        with store.transaction():
            store.put(Kind.RUN, R, {"rounds": 2})
            store.delete(Kind.RUN, R)
            with store.transaction():
                store.put(Kind.PROJECT, P, {})
            assert store.find(Kind.PROJECT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_break()

    assert store.get(Kind.RUN, R)["rounds"] == 1
    assert store.find(Kind.PROJECT) == []


def test_a_part_that_breaks_can_be_done_without(store: RecordStore) -> None:
    def put_and_break() -> None:
        with store.transaction():
            store.put(Kind.RUN, R, {})
            raise ZeroDivisionError

    with store.transaction():
        store.put(Kind.PROJECT, P, {})
        with pytest.raises(ZeroDivisionError):
            put_and_break()

    assert kinds(store) == {Kind.PROJECT}


def test_what_is_written_in_a_transaction_is_seen_by_others_when_it_is_over(store: RecordStore) -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(len(store.find(Kind.PROJECT)))

    with store.transaction():
        store.put(Kind.PROJECT, P, {})
        assert len(store.find(Kind.PROJECT)) == 1
        other = threading.Thread(target=look)
        other.start()
        other.join()
    look()

    assert seen == [0, 1]


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "database.db"
    store = RecordStore(f"sqlite:///{path}")
    store.put(Kind.PROJECT, P, {})

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    store.close()

    assert set(modes.values()) == {0o600}, modes


def test_what_was_stored_is_there_after_a_restart(database: str) -> None:
    first = RecordStore(database)
    record = first.put(Kind.PROJECT, P, {"action": "regress"})
    first.close()

    second = RecordStore(database)
    assert second.get(Kind.PROJECT, P) == record
    second.close()


def test_a_page_begins_where_the_one_before_it_ended(store: RecordStore) -> None:
    for name in "abcde":
        store.put(Kind.RUN, {**E, "run_id": name}, {})

    first = store.select(Kind.RUN, Selection(E), Page(2))
    second = store.select(Kind.RUN, Selection(E), Page(2, first.after))
    last = store.select(Kind.RUN, Selection(E), Page(2, second.after))

    assert [[run["key"]["run_id"] for run in part.items] for part in (first, second, last)] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]
    assert last.after is None


def test_records_are_chosen_by_what_they_say_and_by_parts_of_their_ids(store: RecordStore) -> None:
    for name, state in (("optim_1", "running"), ("optim_2", "stopped"), ("optimal", "running"), ("%", "running")):
        store.put(Kind.RUN, {**E, "run_id": name}, {"state": state})

    running = Selection(E, containing={"run_id": "optim_"}, saying={"state": ["running", "stopping"]})

    assert [run["key"]["run_id"] for run in store.select(Kind.RUN, running).items] == ["optim_1"]


def test_whether_a_job_is_still_to_leave_something_is_asked_by_stage_and_ids(store: RecordStore) -> None:
    job = Job(Stage.TRAIN, RunKey.of(R))
    store.add_jobs([job])

    assert store.has_unfinished_job(Stage.TRAIN, RunKey.of(R).experiment)
    assert not store.has_unfinished_job(Stage.VALIDATE, R)
    assert not store.has_unfinished_job(Stage.TRAIN, {**R, "run_id": "other"})
    store.save_job(job.ended(JobState.CANCELLED))
    assert not store.has_unfinished_job(Stage.TRAIN, R)


@pytest.mark.parametrize("url", ["postgres://u:s3cret@db/x", "postgresql+psycopg://u:s3cret@db:port/x", "records"])
def test_a_url_that_is_none_says_what_one_looks_like_and_no_password(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        RecordStore(url)

    expected = "expected sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST:PORT/NAME"
    assert str(refused.value) == f"database: {expected}"
