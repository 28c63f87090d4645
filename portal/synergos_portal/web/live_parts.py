"""Live parts that were made lately, for whoever else asks for the same.

While an orchestrator's feed tells of no change, a part is not made again; where changes come many times a second, it is good for a
moment all the same. While it is made for one browser the others wait for that.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from markupsafe import Markup
from werkzeug.datastructures import ETags

from synergos_portal.web.sending import packed

PACE = "Live-Pace"
"""The header of an answer that says after how many seconds a page asks again."""

UNHEARD = ""
"""The version while a feed has not heard anything yet, as where all tabs come back at the same time: nobody knows how long a part is good."""
_GOOD_SECONDS = 5.0
_MOMENT = 0.85
"""Seconds for which a part is good whatever has changed since: less than a browser waits between two questions."""
_ANEW_SECONDS = 1.0
"""The same while it is being made anew: who came in that moment need not wait for it, nor hold a thread."""
_MAKING_SECONDS = 10.0
"""For which others wait for whoever makes a part; then they make it themselves."""
_UNHEARD_SECONDS = 1.0
"""The same before an orchestrator was heard of: it may be away."""
_MOST = 256
_MOST_BLOCKS, _LONGEST_BLOCK = 16, 2**16
"""The first of parts within their pages, the second in characters."""
MOST_BYTES = 4 * 2**20
"""Of all parts together with what they were asked for."""


@dataclass(frozen=True)
class Part:
    """What is answered to whoever asks for a part.

    Attributes:
        packed: the same by gzip, once for all who take that; None where it saves nothing.
        pace: seconds after which a page asks again.
    """

    html: bytes
    packed: bytes | None
    tag: str
    pace: str

    @classmethod
    def of(cls, html: bytes, pace: int) -> Part:
        """One of this content."""
        return cls(html, packed(html), sha256(html).hexdigest()[:20], str(pace))

    def answer(self, known: ETags, *, takes_packed: bool) -> tuple[HTTPStatus, list[tuple[str, str]], bytes]:
        """Status, header fields and body.

        Args:
            known: the tags of what whoever asks has already.
        """
        fields = [("ETag", f'W/"{self.tag}"'), (PACE, self.pace)]
        if known.contains_weak(self.tag):
            return HTTPStatus.NOT_MODIFIED, fields, b""
        body = self.html
        if takes_packed and self.packed is not None:
            body = self.packed
            fields.append(("Content-Encoding", "gzip"))
        fields += [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
        return HTTPStatus.OK, fields, body


@dataclass(frozen=True)
class Made:
    """A part that was made.

    Attributes:
        version: of the feed at which.
        at: monotonic seconds when that was begun, which is how old it is.
    """

    version: str
    at: float
    part: Part


class Parts:
    """Parts that were made lately; threads of requests share them under one lock, which nobody holds while a part is made."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._made: OrderedDict[tuple[Any, ...], Made] = OrderedDict()
        self._bytes = 0
        self._making: set[tuple[Any, ...]] = set()

    def take(self, key: tuple[Any, ...], version: str) -> Made | None:
        """One that is good, be it that another request has it made just now; without one whoever asks makes it.

        Whoever makes one calls :meth:`keep` or :meth:`give_up`.
        """
        with self._changed:
            patience = _UNHEARD_SECONDS if version == UNHEARD else _MAKING_SECONDS
            self._changed.wait_for(lambda: self._good(key, version) or key not in self._making, patience)
            made = self._good(key, version)
            if made is None:
                self._making.add(key)
            return made

    def find(self, key: tuple[Any, ...], version: str) -> Made | None:
        """One that is good now, or good enough while another request has it made anew; nobody is waited for."""
        with self._changed:
            made = self._good(key, version)
            if made is None and key in self._making and (before := self._made.get(key)) is not None:
                made = before if self._clock() - before.at < _ANEW_SECONDS else None
            return made

    def keep(self, key: tuple[Any, ...], made: Made) -> None:
        """One that was made, in the place of the one before; it is not kept where it would take the place of many others."""
        size = _size(key, made)
        with self._changed:
            before = self._made.pop(key, None)
            self._bytes -= 0 if before is None else _size(key, before)
            if size <= MOST_BYTES // 4:
                self._made[key] = made
                self._bytes += size
            while len(self._made) > _MOST or self._bytes > MOST_BYTES:
                oldest, given_up = self._made.popitem(last=False)
                self._bytes -= _size(oldest, given_up)
        self.give_up(key)

    def give_up(self, key: tuple[Any, ...]) -> None:
        """Nobody makes it any more, or it was made."""
        with self._changed:
            self._making.discard(key)
            self._changed.notify_all()

    def _good(self, key: tuple[Any, ...], version: str) -> Made | None:
        made = self._made.get(key)
        if made is None:
            return None
        age = self._clock() - made.at
        is_the_same = made.version == version != UNHEARD
        return made if age < (_GOOD_SECONDS if is_the_same else _MOMENT) else None


class Blocks:
    """Parts as pages had them lately; threads of requests share them under one lock, which nobody holds while one is made.

    Keys have all that a part is made of, but for time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[Any, ...], tuple[float, Markup]] = OrderedDict()

    def find(self, key: tuple[Any, ...], seconds: float) -> Markup | None:
        """One that is not older."""
        with self._lock:
            at, made = self._made.get(key, (float("-inf"), None))
            return made if self._clock() - at < seconds else None

    def keep(self, key: tuple[Any, ...], made: Markup) -> None:
        """One that was made; not what is very long."""
        if len(made) + len(repr(key)) <= _LONGEST_BLOCK:
            with self._lock:
                self._made[key] = (self._clock(), made)
                self._made.move_to_end(key)
                while len(self._made) > _MOST_BLOCKS:
                    self._made.popitem(last=False)


def _size(key: tuple[Any, ...], made: Made) -> int:
    return len(made.part.html) + len(made.part.packed or b"") + len(repr(key))
