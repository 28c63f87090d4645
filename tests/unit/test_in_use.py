from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from synergos.errors import Conflict
from synergos.in_use import LOCK, outputs_alone, outputs_together

WHO = r"in use by {} on .+, process \d+,{} since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC: "


def told(who: str) -> str:
    return WHO.format(who, "")


def told_of_a_cluster(first: str) -> str:
    return WHO.format(first, " the first of a cluster's programs,")


def test_a_second_program_is_told_who_has_the_folder_and_since_when(tmp_path: Path) -> None:
    first = outputs_alone(tmp_path, "worker_1")

    with pytest.raises(Conflict, match=told("worker_1")):
        outputs_alone(tmp_path, "worker_2")
    with pytest.raises(Conflict, match=told("worker_1")):
        outputs_together(tmp_path, "ttp_1", "cluster", patience=0)

    first.release()
    outputs_alone(tmp_path, "worker_2").release()


def test_who_is_kept_out_takes_nothing_from_who_is_in(tmp_path: Path) -> None:
    first = outputs_alone(tmp_path, "worker_1")
    for _ in range(2):
        with pytest.raises(Conflict, match=told("worker_1")):
            outputs_alone(tmp_path, "worker_2")
    first.release()


def test_a_clusters_programs_share_with_each_other_and_with_nobody_else(tmp_path: Path) -> None:
    director, ttp = (outputs_together(tmp_path, name, "cluster") for name in ("director", "ttp_1"))

    director.release()
    with pytest.raises(Conflict, match=told_of_a_cluster("director")):
        outputs_alone(tmp_path, "ttp")
    with pytest.raises(Conflict, match=told_of_a_cluster("director")):
        outputs_together(tmp_path, "ttp_of_others", "another", patience=0)

    outputs_together(tmp_path, "director", "cluster").release()
    ttp.release()
    outputs_together(tmp_path, "ttp_of_others", "another").release()


def test_programs_of_before_are_kept_out_and_keep_out(tmp_path: Path) -> None:
    before = FileLock(tmp_path / LOCK)
    with before, pytest.raises(Conflict, match="in use by another program, since just now"):
        outputs_alone(tmp_path, "ttp")

    held = outputs_alone(tmp_path, "ttp")
    with pytest.raises(Timeout):
        before.acquire(timeout=0)
    held.release()


def test_a_program_begins_on_a_full_disk_and_keeps_others_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _content: bytes, _at: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)

    alone = outputs_alone(tmp_path, "ttp")
    with pytest.raises(Conflict, match="in use by another program"):
        outputs_alone(tmp_path, "other")
    alone.release()
    director, ttp = (outputs_together(tmp_path, name, "cluster") for name in ("director", "ttp_1"))
    with pytest.raises(Conflict, match="in use by another program"):
        outputs_alone(tmp_path, "other")
    director.release()
    ttp.release()


def test_where_the_file_system_has_no_locks_a_program_begins_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without(_descriptor: int, _kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without)

    outputs_alone(tmp_path, "ttp").release()
    outputs_together(tmp_path, "ttp", "cluster").release()

    assert "no second program uses it" in capsys.readouterr().out
