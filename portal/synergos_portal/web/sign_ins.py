"""Who is signed in at which orchestrator: the token stays here, and the browser has a name for it that says nothing.

In files, so that the three services share them and a restart signs nobody out.
"""

from __future__ import annotations

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
