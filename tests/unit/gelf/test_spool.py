"""Messages wait on disk in their order, within bounds, and for whoever comes next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synergos.gelf.spool import Position, Spool

MEBIBYTE = 2**20


def messages(first: int, last: int, size: int = 0) -> list[bytes]:
    return [f"{number}".encode().ljust(size, b".") + b"\0" for number in range(first, last)]


def waiting(spool: Spool) -> list[int]:
    """The numbers of all messages that wait."""
    found, position = list[int](), spool.arrived
    while True:
        piece, start = spool.read(position, 1000)
        if not piece:
            return found
        found += [int(part.rstrip(b".")) for part in piece.split(b"\0")[:-1]]
        position = Position(start.segment, start.offset + len(piece))


def test_messages_wait_in_their_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MEBIBYTE)

    spool.append(messages(0, 500, 300))
    spool.append(messages(500, 1000, 300))

    assert waiting(spool) == list(range(1000))
    assert spool.dropped == 0


def test_what_has_arrived_waits_no_longer(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MEBIBYTE)
    spool.append(messages(0, 10))
    piece, start = spool.read(spool.arrived, 6)

    spool.note_arrived(Position(start.segment, start.offset + len(piece)))

    assert piece == b"0\x001\x002\x00"
    assert waiting(spool) == list(range(3, 10))
    assert not spool.is_empty


def test_a_piece_holds_one_message_at_least(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MEBIBYTE)
    spool.append([b"long" * 100 + b"\0"])

    assert spool.read(spool.arrived, 5)[0] == b"long" * 100 + b"\0"


def test_the_oldest_are_given_up_when_there_is_no_room_and_are_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MEBIBYTE)

    for number in range(30):
        spool.append(messages(number * 100, number * 100 + 100, 1000))

    left = waiting(spool)
    assert left == list(range(left[0], 3000))
    assert spool.dropped == left[0]
    assert 800 < len(left) < 1100
    on_disk = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert on_disk <= MEBIBYTE * 1.1


def test_a_reader_whose_place_was_given_up_goes_on_with_what_is_left(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MEBIBYTE)
    spool.append(messages(0, 100, 1000))
    begun = Position(0, 1001)

    spool.append(messages(100, 2000, 1000))

    piece, start = spool.read(begun, 100)
    assert start == spool.arrived > begun
    assert int(piece.split(b".")[0]) == spool.dropped


def test_whoever_comes_next_takes_over_what_was_left(tmp_path: Path) -> None:
    first = Spool(tmp_path, MEBIBYTE)
    first.append(messages(0, 10))
    first.note_arrived(Position(0, 6))
    first.close()

    assert waiting(Spool(tmp_path, MEBIBYTE)) == list(range(3, 10))
    assert len(list(tmp_path.iterdir())) == 1


def test_nobody_takes_what_a_living_process_has(tmp_path: Path) -> None:
    first = Spool(tmp_path, MEBIBYTE)
    first.append(messages(0, 10))

    second = Spool(tmp_path, MEBIBYTE)

    assert second.is_empty
    assert waiting(first) == list(range(10))


def test_a_message_that_was_cut_off_with_its_process_is_left_out(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MEBIBYTE)
    spool.append(messages(0, 2))
    spool.close()
    [file] = [path for path in tmp_path.rglob("0*") if path.is_file()]
    file.write_bytes(file.read_bytes() + b'{"versi')

    assert waiting(Spool(tmp_path, MEBIBYTE)) == [0, 1]


def test_a_damaged_note_has_messages_sent_twice_rather_than_never(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MEBIBYTE)
    spool.append(messages(0, 3))
    spool.note_arrived(Position(0, 2))
    spool.close()
    [note] = tmp_path.rglob("arrived")
    note.write_text("x")

    assert waiting(Spool(tmp_path, MEBIBYTE)) == [0, 1, 2]


def test_an_empty_spool_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MEBIBYTE)
    spool.append(messages(0, 3))
    spool.note_arrived(Position(5))

    spool.close()

    assert list(tmp_path.iterdir()) == []


def test_what_a_full_disk_does_not_take_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path, MEBIBYTE)
    spool.append(messages(0, 2))
    opened = Path.open

    def full(path: Path, mode: str = "r", *args: object, **options: object) -> object:
        if "a" in mode:
            raise OSError(28, os.strerror(28))
        return opened(path, mode, *args, **options)  # type: ignore[call-overload]

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", full)
        spool.append(messages(2, 5))
    spool.append(messages(5, 6))

    assert spool.dropped == 3
    assert waiting(spool) == [0, 1, 5]


def test_it_knows_how_much_of_its_room_is_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path, MEBIBYTE)
    assert (spool.waiting, spool.capacity) == (0, MEBIBYTE)

    spool.append(messages(0, 10, 99))
    assert spool.waiting == 1000
    spool.note_arrived(Position(0, 300))
    assert spool.waiting == 700
    # More than there is room for: the oldest are given up.
    spool.append(messages(10, 20_000, 99))
    assert MEBIBYTE * 14 // 16 < spool.waiting <= MEBIBYTE
    spool.note_arrived(spool.end)
    assert spool.waiting == 0
