"""Messages reach a receiver by TCP, TLS and UDP; they wait while it is away, and nobody who logs waits for it."""

from __future__ import annotations

import errno
import json
import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from servers.certificates import Authority
from support.waiting import until
from synergos.gelf import Delivery, Destination, Sender, Spool, Standing, Transport, destination, message
from synergos.gelf import sender as sender_module
from synergos.gelf.destination import Connection
from synergos_simulator.grid import FreePorts


class Receiver:
    """A GELF input on TCP, which can be away, and can take nothing."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.received: list[dict[str, Any]] = []
        self._context = context
        # One that the system gives to nobody while it is away, nor to who looks for it there.
        self.port = FreePorts()()
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self.reads = threading.Event()
        self.reads.set()
        self.greets = False
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, args=[self._socket], daemon=True).start()

    def leave(self) -> None:
        """Be away from now on, also for who is connected."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def return_(self) -> None:
        """Be there again."""
        self._socket = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=[self._socket], daemon=True).start()

    def numbers(self) -> list[int]:
        return [each["_number"] for each in self.received]

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=[connection], daemon=True).start()

    def _read(self, plain: socket.socket) -> None:
        left = b""
        with suppress(OSError), closing(self._spoken_to(plain)) as connection:
            self._open.append(connection)
            if self.greets:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 1000)
            self.reads.wait()
            while piece := connection.recv(2**16):
                *whole, left = (left + piece).split(b"\0")
                self.received += map(json.loads, whole)
                self.reads.wait()

    def _spoken_to(self, plain: socket.socket) -> socket.socket:
        try:
            return self._context.wrap_socket(plain, server_side=True) if self._context else plain
        except OSError:
            plain.close()
            raise


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    with suppress(OSError):
        found.leave()


Start = Callable[[Destination], Sender]


@pytest.fixture
def said() -> list[tuple[str, dict[str, object]]]:
    return []


@pytest.fixture
def start(tmp_path: Path, said: list[tuple[str, dict[str, object]]]) -> Iterator[Start]:
    senders = []

    def say(event: str, facts: dict[str, object]) -> None:
        said.append((event, facts))

    def begin(destination: Destination) -> Sender:
        make = lambda: Delivery(destination, Spool(tmp_path / "spool", 2**20), say, steady=0.0, pauses=(0.1,))  # noqa: E731
        senders.append(Sender(make, say))
        return senders[-1]

    yield begin
    for sender in senders:
        sender.close()


def shown_by(authority: Authority) -> ssl.SSLContext:
    context, identity = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), authority.server("127.0.0.1")
    context.load_cert_chain(identity.certificate, identity.key)
    return context


def put(sender: Sender, first: int, last: int, more: str = "") -> None:
    for number in range(first, last):
        sender.put(message({"event": "e", "number": number, "more": more}, "TTP_x").encode)


def here(receiver: Receiver, **options: Any) -> Destination:
    return Destination("127.0.0.1", receiver.port, **options)


def test_messages_arrive_in_their_order(receiver: Receiver, start: Start) -> None:
    sender = start(here(receiver))

    put(sender, 0, 2000)

    until(lambda: receiver.numbers() == list(range(2000)), "all to arrive")


def test_they_arrive_by_tls_where_the_authority_is_known(start: Start, tmp_path: Path) -> None:
    authority = Authority.founded(tmp_path / "authority")
    receiver = Receiver(shown_by(authority))
    sender = start(here(receiver, transport=Transport.TLS, authority=authority.certificate))

    put(sender, 0, 10)

    until(lambda: receiver.numbers() == list(range(10)), "all to arrive")
    receiver.leave()


def test_nothing_is_sent_to_a_stranger(start: Start, tmp_path: Path, said: list[Any]) -> None:
    receiver = Receiver(shown_by(Authority.founded(tmp_path / "authority")))
    sender = start(here(receiver, transport=Transport.TLS))

    put(sender, 0, 10)

    until(lambda: len(said) > 0, "somebody to say so")
    assert said[0][0] == "log receiver takes no messages; they wait on disk"
    assert "certificate" in said[0][1]["reason"]
    assert receiver.received == []
    receiver.leave()


