"""Small messages: who answers soon is heard in one thread, and whatever does not go smoothly is left to others."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from synergos.errors import GridError, JobCancelled
from synergos_ttp.workers.small_messages import Prompting

Outcome = bytes | None | GridError


@dataclass(eq=False)
class Session:
    """One end of a connection; the other end is the participant's."""

    here: socket.socket
    there: socket.socket
    is_open: bool = True
    was_left: bool = False

    def begin(self, work: Any) -> int | None:
        found: int | None = work.begin(self) if self.is_open else None
        return found

    def finish(self, work: Any) -> Any:
        return work.finish(self)

    def leave(self) -> None:
        self.was_left = True


@dataclass
class Question:
    """Asks for nothing, and takes what comes for the answer."""

    heard: list[Session] = field(default_factory=list)
    outcome: Callable[[bytes], Outcome] = lambda found: found

    def __call__(self, session: Session) -> bytes:
        raise AssertionError("nobody does all of it here")

    def begin(self, session: Session) -> int:
        return session.here.fileno()

    def finish(self, session: Session) -> bytes | None:
        self.heard.append(session)
        found = self.outcome(session.here.recv(100))
        if isinstance(found, GridError):
            raise found
        return found

    def to(self, *sessions: Session, check: Callable[[], None] = lambda: None) -> Prompting[Session, bytes]:
        made = Prompting[Session, bytes](self, check)
        made.begin(sessions)
        return made


@pytest.fixture
def sessions() -> Iterator[list[Session]]:
    made = [Session(*socket.socketpair()) for _ in range(3)]
    yield made
    for session in made:
        session.here.close()
        session.there.close()


def test_all_are_heard_as_soon_as_they_answer(sessions: list[Session]) -> None:
    question = Question()
    asked = question.to(*sessions)
    for session, said in zip(sessions, (b"one", b"two", b"three"), strict=True):
        session.there.send(said)

    assert asked.finish(None, 60.0) == dict(zip(sessions, (b"one", b"two", b"three"), strict=True))
    assert sorted(map(id, question.heard)) == sorted(map(id, sessions))


def test_only_those_with_an_open_session_are_asked(sessions: list[Session]) -> None:
    sessions[1].is_open = False
    made = Prompting[Session, bytes](Question(), lambda: None)

    assert made.begin(sessions) == [sessions[0], sessions[2]]


def test_who_needs_more_time_is_left_to_others(sessions: list[Session]) -> None:
    asked = Question(outcome=lambda found: None if found == b"later" else found).to(*sessions)
    for session, said in zip(sessions, (b"one", b"later", b"three"), strict=True):
        session.there.send(said)

    assert asked.finish(None, 60.0) == {sessions[0]: b"one", sessions[2]: b"three"}
    assert asked.failed == {}


def test_how_somebody_failed_is_kept_for_who_judges_it(sessions: list[Session]) -> None:
    refused = GridError("no")
    asked = Question(outcome=lambda found: refused if found == b"no" else found).to(*sessions[:2])
    sessions[0].there.send(b"no")
    sessions[1].there.send(b"yes")

    assert asked.finish(None, 60.0) == {sessions[1]: b"yes"}
    assert asked.failed == {sessions[0]: refused}


def test_nobody_is_waited_for_beyond_the_deadline(sessions: list[Session]) -> None:
    asked = Question().to(*sessions)

    assert asked.finish(0.0, 60.0) == {}


def test_a_job_that_stops_hears_nobody_and_lets_go_of_all(sessions: list[Session]) -> None:
    def check() -> None:
        raise JobCancelled("asked to")

    asked = Question().to(*sessions[:2], check=check)
    with pytest.raises(JobCancelled):
        asked.finish(None, 60.0)
    asked.leave()

    assert [session.was_left for session in sessions] == [True, True, False]


def test_without_a_question_in_two_pieces_nobody_is_asked(sessions: list[Session]) -> None:
    asked = Prompting[Session, bytes](None, lambda: None)

    assert list(asked.begin(sessions)) == []
    assert asked.finish(None, 60.0) == {}
