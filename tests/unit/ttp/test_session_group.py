"""Sessions that are asked together: whatever ends the asking, nobody is left who was asked and whom nobody hears."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from synergos.domain.asker import NOBODY, Asker
from synergos.domain.grid import Node
from synergos.domain.keys import RunKey
from synergos_ttp.control import Control
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.participant import JobParticipant
from synergos_ttp.workers.session_group import SessionContent, Sessions


@dataclass(eq=False)
class Asked:
    """A session that takes a question, or fails in doing so."""

    descriptor: int
    error: Exception | None = None
    left: list[bool] = field(default_factory=list)

    def begin(self, _work: object) -> int:
        if self.error:
            raise self.error
        return self.descriptor

    def leave(self) -> None:
        self.left.append(True)


@dataclass
class Content:
    """What a session is opened with; nobody opens one here."""

    run: RunKey
    asker: Asker = NOBODY

    def request(self, *_about: object) -> dict[str, Any]:
        return {}


def test_who_was_asked_is_let_go_when_somebody_else_cannot_be_asked() -> None:
    members = [JobParticipant(Node(who, "127.0.0.1", 1, 2), {}, {}) for who in ("a", "b")]
    content = Content(RunKey(collab_id="c", project_id="p", expt_id="e", run_id="r"))
    sessions = Sessions(members, cast(SessionContent, content), Limits(), Control())
    first, second = Asked(1), Asked(2, MemoryError("no room for a message"))
    sessions.all = cast(Any, [first, second])

    with pytest.raises(MemoryError):
        sessions.attempt(lambda _session: None, purpose="a round", prompt=cast(Any, object()))

    assert first.left == [True]
