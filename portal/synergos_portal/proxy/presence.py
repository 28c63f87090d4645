"""Whether listed programs answer: looked at while somebody wants to know, and no more often than every other second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from synergos_portal.proxy.asking import Question, ask
from synergos_portal.proxy.lines import Lines
from synergos_portal.proxy.tool import Kind, Tool, Trouble

_FRESH_SECONDS = 2.0
_LOOK_SECONDS = 3.0
"""For an answer to a look; somebody who needs longer is there, but slow."""
_PATIENCE = 1.0


@dataclass(frozen=True)
class Seen:
    """How a program was when it was looked at last.

    Attributes:
        trouble: why its pages cannot be shown; None where they can.
        since: when it began to be so, as far as is known.
    """

    trouble: Trouble | None
    since: datetime


class Presence:
    """What is known of the programs; asked by all threads that answer.

    Args:
        clock: seconds that never go back.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        fresh: float = _FRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._lines = {tool: Lines(tool, most=1, patience=0.0, answer_seconds=_LOOK_SECONDS) for tool in tools}
        self._fresh = fresh
        self._clock = clock
        self._now = now
        self._threads = ThreadPoolExecutor(max(1, len(tools)), "presence")
        # Guards what follows.
        self._lock = threading.Lock()
        self._seen: dict[Tool, Seen] = {}
        self._looks: dict[Tool, tuple[float, Future[None]]] = {}

    def seen(self, patience: float = _PATIENCE) -> Mapping[Tool, Seen]:
        """Each program that was looked at: now, where the last look is no longer fresh.

        Args:
            patience: seconds for which looks are waited for; who takes longer is as it was before.
        """
        with self._lock:
            looks = [self._look(tool) for tool in self._lines]
        wait(looks, patience)
        with self._lock:
            return dict(self._seen)

    def close(self) -> None:
        """Look no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for lines in self._lines.values():
            lines.close()

    def _look(self, tool: Tool) -> Future[None]:
        """The look that is under way or fresh, or a new one; the caller has the lock."""
        begun, look = self._looks.get(tool, (0.0, None))
        if look is None or (look.done() and self._clock() - begun >= self._fresh):
            look = self._threads.submit(self._see, tool)
            self._looks[tool] = (self._clock(), look)
        return look

    def _see(self, tool: Tool) -> None:
        trouble = _trouble(tool, self._lines[tool])
        with self._lock:
            before = self._seen.get(tool)
            is_same = before is not None and _key(before.trouble) == _key(trouble)
            self._seen[tool] = before if before is not None and is_same else Seen(trouble, self._now())


def _key(trouble: Trouble | None) -> tuple[Kind, int | None] | None:
    return None if trouble is None else (trouble.kind, trouble.answered)


def _trouble(tool: Tool, lines: Lines) -> Trouble | None:
    fields = [("Host", tool.place.written), ("User-Agent", "synergos-portal")]
    if tool.login is not None:
        fields.append(("Authorization", tool.login.header))
    try:
        answered = ask(tool, lines, Question("HEAD", tool.place.path + tool.front, fields, 0, lambda _: b""))
    except Trouble as trouble:
        return trouble
    answered.close()
    if answered.status == HTTPStatus.UNAUTHORIZED and tool.login is not None:
        return Trouble(Kind.LOGIN_REFUSED, tool.title, tool.place.written)
    return refusal(tool, answered.status)


def refusal(tool: Tool, status: int) -> Trouble | None:
    """What to say where a program shows nothing of what was asked for, and may do so later."""
    is_one = (
        status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS) or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )
    return Trouble(Kind.FAILING, tool.title, tool.place.written, status) if is_one else None
