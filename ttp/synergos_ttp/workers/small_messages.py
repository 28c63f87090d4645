"""Small messages, multiplexed: all participants are asked and heard in the job's thread, as long as nothing goes wrong.

To hand a small message to another thread takes longer than to send it, and threads that all want the interpreter wait for each
other. Who is slow, silent or says something unexpected is left to a thread of its own, which waits as long as the limits allow.
"""

from __future__ import annotations

import math
import select
import time
from collections.abc import Callable, Collection, Sequence
from typing import Generic, Protocol, TypeVar

from synergos.errors import SynergosError

AT_ONCE_BYTES = 2**16
"""What fits into the system's buffers for a connection: sending it waits for nobody."""
AT_ONCE_SECONDS = 1.0
"""Without a byte of an answer that has begun: whoever falls silent is left to a thread of its own."""

Session = TypeVar("Session", contravariant=True)
Given = TypeVar("Given", covariant=True)
Held = TypeVar("Held", covariant=True)
Open = TypeVar("Open")
Result = TypeVar("Result")


class Prompt(Protocol[Session, Given]):
    """Work that consists of a question and an answer, both small."""

    def __call__(self, session: Session, /) -> Given:
        """All of it, with as much patience as it takes."""

    def begin(self, session: Session, /) -> int | None:
        """Ask; the file descriptor that becomes readable when the answer begins, None when that cannot be done now."""

    def finish(self, session: Session, /) -> Given | None:
        """Take the answer; None when it takes longer, so that all of it has to be asked for again."""


class Prompted(Protocol[Held]):
    """Who holds a session, through which it can be asked something in two steps while it is open."""

    def begin(self, work: Prompt[Held, object], /) -> int | None:
        """Begin with the open session; None when that cannot be done, and nothing was."""

    def finish(self, work: Prompt[Held, Result], /) -> Result | None:
        """What came of it; None when it has to be done from the beginning.

        Raises:
            SynergosError: how it failed.
        """

    def leave(self) -> None:
        """Let go of what was begun and that nobody waits for any more."""


class Prompting(Generic[Open, Result]):
    """Sessions that are asked and heard in one thread; what does not go smoothly is left to threads of their own.

    Attributes:
        failed: how, for those who gave an answer that is none.
    """

    def __init__(self, work: Prompt[Open, Result] | None, check: Callable[[], None]) -> None:
        self.failed: dict[Prompted[Open], SynergosError] = {}
        self._work = work
        self._check = check
        self._waiting: dict[int, Prompted[Open]] = {}

    def begin(self, sessions: Sequence[Prompted[Open]]) -> Collection[Prompted[Open]]:
        """Ask all who can be asked; those who were."""
        if self._work is not None:
            for session in sessions:
                if (descriptor := session.begin(self._work)) is not None:
                    self._waiting[descriptor] = session
        return list(self._waiting.values())

    def finish(self, deadline: float | None, long_poll: float) -> dict[Prompted[Open], Result | SynergosError]:
        """The answers of those who answer soon.

        Raises:
            JobStopped: the job was asked to stop.
        """
        found: dict[Prompted[Open], Result | SynergosError] = {}
        if self._work is None:
            return found
        poll = select.poll()
        for descriptor in self._waiting:
            poll.register(descriptor, select.POLLIN)
        # By then everybody has said at least that more time is needed.
        until = min(time.monotonic() + long_poll + AT_ONCE_SECONDS, math.inf if deadline is None else deadline)
        while self._waiting and (left := until - time.monotonic()) > 0:
            self._check()
            for descriptor, _ in poll.poll(1000 * min(left, AT_ONCE_SECONDS)):
                poll.unregister(descriptor)
                self._hear(self._waiting.pop(descriptor), self._work, found)
        return found

    def leave(self) -> None:
        """Let go of all that nobody has answered yet."""
        for session in self._waiting.values():
            session.leave()

    def _hear(
        self,
        session: Prompted[Open],
        work: Prompt[Open, Result],
        found: dict[Prompted[Open], Result | SynergosError],
    ) -> None:
        try:
            result = session.finish(work)
        except SynergosError as error:
            self.failed[session] = error
        else:
            if result is not None:
                found[session] = result
