"""Notes wait on disk: in order, up to a bound, over the end of their process, with the files they are about."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from synergos_ttp.tracking import note_spool
from synergos_ttp.tracking.note_spool import BATCH, NoteSpool, Waiting
from synergos_ttp.tracking.notes import (
    AbandonedNotes,
    Answer,
    Ending,
    Fault,
    ModelNotes,
    Notes,
    OfStudy,
    Point,
    StudyNotes,
    Target,
    TrainingNotes,
    ValidationNotes,
    from_line,
    to_line,
)
from synergos_ttp.tracking.steps import Steps

TARGET = Target("heart_>_risk_>_logistic", "first", "http://127.0.0.1:5500")
TRAINING = TrainingNotes(TARGET, "a" * 32, {"lr": "0.1"})


def losses(*steps: int, job: str = "a" * 32) -> TrainingNotes:
    return replace(TRAINING, job_id=job, points=tuple(Point("loss", 0.5, step, 1) for step in steps))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(folder: Path) -> Iterator[NoteSpool]:
    spool = NoteSpool(folder)
    yield spool
    spool.close()


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "outputs"
    folder.mkdir()
    (folder / "global_model.pt").write_bytes(b"weights")
    return folder


def all_of(spool: NoteSpool) -> list[Waiting]:
    found = []
    while (waiting := spool.next(lambda *_: False)) is not None:
        found.append(waiting)
        spool.remove(waiting.ids)
    return found


@pytest.mark.parametrize(
    "notes",
    [
        replace(losses(1, 2), ending=Ending("FINISHED", "/outputs"), study=OfStudy("s", 3)),
        ValidationNotes(TARGET, (Point("MSE", 0.5, 0, 1),), "a" * 32),
        AbandonedNotes(TARGET, "a" * 32),
        ModelNotes(TARGET, "a" * 32, "/outputs", "risk_>_logistic"),
        StudyNotes(
            replace(TARGET, connect_to=("127.0.0.1",)), "s", "FINISHED", (Point("best_R2", 0.5, 0, 1),), "b" * 32
        ),
    ],
    ids=lambda notes: type(notes).__name__,
)
def test_notes_are_the_same_after_they_were_a_line(notes: Notes) -> None:
    assert from_line(to_line(notes)) == notes


def test_an_answer_is_the_same_after_it_was_a_line() -> None:
    answer = Answer("ConnectionError", "nobody there", Fault.AWAY)

    assert Answer.from_line(answer.to_line()) == answer


def test_losses_of_one_training_go_together_and_its_end_comes_last(spool: NoteSpool) -> None:
    spool.add(losses(0))
    spool.add(losses(1, 2))
    spool.add(replace(losses(3), ending=Ending("FINISHED", None)))

    [one] = all_of(spool)

    assert one.notes == replace(losses(0, 1, 2, 3), ending=Ending("FINISHED", None))
    assert one.ids == (1, 2, 3)


def test_what_comes_after_an_end_is_another_request(spool: NoteSpool) -> None:
    ended = replace(losses(0), ending=Ending("FINISHED", None))
    spool.add(ended)
    measured = ValidationNotes(TARGET, (), "a" * 32)
    spool.add(measured)

    assert [each.notes for each in all_of(spool)] == [ended, measured]


def test_a_request_has_no_more_losses_than_a_server_takes(spool: NoteSpool) -> None:
    for _ in range(3):
        spool.add(losses(*range(BATCH // 2)))

    assert [len(each.notes.points) for each in all_of(spool)] == [BATCH, BATCH // 2]  # type: ignore[union-attr]


def test_one_training_does_not_wait_for_another(spool: NoteSpool) -> None:
    spool.add(losses(0, job="a" * 32))
    spool.add(losses(0, job="b" * 32))

    found = spool.next(lambda server, thread: thread == "a" * 32)

    assert found is not None
    assert found.thread == "b" * 32


def test_what_takes_long_comes_after_all_else(spool: NoteSpool, exports: Path) -> None:
    spool.add(ModelNotes(TARGET, "a" * 32, str(exports)))
    spool.add(losses(0, job="b" * 32))

    assert [type(each.notes) for each in all_of(spool)] == [TrainingNotes, ModelNotes]


def test_files_are_kept_by_a_second_name_until_they_are_sent(spool: NoteSpool, exports: Path) -> None:
    spool.add(replace(TRAINING, ending=Ending("FINISHED", str(exports))))
    before = (exports / "global_model.pt").stat().st_nlink
    (exports / "global_model.pt").unlink()

    waiting = spool.next(lambda *_: False)

    assert isinstance(waiting and waiting.notes, TrainingNotes)
    assert waiting is not None
    kept = Path(waiting.notes.ending.exports)  # type: ignore[union-attr, arg-type]
    assert (kept / "global_model.pt").read_bytes() == b"weights"
    assert before == 2
    spool.remove(waiting.ids)
    assert not kept.exists()


def test_what_a_process_has_left_the_next_one_has_in_the_same_order(folder: Path, exports: Path) -> None:
    killed = NoteSpool(folder)
    killed.add(losses(0))
    killed.add(replace(losses(1), ending=Ending("FINISHED", str(exports))))
    killed.note_trial("a" * 32, "s", "subject")
    killed._lock.release()

    spool = NoteSpool(folder)

    assert spool.studies() == {"s": ("subject", ["a" * 32])}
    waiting = spool.next(lambda *_: False)
    assert waiting is not None
    assert isinstance(waiting.notes, TrainingNotes)
    assert [point.step for point in waiting.notes.points] == [0, 1]
    kept = Path(waiting.notes.ending.exports)  # type: ignore[union-attr, arg-type]
    assert (kept / "global_model.pt").read_bytes() == b"weights"
    assert len(list(folder.iterdir())) == 1, "what was taken over is not there twice"
    spool.close()


def test_nobody_takes_what_is_in_use(folder: Path, spool: NoteSpool) -> None:
    spool.add(losses(0))

    other = NoteSpool(folder)

    assert all_of(other) == []
    other.close()
    assert len(all_of(spool)) == 1


def test_a_spool_that_is_empty_leaves_nothing(folder: Path) -> None:
    NoteSpool(folder).close()

    assert list(folder.iterdir()) == []


def test_without_room_losses_are_given_up_and_counted_and_how_it_ended_is_still_told(
    folder: Path, exports: Path
) -> None:
    spool = NoteSpool(folder, capacity=4000)
    while spool.add(losses(0, 1)) is not None:
        """Until there is no more room for losses."""
    before = spool.dropped

    (exports / "global_model.pt").write_bytes(bytes(4000))
    told = spool.add(replace(TRAINING, ending=Ending("FAILED", str(exports))))

    assert before == 2
    assert told is not None
    assert spool.dropped == before + 1, "the files"
    last = all_of(spool)[-1].notes
    assert isinstance(last, TrainingNotes)
    assert last.ending == Ending("FAILED", None)
    assert spool.add(losses(2)) is not None, "there is room again"
    spool.remove([each.ids[0] for each in [spool.next(lambda *_: False)] if each])
    spool.close()


def test_what_a_full_disk_does_not_take_takes_no_room_and_what_stays_does(folder: Path) -> None:
    spool = NoteSpool(folder)
    spool.add(losses(0))
    spool.note_trial("a" * 32, "s", "subject")
    before = spool.waiting
    reading = sqlite3.connect(spool._folder / "notes.sqlite")
    reading.execute("BEGIN")
    reading.execute("SELECT * FROM notes").fetchone()
    assert spool._database is not None
    # Whoever reads keeps others from ending what they write, at the very end.
    spool._database.execute("PRAGMA busy_timeout = 0")

    refused = spool.add(losses(1))
    after_adding = spool.waiting
    with pytest.raises(sqlite3.Error):
        spool.remove([1])

    spool.forget_study("s")

    assert (refused, after_adding, spool.waiting) == (None, before, before)
    assert spool.studies() == {"s": ("subject", ["a" * 32])}
    reading.close()
    spool.forget_study("s")
    spool.remove([1])
    assert spool.waiting == 0
    spool.close()


def test_a_disk_that_is_full_at_the_start_is_used_when_there_is_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as changed:
        changed.setattr(note_spool, "_opened", full)
        spool = NoteSpool(folder)
        refused = spool.add(losses(0))
        nothing = (spool.next(lambda *_: False), spool.place_of(1), spool.studies())

    assert (refused, spool.dropped, nothing) == (None, 1, (None, None, {}))
    assert spool.add(losses(1)) is not None
    assert len(all_of(spool)) == 1
    spool.close()


def left_behind(folder: Path, *lines: bytes) -> None:
    """What a process left that was killed."""
    killed = NoteSpool(folder)
    for number in range(12):
        killed.add(losses(number))
    assert killed._database is not None
    with killed._database as database:
        for line in lines:
            database.execute(
                "INSERT INTO notes (server, thread, line, bytes) VALUES ('http://127.0.0.1:5500', 'a', ?, 1)", (line,)
            )
    killed._lock.release()


def test_notes_of_another_release_are_given_up_one_by_one_and_keep_nobody_from_starting(folder: Path) -> None:
    known = {"kind": "AbandonedNotes", "target": asdict(TARGET), "job_id": "a"}
    foreign: list[object] = [{**known, "kind": "NewNotes"}, {**known, "new": 1}, {**known, "target": {}}, [], 5, None]
    left_behind(folder, *(json.dumps(each).encode() for each in foreign), b"nonsense", b"\xff", b"[" * 100_000)

    with capture_logs() as logs:
        spool = NoteSpool(folder)

    [one] = all_of(spool)
    assert len(one.ids) == 12
    assert spool.dropped == 9
    assert [entry["number"] for entry in logs] == [9]
    spool.close()
    assert list(folder.iterdir()) == []


def test_what_a_process_has_left_and_there_is_no_room_for_is_counted_and_said(folder: Path) -> None:
    left_behind(folder)

    with capture_logs() as logs:
        spool = NoteSpool(folder, capacity=1500)

    [one] = all_of(spool)
    assert 1 < len(one.ids) < 11
    assert spool.dropped == 12 - len(one.ids)
    assert [entry["number"] for entry in logs] == [spool.dropped]
    spool.close()


def test_a_full_disk_in_the_middle_of_taking_over_leaves_it_all_to_the_next(
    folder: Path, exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = NoteSpool(folder)
    killed.add(replace(losses(0), ending=Ending("FINISHED", str(exports))))
    killed.add(losses(0, job="b" * 32))
    killed._lock.release()
    read: list[bytes] = []

    def full(line: bytes) -> Notes:
        read.append(line)
        if len(read) == 2:
            raise sqlite3.OperationalError("database or disk is full")
        return from_line(line)

    with monkeypatch.context() as changed, capture_logs() as logs:
        changed.setattr(note_spool, "from_line", full)
        first = NoteSpool(folder)
    assert (first.waiting, first.dropped, all_of(first), len(logs)) == (0, 0, [], 1)
    first.close()

    spool = NoteSpool(folder)

    ended, other = all_of(spool)
    assert isinstance(ended.notes, TrainingNotes)
    assert ended.notes.ending is not None
    assert ended.notes.ending.exports is not None
    assert other.thread == "b" * 32
    spool.close()


def test_a_folder_that_a_kill_left_while_it_was_made_goes_when_it_is_old(folder: Path) -> None:
    for name in (".old", ".new"):
        (folder / name).mkdir(parents=True)
        (folder / name / "in_use").touch()
    os.utime(folder / ".old", (1, 1))

    NoteSpool(folder).close()

    assert [path.name for path in folder.iterdir()] == [".new"]


def test_what_is_next_is_found_by_as_much_work_however_much_waits(spool: NoteSpool) -> None:
    def steps() -> int:
        taken = [0]
        assert spool._database is not None
        spool._database.set_progress_handler(lambda: taken.__setitem__(0, taken[0] + 1), 1)
        assert spool.next(lambda *_: False) is not None
        spool._database.set_progress_handler(None, 1)
        return taken[0]

    for _ in range(3):
        spool.add(losses(*range(BATCH)))
    few = steps()
    for _ in range(5):
        spool.add(losses(*range(BATCH)))

    assert steps() <= few


def test_nothing_is_in_a_spool_that_is_closed(folder: Path) -> None:
    spool = NoteSpool(folder)
    number = spool.add(losses(0))
    assert number is not None

    spool.close()

    assert (spool.place_of(number), spool.next(lambda *_: False)) == (None, None)
    assert spool.add(losses(1)) is None


def test_steps_are_remembered_in_any_order() -> None:
    steps = Steps()
    for each in (0, 1, 2, 7, 5, 6, 3, 3):
        steps.add(each)

    assert [each for each in range(10) if each in steps] == [0, 1, 2, 3, 5, 6, 7]
