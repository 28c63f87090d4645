"""Connections that workers have dialled wait at the rendezvous: looked after, taken once, and bounded."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from support.waiting import until
from synergos.domain.grid import COMMAND_PORT, DATA_PORT
from synergos.identity.arrival import Arrived
from synergos_ttp.rendezvous.rendezvous import (
    MOST_OF_STRANGER,
    MOST_STRANGERS,
    MOST_STRANGERS_OF_ADDRESS,
    Rendezvous,
    Unwelcome,
)

WORKER = "a" * 64


class Clock:
    """Time stands still, but for what is to happen when somebody looks at it again."""

    now = 1000.0

    def __init__(self) -> None:
        self.next: list[Callable[[], object]] = []

    def __call__(self) -> float:
        if self.next:
            self.next.pop(0)()
        return self.now

    def goes(self, seconds: float) -> None:
        self.now += seconds


class Scene:
    """A rendezvous, and the workers' ends of connections to it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.registered = {WORKER}
        self.drawn = 0.0
        self.rendezvous = Rendezvous(lambda fingerprint: fingerprint in self.registered, self.clock, lambda: self.drawn)
        self.ends: list[socket.socket] = []

    def dial(self, who: Arrived | None = None, address: str = "10.0.0.1") -> socket.socket:
        who = who or Arrived(WORKER, "first", 1.0)
        is_known = self.rendezvous.admit(who, address)
        here, there = socket.socketpair()
        here.setblocking(False)
        there.settimeout(30)
        self.ends.append(there)
        self.rendezvous.arrive(who, address, here, is_known)
        return there

    def look(self, seconds: float) -> None:
        """Some seconds later the rendezvous looks after its connections."""
        self.clock.now += seconds
        self.rendezvous._look()


@pytest.fixture
def scene() -> Iterator[Scene]:
    found = Scene()
    yield found
    found.rendezvous.close()
    for end in found.ends:
        end.close()


@pytest.mark.parametrize(("port", "said"), [(COMMAND_PORT, b"\1"), (DATA_PORT, b"\2")])
def test_a_connection_is_taken_for_one_of_the_two_ports(scene: Scene, port: int, said: bytes) -> None:
    end = scene.dial()

    taken = scene.rendezvous.claim(WORKER, port, 0.0)
    taken.sendall(b"GET")

    assert end.recv(1) == said
    assert end.recv(3) == b"GET"
    end.sendall(b"answer")
    assert taken.recv(10) == b"answer"
    taken.close()


def test_each_connection_is_taken_once(scene: Scene) -> None:
    scene.dial()
    scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0).close()

    with pytest.raises(TimeoutError):
        scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0)


def test_who_wants_one_that_is_to_come_waits_for_it(scene: Scene) -> None:
    scene.dial()
    scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0).close()
    taken: list[socket.socket] = []
    waiting = threading.Thread(target=lambda: taken.append(scene.rendezvous.claim(WORKER, COMMAND_PORT, 60.0)))
    waiting.start()

    scene.dial()
    waiting.join(60)

    assert len(taken) == 1
    taken[0].close()


def test_a_worker_that_never_came_is_not_waited_for(scene: Scene) -> None:
    with pytest.raises(ConnectionRefusedError, match="has not joined"):
        scene.rendezvous.claim(WORKER, COMMAND_PORT, 60.0)


def test_a_connection_that_its_worker_has_closed_is_not_handed_out(scene: Scene) -> None:
    scene.dial().close()
    alive = scene.dial()
    scene.dial().close()

    taken = scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0)

    assert alive.recv(1) == b"\1"
    taken.close()


def test_every_twenty_seconds_a_worker_is_asked_whether_it_is_there(scene: Scene) -> None:
    end = scene.dial()

    scene.look(19)
    end.setblocking(False)
    with pytest.raises(BlockingIOError):
        end.recv(1)
    scene.look(1)
    assert end.recv(1) == b"\0"
    with pytest.raises(TimeoutError):
        # Until it has answered: its answer would be taken for another.
        scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0)
    end.sendall(b"\0")
    scene.look(5)

    scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0).close()


def test_who_waits_while_all_connections_are_asked_has_the_first_that_answers(scene: Scene) -> None:
    end, _ = scene.dial(), scene.dial()
    scene.look(20)

    # It looks at the clock when it begins, before its first look at the connections, and before its second.
    scene.clock.next = [int, int, lambda: end.sendall(b"\0")]
    scene.rendezvous.claim(WORKER, COMMAND_PORT, 5.0).close()

    assert (end.recv(1), end.recv(1)) == (b"\0", b"\1")


def test_who_has_waited_long_enough_looks_once_more(scene: Scene) -> None:
    end = scene.dial()
    scene.look(20)

    def answers_late() -> None:
        scene.clock.goes(5)
        end.sendall(b"\0")

    scene.clock.next = [int, int, answers_late]
    scene.rendezvous.claim(WORKER, COMMAND_PORT, 5.0).close()


def test_a_connection_that_is_about_to_be_asked_is_taken_unasked(scene: Scene) -> None:
    end = scene.dial()
    scene.clock.goes(20)

    scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0).close()

    assert end.recv(1) == b"\1"


def test_connections_that_came_together_are_not_asked_together(scene: Scene) -> None:
    scene.dial()
    scene.drawn = 1.0
    early = scene.dial()

    scene.look(10)
    assert early.recv(1) == b"\0"

    # The other is not asked yet.
    scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0).close()