def test_they_arrive_by_udp_in_chunks_where_they_are_long(start: Start) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(100)
        sender = start(Destination("127.0.0.1", receiver.getsockname()[1], Transport.UDP))
        # Not to be made short by packing.
        put(sender, 0, 1)
        put(sender, 1, 2, "".join(chr(33 + (index * 7919) % 5000) for index in range(7000)))

        assert json.loads(zlib.decompress(receiver.recv(9000)))["_number"] == 0
        chunks = [receiver.recv(9000)]
        assert chunks[0][:2] == b"\x1e\x0f"
        while len(chunks) < chunks[0][11]:
            chunks.append(receiver.recv(9000))
        assert json.loads(zlib.decompress(b"".join(chunk[12:] for chunk in chunks)))["_number"] == 1


def test_nothing_is_lost_while_the_receiver_is_away(receiver: Receiver, start: Start, said: list[Any]) -> None:
    sender = start(here(receiver))
    put(sender, 0, 10)
    until(lambda: len(receiver.received) == 10, "the first to arrive")

    receiver.leave()
    put(sender, 10, 1000)
    until(lambda: len(said) == 1, "somebody to say that nobody is there")
    receiver.return_()

    until(lambda: set(receiver.numbers()) == set(range(1000)), "the others to arrive")
    until(lambda: len(said) == 2, "somebody to say that it is back")
    assert [event for event, _ in said] == [
        "log receiver takes no messages; they wait on disk",
        "log receiver takes messages again",
    ]
    assert said[1][1] == {"dropped": 0}


def test_what_a_program_leaves_its_next_start_sends(receiver: Receiver, start: Start, said: list[Any]) -> None:
    receiver.leave()
    first = start(here(receiver))
    put(first, 0, 10)
    until(lambda: len(said) == 1, "somebody to say that nobody is there")
    first.close()
    receiver.return_()

    put(start(here(receiver)), 10, 12)

    until(lambda: receiver.numbers() == list(range(12)), "all to arrive")


def test_what_is_beyond_the_bound_is_given_up_and_counted(receiver: Receiver, start: Start, said: list[Any]) -> None:
    receiver.leave()
    sender = start(here(receiver))
    for first in range(0, 4000, 100):
        put(sender, first, first + 100, "x" * 1000)
        time.sleep(0)
    until(lambda: len(said) == 1, "somebody to say that nobody is there")
    receiver.return_()

    until(lambda: len(said) == 2, "somebody to say that it is back")
    until(lambda: receiver.numbers()[-1:] == [3999], "the newest to arrive")
    dropped = said[1][1]["dropped"]
    assert 2000 < dropped < 4000
    assert len(receiver.received) == 4000 - dropped


