"""Small things kept under a name that says nothing and that only a browser knows: in files, so that the three services share them."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class Kept(Generic[T]):
    """Those of one kind; any thread of any service may ask.

    Args:
        folder: of their own, which the services share.
        kind: what they are.
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
