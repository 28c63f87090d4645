"""The memory of sessions is set aside before it is taken."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from synergos.errors import Conflict, InvalidRequest
from synergos.machine_memory import memory_limit
from synergos.program.freed_memory import give_back
from synergos_worker.memory import Memory, MemoryLimits, Part, Spares

LIMITS = MemoryLimits(session=1000, program=1500, sessions=3)


def part(size: int, field: str = "architecture") -> Part:
    return Part("the network", field, size)


def test_a_session_is_refused_by_the_field_that_asks_for_most() -> None:
    held = Memory(LIMITS).begin()
    held.add(part(300, "tags.train"))

    with pytest.raises(InvalidRequest) as refused:
        held.add(part(500), part(201, "batch_size"))

    assert refused.value.field == "architecture"
    assert str(refused.value) == (
        "architecture: a session would take 1,001 bytes, 500 of them for the network; expected at most 1,000 (--session_memory)"
    )
    assert held.bytes == 300


def test_what_others_have_is_not_there_until_they_are_gone() -> None:
    memory = Memory(LIMITS)
    first, second = memory.begin(), memory.begin()
    first.add(part(900))

    with pytest.raises(Conflict, match=r"601 bytes more, and 900 are taken of the 1,500 .*\(--memory\); try again"):
        second.add(part(601))
    first.release()
    first.release()
    second.add(part(601))

    assert memory.bytes == 601


class Kept:
    """Things of 400 bytes that could be made again."""

    def __init__(self, count: int, used: float = 0.0) -> None:
        self.count, self.used = count, used

    @property
    def bytes(self) -> int:
        return 400 * self.count

    @property
    def oldest(self) -> float | None:
        return self.used if self.count else None

    def drop_oldest(self) -> bool:
        self.count -= 1
        return self.count >= 0


def test_what_could_be_made_again_gives_way_to_sessions_as_far_as_they_need_it() -> None:
    kept = Kept(3)
    memory = Memory(LIMITS, kept)
    first, second = memory.begin(), memory.begin()

    first.add(part(300))
    at_first = kept.count
    first.add(part(500))
    at_second = kept.count
    second.add(part(700))

    assert (at_first, at_second, kept.count) == (3, 1, 0)
    with pytest.raises(Conflict, match="1,500 are taken"):
        second.add(part(1))


def test_what_was_not_used_for_longest_gives_way_first_wherever_it_is() -> None:
    newer, older = Kept(2, used=8.0), Kept(1, used=7.0)
    memory = Memory(LIMITS, Spares(newer, older))
    held = memory.begin()

    held.add(part(700))
    at_first = (newer.count, older.count)
    held.add(part(300))

    assert (at_first, newer.count, older.count) == ((2, 0), 1, 0)
    newer.count = 3
    memory.make_room()
    assert newer.count == 1


def test_what_is_taken_into_use_while_room_is_made_stays_and_the_next_gives_way() -> None:
    class Taken(Kept):
        def drop_oldest(self) -> bool:
            return False

    in_use, other = Taken(1, used=7.0), Kept(2, used=8.0)
    memory = Memory(LIMITS, Spares(in_use, other))

    memory.begin().add(part(700))

    assert (in_use.count, other.count) == (1, 1)


def test_sessions_are_bounded_in_number() -> None:
    memory = Memory(LIMITS)
    held = [memory.begin() for _ in range(3)]

    with pytest.raises(Conflict, match=r"has 3 sessions, and takes no more \(--sessions\)"):
        memory.begin()
    held[0].release()

    assert memory.begin().bytes == 0


def test_memory_of_a_session_that_has_ended_is_waited_for() -> None:
    memory = Memory(LIMITS)
    ended = memory.begin()
    ended.add(part(1000))
    ended.is_about_to_go = True
    begun = threading.Event()

    def take() -> int:
        held = memory.begin()
        begun.set()
        held.add(part(1000))
        return held.bytes

    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(take)
        begun.wait(30)
        ended.release()

        assert taking.result(30) == 1000


def test_limits_are_those_of_the_machine_unless_they_are_said() -> None:
    whole = memory_limit() * 3 // 4

    assert MemoryLimits.of_machine() == MemoryLimits(whole // 2, whole, 64)
    assert MemoryLimits.of_machine(program=2**20) == MemoryLimits(2**20, 2**20, 64)
    assert MemoryLimits.of_machine(session=2**21, program=2**20, sessions=2) == MemoryLimits(2**20, 2**20, 2)


def test_giving_back_can_be_asked_for_anywhere() -> None:
    give_back()
