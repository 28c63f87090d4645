"""Whoever logs hands a record over: its message is made later, unless what it says could be another by then."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from synergos.gelf import Delivery, GelfHandler, Sender, Standing
from synergos.gelf import sender as sender_module


class Kept(Sender):
    """Keeps what it is given; it has no thread."""

    def __init__(self) -> None:
        self.makes: list[Callable[[], bytes]] = []
        self.urgent: list[bool] = []

    def put(self, make: Callable[[], bytes], is_urgent: bool = False) -> None:
        self.makes.append(make)
        self.urgent.append(is_urgent)

    def close(self) -> None:
        """Nothing."""


class Spelled(logging.Formatter):
    """Counts how often it is asked, and has an error for what it does not like."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def format(self, record: logging.LogRecord) -> str:
        self.asked += 1
        if record.msg == {"event": "bad"}:
            raise ValueError("cannot be told")
        return str(record.msg)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def formatter() -> Spelled:
    return Spelled()


@pytest.fixture
def log(kept: Kept, formatter: Spelled) -> Iterator[Callable[..., None]]:
    handler = GelfHandler(lambda: kept)
    handler.setFormatter(formatter)

    def emit(message: object, level: int = logging.DEBUG) -> None:
        handler.emit(logging.LogRecord("name", level, "file", 1, message, None, None))

    yield emit
    handler.close()


def test_what_is_settled_is_made_when_the_sender_wants_it(
    log: Callable[..., None], kept: Kept, formatter: Spelled
) -> None:
    log({"event": "round done", "round": 3, "loss": 0.5, "participant": None})

    assert formatter.asked == 0
    assert [make() for make in kept.makes] == [b"{'event': 'round done', 'round': 3, 'loss': 0.5, 'participant': None}"]


@pytest.mark.parametrize("message", ["a library's words", {"event": "e", "ids": ["a"]}], ids=["text", "list"])
def test_what_could_be_another_later_is_made_at_once(
    log: Callable[..., None], kept: Kept, formatter: Spelled, message: object
) -> None:
    log(message)

    assert formatter.asked == 1
    told = str(message).encode()
    if isinstance(message, dict):
        message["ids"].append("b")
    assert [make() for make in kept.makes] == [told]


def test_warnings_are_urgent(log: Callable[..., None], kept: Kept) -> None:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        log({"event": "e"}, level)

    assert kept.urgent == [False, False, True, True]


def test_nothing_comes_of_what_cannot_be_told(
    log: Callable[..., None], kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)

    log({"event": "bad"})

    assert [make() for make in kept.makes] == [b""]


class Counted(Delivery):
    """Takes messages and sends none; says how many came together."""

    def __init__(self) -> None:
        self.together: list[int] = []
        self.has_some = threading.Event()

    def take(self, messages: object) -> None:
        assert isinstance(messages, list)
        self.together.append(len(messages))
        self.has_some.set()

    @property
    def seconds_to_rest(self) -> float | None:
        return None

    @property
    def standing(self) -> Standing:
        return Standing(0, 0, 0, is_away=False)

    @property
    def has_connection(self) -> bool:
        return False

    def send(self, dropped: int) -> None:
        """Nothing."""

    def hang_up(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def test_messages_are_written_together_and_with_an_urgent_one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Longer than anybody waits here.
    monkeypatch.setattr(sender_module, "_TOGETHER_SECONDS", 600.0)
    delivery = Counted()
    sender = Sender(lambda: delivery, lambda event, facts: None)

    for _ in range(99):
        sender.put(lambda: b"message")
    sender.put(lambda: b"")
    assert delivery.together == []
    sender.put(lambda: b"message", is_urgent=True)

    assert delivery.has_some.wait(60)
    sender.close()
    assert delivery.together[0] == 100
