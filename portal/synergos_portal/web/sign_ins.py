"""Who is signed in at which orchestrator: the token stays here, and the browser has a name for it that says nothing.

In files, so that the three services share them and a restart signs nobody out.
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

HOURS = 12
"""After which the orchestrator's token, and what is kept here, are good for nothing."""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has signed in.

    Attributes:
        orchestrator: the name of the one at which.
        token: by which it knows them; never shown, logged or sent to a browser.
        token_id: what it calls the token; None where they have brought it themselves, so that it is not ours to end.
        role: ``orchestrator``, ``participant`` or ``viewer``.
        participant_id: of the participant that they are.
    """

    orchestrator: str
    token: str
    name: str
    role: str
    token_id: str | None = None
    participant_id: str | None = None

    def __repr__(self) -> str:
        return f"SignedIn({self.name!r} at {self.orchestrator!r})"


class SignIns:
    """Those who are signed in, by a name that only their browser knows; any thread may ask.

    Args:
        folder: that the services share.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "signed_in"

    def add(self, who: SignedIn) -> str:
        """Remember somebody; the name for their browser."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._forget_old()
        name = secrets.token_urlsafe(32)
        path = self._path(name)
        made = path.with_suffix(".new")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(who))
        made.rename(path)
        return name

    def find(self, name: object) -> SignedIn | None:
        """Who a browser's name stands for; None where for nobody, or no longer."""
        if not isinstance(name, str):
            return None
        path = self._path(name)
        with suppress(OSError, msgspec.DecodeError):
            if path.stat().st_mtime > time.time() - HOURS * 3600:
                return msgspec.json.decode(path.read_bytes(), type=SignedIn)
        return None

    def remove(self, name: object) -> None:
        """Forget somebody."""
        if isinstance(name, str):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        # Who reads names of files here learns none that a browser could send.
        return self._folder / f"{sha256(name.encode()).hexdigest()}.json"

    def _forget_old(self) -> None:
        for path in self._folder.glob("*.json"):
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - HOURS * 3600:
                    path.unlink()
