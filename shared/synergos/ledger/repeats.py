"""What comes again and again, as one line and a count: whoever asks the same each second, or floods a program, fills no disk."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from synergos.errors import NotRecorded
from synergos.ledger.ledger import Ledger

AGAIN = 3600.0
"""Seconds after which the same is written again, with how often it came meanwhile."""
_LOOKED_AFTER = 60.0
"""Seconds after which it is looked for what was counted, and did not come again for so long."""
MOST_TOLD_APART = 512
BURST, RATE = 64, 0.1
"""Lines at once, and a second in the long run; of more, how many there were is written."""


@dataclass
class _Known:
    what: str
    about: Mapping[str, object]
    at: float
    count: int = 0


class Repeats:
    """Mentions in a ledger; any thread may make one.

    Args:
        clock: monotonic seconds.
        burst: lines at once.
        rate: lines a second in the long run.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float], burst: int = BURST, rate: float = RATE) -> None:
        self._ledger = ledger
        self._clock = clock
        self._burst, self._rate = burst, rate
        # Guards all that follows; lines are written outside it.
        self._lock = threading.Lock()
        self._known = OrderedDict[str, _Known]()
        self._room, self._filled_at = float(burst), clock()
        self._untold = 0
        self._looks_at = clock() + _LOOKED_AFTER

    def mention(self, what: str, about: Mapping[str, object], *, alike: Mapping[str, object] | None = None) -> None:
        """Write something down that has changed nothing, unless the same was just now.

        Args:
            alike: what makes it the same; all that is known of it unless that is said.
        """
        if (more := self._counted(_key(what, alike or about), what, about)) is not None:
            self._ledger.mention(what, {**about, **more})
        self._write_overdue()

    def append(self, what: str, about: Mapping[str, object], *, alike: Mapping[str, object] | None = None) -> None:
        """Write down what is about to be done, unless the same was just now.

        Raises:
            NotRecorded: it cannot be written.
        """
        key = _key(what, alike or about)
        if (more := self._counted(key, what, about)) is not None:
            try:
                self._ledger.append(what, {**about, **more})
            except NotRecorded:
                with self._lock:
                    self._known.pop(key, None)
                raise
        self._write_overdue()

    def flush(self) -> None:
        """Write what was counted and is not written yet, as the program is about to end."""
        with self._lock:
            unwritten = [known for known in self._known.values() if known.count]
            others, self._untold = self._untold, 0
            self._known.clear()
        for known in unwritten:
            self._ledger.mention(known.what, {**known.about, "times": known.count})
        if others:
            self._ledger.mention("not told one by one", {"lines": others})

    def _write_overdue(self) -> None:
        """Write what was counted more than an hour ago and did not come again: who is killed loses an hour's counts, and not a year's."""
        now, overdue = self._clock(), list[_Known]()
        with self._lock:
            if now < self._looks_at:
                return
            self._looks_at = now + _LOOKED_AFTER
            for key, known in list(self._known.items()):
                if now - known.at < AGAIN:
                    continue
                if known.count and self._room >= 1.0:
                    self._room -= 1.0
                    overdue.append(replace(known))
                    # Of the hour that begins now it is counted, as this is a line of it.
                    known.at, known.count = now, 0
                else:
                    self._untold += self._known.pop(key).count
        for known in overdue:
            self._ledger.mention(known.what, {**known.about, "times": known.count})

    def _counted(self, key: str, what: str, about: Mapping[str, object]) -> dict[str, int] | None:
        """What to write besides: how often it came since it was written last, and how many others were not; None where it is not written now."""
        now = self._clock()
        with self._lock:
            self._room = min(float(self._burst), self._room + (now - self._filled_at) * self._rate)
            self._filled_at = now
            known = self._known.pop(key, None)
            if known is not None and now - known.at < AGAIN:
                known.count += 1
                self._known[key] = known
                return None
            times = 1 + (0 if known is None else known.count)
            if self._room < 1.0:
                self._untold += times
                return None
            self._room -= 1.0
            self._known[key] = _Known(what, about, now)
            while len(self._known) > MOST_TOLD_APART:
                self._untold += self._known.popitem(last=False)[1].count
            others, self._untold = self._untold, 0
        return {**({"times": times} if times > 1 else {}), **({"others": others} if others else {})}


def _key(what: str, alike: Mapping[str, object]) -> str:
    return json.dumps([what, alike], sort_keys=True)
