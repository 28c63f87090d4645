"""Passwords: hashed by Argon2's own library, and compared in the same time whether or not there is anything to compare with."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from synergos.errors import InvalidRequest, TooManyAttempts

LEAST_LENGTH = 12
"""Characters: what may be guessed over a network, and from a stolen backup, for years."""
MOST_LENGTH = 1024
"""Characters; a longer one is work for whoever compares it."""

_AT_ONCE = 8
"""Comparisons, each of which takes the memory of one hash."""
_WAITING = 16
"""Requests that wait for a place, where clients come together: a quarter of a port's threads, and not for long."""
_PATIENCE_SECONDS = 2.0

# The second of the settings that OWASP takes for equal: 19 MiB, two passes, one lane. 64 threads may be asked at once.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def check_new(password: str, name: str) -> str:
    """The password, when an account can have it.

    Args:
        name: the account's.

    Raises:
        InvalidRequest: it is too short, too long, or what anybody would try first.
    """
    if not LEAST_LENGTH <= len(password) <= MOST_LENGTH:
        raise InvalidRequest(f"expected {LEAST_LENGTH} to {MOST_LENGTH} characters, got {len(password)}", "password")
    if len(set(password)) < LEAST_LENGTH // 3 or name.casefold() in password.casefold():
        raise InvalidRequest(
            "expected one that nobody guesses: not the account's name, nor a few letters again and again", "password"
        )
    return password


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _HASHER.hash(password)


class Comparison:
    """Compares passwords; any thread may, and so many at once."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._room = threading.BoundedSemaphore(_AT_ONCE + _WAITING)
        # What the password of an account is compared with that is not there.
        self._nobodys = hashed(secrets.token_hex())

    def is_right(self, password: str, kept: str | None) -> bool:
        """Whether a password is the one that is kept; takes as long where none is.

        Raises:
            TooManyAttempts: so many others are being compared that this one would wait for long.
        """
        with _place(self._room, 0.0), _place(self._places, _PATIENCE_SECONDS):
            return self._verifies(password[:MOST_LENGTH], kept or self._nobodys) and kept is not None

    @staticmethod
    def _verifies(password: str, kept: str) -> bool:
        try:
            return _HASHER.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


@contextmanager
def _place(of: threading.BoundedSemaphore, patience: float) -> Iterator[None]:
    if not (of.acquire(timeout=patience) if patience else of.acquire(blocking=False)):
        raise TooManyAttempts(1)
    try:
        yield
    finally:
        of.release()


def is_old(kept: str) -> bool:
    """Whether what is kept was hashed in another way than is done now."""
    return _HASHER.check_needs_rehash(kept)
