"""Whoever was wrong too often is not listened to for a while: answered at once, and remembered within bounds."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from synergos.domain.addresses import customer_of
from synergos.errors import TooManyAttempts

FREE_ATTEMPTS = 5
"""Of one account from one address, before the first wait."""
FREE_OF_ACCOUNT = 20
"""Of one account from all addresses that it has not signed in from."""
FREE_OF_ADDRESS = 50
"""From one address for all accounts."""
LONGEST_WAIT = 300.0
"""Seconds; each further attempt doubles the wait until then."""
FORGOTTEN_AFTER = 900.0
"""Seconds without an attempt."""
MOST_REMEMBERED = 10_000
"""Accounts and addresses; what was looked at longest ago gives way."""


@dataclass
class _Failures:
    count: int = 0
    last: float = 0.0
    blocked_until: float = 0.0


class Throttle:
    """Counts wrong attempts, by account and address, by account, and by address; any thread may ask.

    An account's own count does not keep those out who have signed in from where they are: else anybody could.

    Args:
        now: seconds on a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        # Guards both tables.
        self._lock = threading.Lock()
        self._failures: OrderedDict[bytes, _Failures] = OrderedDict()
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def check(self, account: str, address: str) -> None:
        """Return when an attempt may be made.

        Raises:
            TooManyAttempts: not now.
        """
        with self._lock:
            keys = self._keys(account, address)
            if keys[0][0] in self._known:
                keys = keys[:1]
            waits = [self._failures[key].blocked_until - self._now() for key, _ in keys if key in self._failures]
        if waits and max(waits) > 0:
            raise TooManyAttempts(max(waits))

    def failed(self, account: str, address: str) -> None:
        """An attempt was wrong."""
        now = self._now()
        with self._lock:
            for key, free in self._keys(account, address):
                found = self._failures.pop(key, None)
                if found is None or now - found.last > FORGOTTEN_AFTER:
                    found = _Failures()
                found.count, found.last = found.count + 1, now
                if found.count >= free:
                    found.blocked_until = now + min(LONGEST_WAIT, 2.0 ** min(found.count - free, 30))
                self._failures[key] = found
            while len(self._failures) > MOST_REMEMBERED:
                self._failures.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """An attempt was right."""
        [(pair, _), *_] = self._keys(account, address)
        with self._lock:
            self._failures.pop(pair, None)
            self._known.pop(pair, None)
            self._known[pair] = None
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)

    @staticmethod
    def _keys(account: str, address: str) -> list[tuple[bytes, int]]:
        """What attempts are counted by, and how many are free."""
        where = customer_of(address)
        return [
            (_key("both", account, where), FREE_ATTEMPTS),
            (_key("account", account), FREE_OF_ACCOUNT),
            (_key("address", where), FREE_OF_ADDRESS),
        ]


def _key(*words: str) -> bytes:
    """As long for a name of a megabyte as for any other."""
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).digest()