@pytest.mark.parametrize("greets", [False, True], ids=["takes nothing", "answers, and takes nothing"])
def test_who_logs_does_not_wait_for_a_receiver_that_takes_nothing(
    receiver: Receiver, start: Start, greets: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than anybody waits here: what is put goes on only if it does not wait for what is sent.
    monkeypatch.setattr(destination, "STALL_SECONDS", 600.0)
    receiver.greets = greets
    receiver.reads.clear()
    sender = start(here(receiver))
    putting = threading.Thread(target=put, args=[sender, 0, 9000, "x" * 1000], daemon=True)

    putting.start()
    putting.join(100)

    assert not putting.is_alive()
    assert len(receiver.received) < 9000
    receiver.reads.set()
    until(lambda: receiver.numbers()[-1:] == [8999], "the newest to arrive")


def test_one_that_was_well_and_stops_reading_is_said_however_slowly_lines_come(tmp_path: Path, said: list[Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # Few bytes fit between the two.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        delivery = Delivery(
            Destination("127.0.0.1", listening.getsockname()[1]),
            Spool(tmp_path / "spool", 2**20),
            lambda event, facts: said.append((event, facts)),
            steady=0.0,
            silent=0.2,
        )

        def log() -> bool:
            delivery.take([b"x" * 999 + b"\0"])
            delivery.send(0)
            return len(said) > 0

        log()
        [connection] = [listening.accept()[0]]
        with closing(connection):
            until(log, "somebody to say so")
        delivery.close()

    assert [event for event, _ in said] == ["log receiver takes no messages; they wait on disk"]


def test_a_receiver_that_hangs_up_each_time_is_said_once(said: list[Any], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        hung_up: list[int] = []

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    listening.accept()[0].close()
                    hung_up.append(len(hung_up))

        threading.Thread(target=hang_up, daemon=True).start()
        make = lambda: Delivery(  # noqa: E731
            Destination("127.0.0.1", listening.getsockname()[1]),
            Spool(tmp_path / "spool", 2**20),
            lambda event, facts: said.append((event, facts)),
            steady=60.0,
            pauses=(0.01,),
        )
        sender = Sender(make, print)

        def log() -> bool:
            put(sender, 0, 1)
            return len(hung_up) >= 5

        until(log, "it to hang up again and again")
        sender.close()
        listening.shutdown(socket.SHUT_RDWR)

    assert [event for event, _ in said] == ["log receiver takes no messages; they wait on disk"]


class Silent(Destination):
    """A host that answers nothing: whoever connects waits, for as long as the test does."""

    answers = threading.Event()

    def connect(self) -> Connection:
        self.answers.wait(60)
        raise TimeoutError


@pytest.fixture
def silent() -> Iterator[Silent]:
    Silent.answers.clear()
    yield Silent("127.0.0.1", 1)
    Silent.answers.set()


def test_what_is_logged_while_nobody_answers_is_written_to_disk_and_nothing_is_given_up(
    start: Start, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "_LEAVING_SECONDS", 0.0)
    monkeypatch.setattr(sender_module, "_IN_MEMORY", 100)
    sender = start(silent)

    # Ten times what there is room for in memory.
    for first in range(0, 1000, 100):
        put(sender, first, first + 100)
        until(lambda: not sender._arriving, "it to be written")

    until(lambda: (found := sender.standing) is not None and found.waiting > 1000 * 100, "all to be on disk")
    assert sender.standing is not None
    assert sender.standing.dropped == 0


def test_what_is_logged_while_nobody_answers_is_on_disk_when_the_program_ends(
    receiver: Receiver, start: Start, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "_LEAVING_SECONDS", 0.0)
    first = start(silent)
    put(first, 0, 10)
    first.close()

    put(start(here(receiver)), 10, 11)

    until(lambda: receiver.numbers() == list(range(11)), "all that the first had left to arrive")


def test_a_disk_that_takes_nothing_is_tried_again(
    receiver: Receiver, tmp_path: Path, said: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "_AGAIN_SECONDS", 0.05)
    can_be_kept = threading.Event()

    def say(event: str, facts: dict[str, object]) -> None:
        said.append((event, facts))

    def make() -> Delivery:
        if not can_be_kept.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return Delivery(here(receiver), Spool(tmp_path / "spool", 2**20), say, steady=0.0)

    sender = Sender(make, say)
    put(sender, 0, 5)
    until(lambda: len(said) == 1, "somebody to say that nothing can be kept")
    assert sender.standing == Standing(waiting=0, capacity=0, dropped=0, is_away=True)
    can_be_kept.set()

    until(lambda: receiver.numbers() == list(range(5)), "all to arrive")
    until(lambda: sender.standing == Standing(0, 2**20, 0, is_away=False), "it to be known that they have")
    assert said == [("log messages cannot be kept on disk", {"reason": "No space left on device"})]
    sender.close()


def test_what_there_is_no_room_for_in_memory_is_counted_while_nothing_can_be_kept(
    said: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "_IN_MEMORY", 10)

    def make() -> Delivery:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    sender = Sender(make, lambda event, facts: said.append((event, facts)))
    until(lambda: len(said) == 1, "somebody to say that nothing can be kept")
    putting = [threading.Thread(target=put, args=[sender, 0, 500]) for _ in range(4)]
    for thread in putting:
        thread.start()
    for thread in putting:
        thread.join()

    assert sender.standing == Standing(waiting=0, capacity=0, dropped=1990, is_away=True)
    sender.close()


def test_why_nothing_is_taken_is_said_in_words(start: Start, tmp_path: Path, said: list[Any]) -> None:
    put(start(Destination("no-such-host.invalid", 12201)), 0, 1)

    until(lambda: len(said) == 1, "somebody to say so")
    assert "Unknown error" not in str(said[0][1]["reason"])
