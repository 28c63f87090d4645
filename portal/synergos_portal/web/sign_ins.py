"""Who is signed in at which orchestrator: the token stays here, and the browser has a name for it that says nothing.

In files, so that the three services share them and a restart signs nobody out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from synergos_portal.web.kept import Kept

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
