"""Tabs of browsers that watch, without the browsers: what asks as the page's script does, and costs as little as it can."""

from __future__ import annotations

import heapq
import re
import selectors
import socket
import threading
import time
from typing import Self
from urllib.parse import urlsplit

_LOOK = 0.1
_SECONDS = 30.0
"""Within which every question is answered."""
_FIELDS = re.compile(rb"(?im)^(etag|content-length|live-pace): *(.*?)\r$")
_TAKEN_AT_ONCE = 2**18


class Tabs:
    """So many that look at a live part inside the ``with`` block, each as often as it is told to and only for what is new.

    They are one thread: whoever asks takes from the same processors as those that are measured.

    Attributes:
        answers: how many there were by status; written by the thread.
        seconds: of processor time that they have taken so far, as written by the thread.
    """

    def __init__(self, address: str, count: int) -> None:
        self._address = address
        self._count = count
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tabs")
        self._failure: BaseException | None = None
        self.answers: dict[int, int] = {}
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._ask_again()
        except BaseException as error:
            self._failure = error

    def _ask_again(self) -> None:
        begun = time.monotonic()
        tabs = [_Tab(self._address) for _ in range(self._count)]
        due = [(begun + at / self._count, at) for at in range(self._count)]
        with selectors.DefaultSelector() as selector:
            for at, tab in enumerate(tabs):
                selector.register(tab.connection, selectors.EVENT_READ, at)
            while not self._over.is_set():
                while due and due[0][0] <= time.monotonic():
                    when, at = heapq.heappop(due)
                    tabs[at].ask(when)
                self.seconds = time.thread_time()
                wait = due[0][0] - time.monotonic() if due else _LOOK
                for key, _ in selector.select(min(max(wait, 0.0), _LOOK)):
                    if (status := (tab := tabs[key.data]).receive()) is not None:
                        assert status in (200, 304), status
                        self.answers[status] = self.answers.get(status, 0) + 1
                        heapq.heappush(due, (max(tab.asked + tab.pace, time.monotonic()), key.data))
                # Whoever asks in vain would cost nothing.
                assert all(tab.is_answered or time.monotonic() - tab.asked < _SECONDS for tab in tabs)
        for tab in tabs:
            tab.connection.close()


def answer_to_a_tab(address: str) -> bytes:
    """All that is sent to a tab that asks for the first time."""
    tab = _Tab(address)
    tab.ask(time.monotonic())
    while tab.receive() is None:
        pass
    tab.connection.close()
    return tab.answer


class _Tab:
    """A connection, and what is known of the part.

    Attributes:
        answer: the last one, as it was sent.
        asked: monotonic seconds when it was to ask last.
        pace: seconds after which it asks again.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.connection = socket.create_connection((parts.hostname, parts.port), timeout=_SECONDS)
        self.asked = 0.0
        self.pace = 1.0
        self.answer = b""
        self.is_answered = True
        self._head = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept-Encoding: gzip\r\n".encode()
        self._tag = b""
        self._data = b""

    def ask(self, when: float) -> None:
        """Ask for what is new."""
        self.asked, self.is_answered = when, False
        known = b"If-None-Match: " + self._tag + b"\r\n" if self._tag else b""
        self.connection.sendall(self._head + known + b"\r\n")

    def receive(self) -> int | None:
        """Take what has come; the status, once all of the answer is there."""
        piece = self.connection.recv(_TAKEN_AT_ONCE)
        assert piece, "the portal has closed a connection"
        self._data += piece
        head, end, body = self._data.partition(b"\r\n\r\n")
        if not end:
            return None
        fields = {name.lower(): value for name, value in _FIELDS.findall(head + b"\r\n")}
        if len(body) < int(fields.get(b"content-length", 0)):
            return None
        self._tag, self.pace = fields.get(b"etag", self._tag), float(fields.get(b"live-pace", 1))
        self.answer, self._data, self.is_answered = self._data, b"", True
        return int(head[9:12])
