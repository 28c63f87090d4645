"""Files of rounds: what is there under another name stays as it is, and a line follows the last one that was whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synergos_ttp.stages import round_writing


def write(target: Path, *pieces: bytes, durable: bool = False) -> None:
    round_writing.write(target, map(memoryview, pieces), durable=durable)


def test_a_file_is_its_pieces_one_after_the_other(tmp_path: Path) -> None:
    pieces = [os.urandom(300_000), b"", b"end"]

    write(tmp_path / "file", *pieces, durable=True)

    assert (tmp_path / "file").read_bytes() == b"".join(pieces)


def test_a_file_that_is_written_again_stays_what_it_was_under_its_other_name(tmp_path: Path) -> None:
    file, other = tmp_path / "file", tmp_path / "other"
    write(file, b"first, and longer")
    round_writing.link(file, other)

    write(file, b"second")

    assert (file.read_bytes(), other.read_bytes()) == (b"second", b"first, and longer")


def test_a_second_name_takes_the_place_of_what_had_it(tmp_path: Path) -> None:
    file, taken = tmp_path / "file", tmp_path / "taken"
    write(file, b"new")
    write(taken, b"old")

    round_writing.link(file, taken)

    assert taken.stat().st_ino == file.stat().st_ino


@pytest.mark.parametrize("rest", [b"", b"half a line that a crash has left"])
def test_a_line_follows_the_last_whole_one(tmp_path: Path, rest: bytes) -> None:
    log = tmp_path / "log"
    round_writing.append(log, 0, b"one\n")
    with log.open("ab") as file:
        file.write(rest)

    round_writing.append(log, 4, b"two\n")

    assert log.read_bytes() == b"one\ntwo\n"


def test_a_folder_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "round_0"
    (folder / "within").mkdir(parents=True)
    write(folder / "file", b"content")

    round_writing.remove(folder)
    round_writing.remove(folder)

    assert not folder.exists()