def test_a_worker_that_does_not_answer_is_gone_within_ten_seconds(scene: Scene) -> None:
    end = scene.dial()
    scene.look(20)
    assert end.recv(1) == b"\0"
    assert scene.rendezvous.presence(WORKER) is not None

    scene.look(10)

    assert end.recv(1) == b""
    assert scene.rendezvous.presence(WORKER) is None


def test_a_worker_that_speaks_unasked_is_let_go(scene: Scene) -> None:
    scene.dial().sendall(b"HTTP/1.1 200 OK")

    with pytest.raises(OSError, match=r"gone|came"):
        scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0)


def test_since_when_a_worker_is_there_outlasts_its_connections(scene: Scene) -> None:
    scene.dial()
    before = scene.rendezvous.presence(WORKER)
    scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0).close()
    scene.look(5)
    scene.dial()

    after = scene.rendezvous.presence(WORKER)

    assert before is not None
    assert after is not None
    assert (after.since, after.address, after.waiting) == (before.since, "10.0.0.1", 1)


def test_of_two_processes_with_one_identity_the_one_started_later_counts(scene: Scene) -> None:
    old = scene.dial(Arrived(WORKER, "first", 1.0))

    new = scene.dial(Arrived(WORKER, "second", 2.0))
    with pytest.raises(Unwelcome, match="started since"):
        scene.rendezvous.admit(Arrived(WORKER, "first", 1.0), "10.0.0.1")

    assert old.recv(1) == b""
    scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0).close()
    assert new.recv(1) == b"\1"


def test_a_process_started_earlier_is_welcome_when_the_other_is_gone(scene: Scene) -> None:
    scene.dial(Arrived(WORKER, "second", 2.0)).close()
    scene.look(1)

    scene.dial(Arrived(WORKER, "first", 1.0))

    scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0).close()


def test_a_renewed_worker_is_found_by_the_fingerprint_before(scene: Scene) -> None:
    end = scene.dial(Arrived("b" * 64, "first", 1.0, (WORKER,)))

    scene.rendezvous.claim(WORKER, DATA_PORT, 0.0).close()

    assert end.recv(1) == b"\2"


def strangers(scene: Scene, count: int, address: str) -> None:
    for each in range(count):
        scene.dial(Arrived(f"{address}-{each}", "i", 1.0), address)


def test_strangers_of_one_address_have_few_places(scene: Scene) -> None:
    strangers(scene, MOST_STRANGERS_OF_ADDRESS, "10.0.0.7")

    with pytest.raises(Unwelcome, match="too many"):
        strangers(scene, MOST_STRANGERS_OF_ADDRESS + 1, "10.0.0.7")
    scene.dial(Arrived(WORKER, "i", 1.0), "10.0.0.7")


def test_those_that_were_registered_since_they_joined_take_no_strangers_place(scene: Scene) -> None:
    strangers(scene, MOST_STRANGERS_OF_ADDRESS, "10.0.0.7")
    scene.registered.add("10.0.0.7-3")

    scene.dial(Arrived("9" * 64, "i", 1.0), "10.0.0.7")
    with pytest.raises(Unwelcome, match="too many"):
        scene.dial(Arrived("8" * 64, "i", 1.0), "10.0.0.7")


def test_a_worker_registered_since_it_joined_is_found_by_the_fingerprint_before(scene: Scene) -> None:
    end = scene.dial(Arrived("b" * 64, "first", 1.0, ("c" * 64,)))
    scene.registered.add("c" * 64)
    strangers(scene, 1, "10.0.0.7")

    scene.rendezvous.claim("c" * 64, COMMAND_PORT, 0.0).close()

    assert end.recv(1) == b"\1"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_the_workers_of_a_grid_on_one_machine_join_before_any_is_registered(scene: Scene, address: str) -> None:
    strangers(scene, MOST_STRANGERS, address)

    with pytest.raises(Unwelcome, match="too many"):
        scene.dial(Arrived("9" * 64, "i", 1.0), address)


def test_strangers_take_each_others_places_and_nobody_elses(scene: Scene) -> None:
    known = scene.dial()
    for network in range(2 * MOST_STRANGERS):
        strangers(scene, 1, f"10.0.1.{network}")

    assert scene.rendezvous.presence("10.0.1.0-0") is None
    assert scene.rendezvous.presence(f"10.0.1.{2 * MOST_STRANGERS - 1}-0") is not None
    assert scene.rendezvous.presence(WORKER) is not None
    known.close()


def test_a_stranger_has_few_connections(scene: Scene) -> None:
    ends = [scene.dial(Arrived("c" * 64, "i", 1.0)) for _ in range(MOST_OF_STRANGER + 1)]

    assert ends[0].recv(1) == b""
    found = scene.rendezvous.presence("c" * 64)
    assert found is not None
    assert found.waiting == MOST_OF_STRANGER


def test_whoever_waits_is_told_when_the_worker_is_gone(scene: Scene) -> None:
    scene.dial()
    scene.rendezvous.claim(WORKER, COMMAND_PORT, 0.0).close()
    failed: list[BaseException] = []

    def want() -> None:
        try:
            scene.rendezvous.claim(WORKER, COMMAND_PORT, 60.0)
        except OSError as error:
            failed.append(error)

    waiting = threading.Thread(target=want)
    waiting.start()
    scene.clock.now += 11
    until(lambda: bool(failed) or (bool(scene.rendezvous._look()) and not waiting.is_alive()), "to be told")
    waiting.join(60)

    assert isinstance(failed[0], ConnectionRefusedError)
