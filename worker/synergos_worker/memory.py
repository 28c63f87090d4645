"""The memory of sessions: set aside before it is taken, and given back to the system when a session has ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from synergos.errors import Conflict, InvalidRequest
from synergos.machine_memory import memory_limit

_PATIENCE = 5.0
"""Seconds for which whoever opens a session waits for the memory of those that have ended and are about to be let go."""


@dataclass(frozen=True)
class MemoryLimits:
    """What sessions may take.

    Attributes:
        session: bytes of one.
        program: bytes of all together.
        sessions: how many there may be.
    """

    session: int
    program: int
    sessions: int = 64

    @classmethod
    def of_machine(cls, session: int | None = None, program: int | None = None, sessions: int = 64) -> MemoryLimits:
        """With defaults from what this process may have: three quarters for all sessions, and of these half for one."""
        whole = program or memory_limit() * 3 // 4
        return cls(min(session or (whole if program else whole // 2), whole), whole, sessions)


@dataclass(frozen=True)
class Part:
    """Some of the memory that a session takes.

    Attributes:
        what: takes it, for people.
        field: of the request that asks for it.
    """

    what: str
    field: str
    bytes: int


class Spare(Protocol):
    """Keeps what could be made again; it counts, and gives way to sessions. Asked by any number of threads."""

    @property
    def bytes(self) -> int:
        """What is kept takes."""

    @property
    def oldest(self) -> float | None:
        """When what can be dropped first was used last, in monotonic seconds; None where nothing can be."""

    def drop_oldest(self) -> bool:
        """Keep no longer what has not been used for longest, and is not in use; whether there was any."""


class Spares:
    """Several of them as one: what has not been used for longest goes first, wherever it is."""

    def __init__(self, *all_: Spare) -> None:
        self._all = all_

    @property
    def bytes(self) -> int:
        """What all of them keep takes."""
        return sum(each.bytes for each in self._all)

    @property
    def oldest(self) -> float | None:
        """See :class:`Spare`."""
        return min((used for each in self._all if (used := each.oldest) is not None), default=None)

    def drop_oldest(self) -> bool:
        """See :class:`Spare`."""
        found = [(used, position) for position, each in enumerate(self._all) if (used := each.oldest) is not None]
        # What has been taken into use since it was looked at does not go; then the next does.
        return any(self._all[position].drop_oldest() for _, position in sorted(found))


class SetAside:
    """One session's memory, until it is released."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.parts: tuple[Part, ...] = ()
        self.is_about_to_go = False
        self._user: Future[None] | None = None

    @property
    def bytes(self) -> int:
        """How many there are."""
        return sum(part.bytes for part in self.parts)

    def add(self, *parts: Part) -> None:
        """Set more aside.

        Raises:
            InvalidRequest: it is more than a session may take; names the field that asks for most of it.
            Conflict: others have too much.
        """
        self._memory.add(self, parts)

    def is_used_by(self, user: Future[None]) -> None:
        """Something computes with it, and may do so when the session is given up already."""
        self._user = user

    def release(self) -> None:
        """All of it is free again, once nothing uses it any more; however often that is said."""
        if self._user is None:
            self._memory.let_go(self)
        else:
            self._user.add_done_callback(lambda _: self._memory.let_go(self))


class Memory:
    """What is set aside; asked by any number of threads.

    Args:
        spare: what gives way to sessions; None where nothing does.
    """

    def __init__(self, limits: MemoryLimits, spare: Spare | None = None) -> None:
        self.limits = limits
        self._spare = spare
        self._held: set[SetAside] = set()
        # Guards what is held, between the requests that open sessions and the thread that lets go of them.
        self._changed = threading.Condition()

    @property
    def bytes(self) -> int:
        """How many are set aside."""
        with self._changed:
            return self._sum()

    def begin(self) -> SetAside:
        """One more session, of which nothing is there yet.

        Raises:
            Conflict: there are too many.
        """
        held = SetAside(self)
        with self._changed:
            self._wait_until(self._why_not_one_more)
            self._held.add(held)
        return held

    def add(self, held: SetAside, parts: tuple[Part, ...]) -> None:
        """See :meth:`SetAside.add`."""
        self._refuse_too_large((*held.parts, *parts))
        with self._changed:
            self._wait_until(lambda: self._why_not_as_much(sum(part.bytes for part in parts)))
            held.parts += parts
            self._make_room()

    def make_room(self) -> None:
        """Have what could be made again take no more than sessions leave; for whoever has just kept more of it."""
        with self._changed:
            self._make_room()

    def let_go(self, held: SetAside) -> None:
        """See :meth:`SetAside.release`."""
        with self._changed:
            self._held.discard(held)
            self._changed.notify_all()

    def _refuse_too_large(self, parts: tuple[Part, ...]) -> None:
        size = sum(part.bytes for part in parts)
        if size <= self.limits.session:
            return
        most = max(parts, key=lambda part: part.bytes)
        raise InvalidRequest(
            f"a session would take {size:,} bytes, {most.bytes:,} of them for {most.what}; expected at most "
            f"{self.limits.session:,} (--session_memory)",
            most.field,
        )

    def _wait_until(self, why_not: Callable[[], str | None]) -> None:
        """Wait for sessions that have ended to be gone, if there are any.

        Raises:
            Conflict: that is no help.
        """
        until = time.monotonic() + _PATIENCE
        while (reason := why_not()) is not None:
            left = until - time.monotonic()
            if left <= 0 or not any(held.is_about_to_go for held in self._held):
                raise Conflict(reason)
            self._changed.wait(left)

    def _why_not_one_more(self) -> str | None:
        if len(self._held) < self.limits.sessions:
            return None
        return f"this worker has {len(self._held)} sessions, and takes no more (--sessions); try again later"

    def _why_not_as_much(self, size: int) -> str | None:
        taken = self._sum()
        if taken + size <= self.limits.program:
            return None
        return (
            f"the session would take {size:,} bytes more, and {taken:,} are taken of the {self.limits.program:,} that this worker "
            "gives its sessions (--memory); try again later"
        )

    def _make_room(self) -> None:
        # What is kept has locks of its own, which are held for moments and in which nobody asks for anything here.
        left = self.limits.program - self._sum()
        # What a session shares with it counts twice, and once when it was dropped.
        while self._spare is not None and self._spare.bytes > left and self._spare.drop_oldest():
            pass

    def _sum(self) -> int:
        return sum(held.bytes for held in self._held)
