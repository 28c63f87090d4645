"""Sessions that are asked together: whatever ends the asking, nobody is left who was asked and whom nobody hears."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from fakes.owner import Owner
from synergos.domain.asker import NOBODY, Asker
from synergos.domain.grid import Node
from synergos.domain.keys import RunKey
from synergos.errors import NotNeeded
from synergos_ttp.control import Control
from synergos_ttp.holds import JobHeld
from synergos_ttp.workers.flow import ParticipantFlow
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


@dataclass(eq=False)
class Deciding:
    """A session whose worker's owner has something to decide, and does so when somebody has looked whether that is over."""

    member: JobParticipant
    is_waiting: bool
    looked: threading.Event = field(default_factory=threading.Event)
    given_up: threading.Event = field(default_factory=threading.Event)
    flow: ParticipantFlow = field(default_factory=lambda: ParticipantFlow("a", lambda _event: None))

    @property
    def is_held(self) -> bool:
        self.looked.set()
        return self.is_waiting

    def persist(self, work: Callable[[Any], str], _purpose: str, _failed: object = None) -> str:
        self.looked.wait()
        if not self.is_waiting:
            self.given_up.wait()
            raise NotNeeded("it is too late")
        return work(None)

    def was_late(self) -> None:
        self.given_up.set()


@pytest.mark.parametrize("is_waiting", [True, False])
def test_time_to_open_sessions_is_not_an_owners_time_to_decide(is_waiting: bool) -> None:
    member = JobParticipant(Node("a", "127.0.0.1", 1, 2), {}, {})
    content = Content(RunKey(collab_id="c", project_id="p", expt_id="e", run_id="r"))
    sessions = Sessions([member], cast(SessionContent, content), Limits(), Control())
    asked = Deciding(member, is_waiting)
    # What the threads of sessions look at when they are told to stop.
    asked.given_up = sessions._given_up
    sessions.all = cast(Any, [asked])

    found = sessions.attempt(lambda _session: "opened", purpose="its session", seconds=0.01)

    assert str(found["a"]) == ("opened" if is_waiting else "a: not ready within 0 s")


class Moving(ParticipantFlow):
    """A transfer that moves as long as somebody looks whether it does, so often."""

    def __init__(self, looks: int) -> None:
        super().__init__("a", lambda _event: None)
        self._looks = looks
        self.over = threading.Event()

    @property
    def excused_until(self) -> float:
        self._looks -= 1
        if not self._looks:
            self.over.set()
        return time.monotonic()


class Slow(Deciding):
    """One whose owner has nothing to decide."""

    is_held = False


def test_whoever_is_sent_bytes_or_sends_some_is_not_too_late() -> None:
    member = JobParticipant(Node("a", "127.0.0.1", 1, 2), {}, {})
    content = Content(RunKey(collab_id="c", project_id="p", expt_id="e", run_id="r"))
    sessions = Sessions([member], cast(SessionContent, content), Limits(), Control())
    flow = Moving(3)
    sessions.all = cast(Any, [Slow(member, True, looked=flow.over, flow=flow)])

    found = sessions.attempt(lambda _session: "done", purpose="a round", seconds=0.01)

    assert found == {"a": "done"}


@dataclass(eq=False)
class Held(Deciding):
    """One whose owner does not decide soon."""

    def persist(self, work: Callable[[Any], str], _purpose: str, _failed: object = None) -> str:
        raise JobHeld([Owner(self.member.id).hold()])


def test_all_owners_who_have_something_to_decide_are_told_of_together() -> None:
    members = [JobParticipant(Node(who, "127.0.0.1", 1, 2), {}, {}) for who in ("a", "b", "c")]
    content = Content(RunKey(collab_id="c", project_id="p", expt_id="e", run_id="r"))
    sessions = Sessions(members, cast(SessionContent, content), Limits(), Control(), needed=1)
    free = Deciding(members[2], is_waiting=True)
    free.looked.set()
    sessions.all = cast(Any, [*(Held(member, True) for member in members[:2]), free])

    with pytest.raises(JobHeld) as held:
        sessions.attempt(lambda _session: "opened", purpose="its session", seconds=10.0)

    assert [hold.participant for hold in held.value.holds] == ["a", "b"]
