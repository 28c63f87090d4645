"""Who is signed in at which orchestrator: the token stays here, and the browser has a name for it that says nothing.

In files, so that the three services share them and a restart signs nobody out.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Generic, TypeVar, cast

import msgspec
from flask import Flask, current_app

from synergos.domain.addresses import customer_of
from synergos_portal.orchestrator.problems import NotSignedIn

HOURS = 12
"""After which the orchestrator's token, and what is kept here, are good for nothing."""

T = TypeVar("T", bound=msgspec.Struct)


class Kept(Generic[T]):
    """Small things of one kind, in files under names that only a browser knows; any thread of any service may ask.

    Args:
        folder: of their own, which the services share.
        seconds: for which one is good.
    """

    def __init__(self, folder: Path, kind: type[T], seconds: float) -> None:
        self._folder = folder
        self._kind = kind
        self._seconds = seconds

    def add(self, what: T) -> str:
        """Keep it; the name for a browser."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._forget_old()
        name = secrets.token_urlsafe(32)
        path = self._path(name)
        made = path.with_suffix(".new")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(what))
        made.rename(path)
        return name

    def find(self, name: object) -> T | None:
        """What a name stands for; None where for nothing, or no longer."""
        if not isinstance(name, str):
            return None
        path = self._path(name)
        with suppress(OSError, msgspec.DecodeError):
            if path.stat().st_mtime > time.time() - self._seconds:
                return msgspec.json.decode(path.read_bytes(), type=self._kind)
        return None

    def take(self, name: object) -> T | None:
        """As :meth:`find`, once: of several that ask at the same time one gets it, and it is gone."""
        found = self.find(name)
        if found is None:
            return None
        try:
            # Of two that remove one file, in whatever process, the second is told that there is none.
            self._path(str(name)).unlink()
        except FileNotFoundError:
            return None
        return found

    def remove(self, name: object) -> None:
        """Forget it."""
        if isinstance(name, str):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        # Who reads names of files here learns none that a browser could send.
        return self._folder / f"{sha256(name.encode(errors='surrogatepass')).hexdigest()}.json"

    def _forget_old(self) -> None:
        for path in self._folder.glob("*.json"):
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - self._seconds:
                    path.unlink()


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has signed in.

    Attributes:
        orchestrator: the name of the one at which.
        token: by which it knows them; never shown, logged or sent to a browser.
        token_id: what it calls the token; None where they have brought it themselves, so that it is not ours to end.
        role: ``orchestrator``, ``participant`` or ``viewer``.
    """

    orchestrator: str
    token: str
    name: str
    role: str
    token_id: str | None = None
    participant_id: str | None = None

    def __repr__(self) -> str:
        return f"SignedIn({self.name!r} at {self.orchestrator!r})"


class SignIns(Kept[SignedIn]):
    """Those who are signed in, by a name that only their browser knows.

    Args:
        folder: that the services share.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "signed_in", SignedIn, HOURS * 3600)

    def at(self, orchestrator: str, names: Mapping[str, str]) -> SignedIn | None:
        """Who a browser is at an orchestrator, by the names it has, by orchestrator."""
        found = self.find(names.get(orchestrator))
        return found if found is not None and found.orchestrator == orchestrator else None

    def tokens(self, orchestrators: Iterable[str], names: Mapping[str, str]) -> tuple[str | None, ...]:
        """By which each of these orchestrators knows a browser that has these names; None where it is nobody."""
        people = (self.at(each, names) for each in orchestrators)
        return tuple(None if who is None else who.token for who in people)


FREE_OF_NAME = 3
"""Wrong attempts at one name from one address."""
FREE_OF_ADDRESS = 10
"""Wrong attempts from one address at all names, and with tokens; of no matter for a name that was right from there."""
WAIT = 960.0
"""Seconds after the last of them: the orchestrator has forgotten them a minute before."""
MOST_REMEMBERED = 10_000
_EXTENSION = "synergos_sign_in_attempts"


class TooManyWrong(Exception):
    """From there too much was wrong, and nobody was asked.

    Attributes:
        seconds: after which it may be tried again.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("too many attempts were wrong")
        self.seconds = max(1, ceil(seconds))


@dataclass
class _Wrong:
    count: int = 0
    last: float = 0.0


class Attempts:
    """Attempts by name and address, and by address; threads of requests share them under one lock, which nobody holds while asking.

    Args:
        now: seconds on a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        # Guards both tables.
        self._lock = threading.Lock()
        self._wrong: OrderedDict[bytes, _Wrong] = OrderedDict()
        self._right: OrderedDict[bytes, None] = OrderedDict()

    @contextmanager
    def one(self, orchestrator: str, name: str | None, address: str) -> Iterator[None]:
        """Make an attempt in the block; it was wrong when that raises :class:`NotSignedIn`.

        It counts as wrong until it is over: of many at the same time no more are made than one after the other.

        Args:
            name: None for a token.

        Raises:
            TooManyWrong: not now.
        """
        where = customer_of(address)
        pair = None if name is None else _key("name", orchestrator, name, where)
        counted = self._begin(pair, _key("address", where))
        try:
            yield
        except NotSignedIn:
            raise
        except BaseException:
            self._take_back(counted)
            raise
        self._take_back(counted)
        if pair is not None:
            self._was_right(pair)

    def _begin(self, pair: bytes | None, address: bytes) -> list[bytes]:
        """Count an attempt; by what it was counted."""
        with self._lock:
            limits = {address: FREE_OF_ADDRESS} if pair is None or pair not in self._right else {}
            if pair is not None:
                limits[pair] = FREE_OF_NAME
            now = self._now()
            waits = [self._wait(key, free, now) for key, free in limits.items()]
            if max(waits) > 0:
                raise TooManyWrong(max(waits))
            for key in limits:
                found = self._wrong.pop(key, None)
                if found is None or now - found.last >= WAIT:
                    found = _Wrong()
                self._wrong[key] = _Wrong(found.count + 1, now)
            while len(self._wrong) > MOST_REMEMBERED:
                self._wrong.popitem(last=False)
            return list(limits)

    def _wait(self, key: bytes, free: int, now: float) -> float:
        found = self._wrong.get(key)
        return 0.0 if found is None or found.count < free else found.last + WAIT - now

    def _take_back(self, counted: list[bytes]) -> None:
        with self._lock:
            for key in counted:
                if (found := self._wrong.get(key)) is not None:
                    found.count -= 1

    def _was_right(self, pair: bytes) -> None:
        with self._lock:
            self._wrong.pop(pair, None)
            self._right.pop(pair, None)
            self._right[pair] = None
            while len(self._right) > MOST_REMEMBERED:
                self._right.popitem(last=False)


def install(app: Flask) -> None:
    """Have an application count attempts."""
    app.extensions[_EXTENSION] = Attempts()


def attempts() -> Attempts:
    """Those of the application of this request."""
    return cast(Attempts, current_app.extensions[_EXTENSION])


def _key(*words: str) -> bytes:
    """As long for a name of a megabyte as for any other."""
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).digest()
