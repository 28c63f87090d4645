"""Spans wait in bounded memory for a collector, and cost whoever tells them nothing, whatever it does."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from support.waiting import until
from synergos.domain.trace_context import TraceContext
from synergos.tracing import Span
from synergos.tracing.sender import AT_ONCE, Sender

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def span(number: int, *, is_sampled: bool = True) -> Span:
    return Span(f"{number}", TraceContext(TRACE, f"{number + 1:016x}", is_sampled), None, 1, 2)


class Collecting:
    """A collector that can be away, or take its time."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.refused = 0
        self.is_there = True
        self.breaks = False
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.was_asked = threading.Event()
        self.was_given_up = threading.Event()

    def send(self, spans: Sequence[Span]) -> bool:
        self.was_asked.set()
        self.may_answer.wait()
        if self.breaks:
            raise ValueError("127.0.0.1 answers garbage")
        if self.is_there:
            self.batches.append([span.name for span in spans])
        else:
            self.refused += len(spans)
        return self.is_there

    def give_up(self) -> None:
        self.was_given_up.set()

    @property
    def names(self) -> list[str]:
        return [name for batch in self.batches for name in batch]


class Told:
    """What was said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, facts: dict[str, object]) -> None:
        self.lines.append((event, facts))


def test_spans_arrive_in_their_order() -> None:
    collecting, told = Collecting(), Told()
    sender = Sender(collecting, told, rest=0.01)

    for number in range(3):
        sender.put(span(number))

    until(lambda: len(collecting.names) == 3, "them to arrive")
    sender.close()
    assert (collecting.names, told.lines) == (["0", "1", "2"], [])


def test_a_batch_that_is_full_does_not_wait_for_its_time() -> None:
    collecting = Collecting()
    sender = Sender(collecting, Told(), rest=3600.0)

    for number in range(AT_ONCE):
        sender.put(span(number))

    until(lambda: len(collecting.names) == AT_ONCE, "them to arrive")
    sender.close()


def test_what_waits_is_sent_when_the_program_ends() -> None:
    collecting, told = Collecting(), Told()
    sender = Sender(collecting, told, rest=3600.0)
    for number in range(AT_ONCE - 1):
        sender.put(span(number))

    sender.close()

    assert (len(collecting.names), told.lines) == (AT_ONCE - 1, [])
    assert collecting.was_given_up.is_set()


def test_a_trace_that_is_not_to_be_recorded_is_not() -> None:
    collecting = Collecting()
    sender = Sender(collecting, Told(), rest=3600.0)

    sender.put(span(0, is_sampled=False))
    sender.close()

    assert collecting.names == []


def test_a_collector_that_is_away_is_said_once_and_what_was_dropped_when_it_is_back() -> None:
    collecting, told = Collecting(), Told()
    collecting.is_there = False
    sender = Sender(collecting, told, rest=0.001)
    for number in range(5):
        sender.put(span(number))
        until(lambda count=number + 1: collecting.refused == count, "it to be refused")  # type: ignore[misc]

    collecting.is_there = True
    sender.put(span(5))
    until(lambda: len(told.lines) == 2, "its return to be said")
    sender.close()

    assert told.lines == [
        ("span collector takes no spans; they are dropped", {}),
        ("span collector takes spans again", {"dropped": 5}),
    ]
    assert collecting.names == ["5"]


def test_whatever_the_library_makes_of_an_answer_is_a_collector_that_takes_nothing() -> None:
    collecting, told = Collecting(), Told()
    collecting.breaks = True
    sender = Sender(collecting, told, rest=0.001)

    sender.put(span(0))
    until(lambda: len(told.lines) == 1, "it to be said")
    sender.close()

    assert told.lines == [("span collector takes no spans; they are dropped", {}), ("spans dropped", {"dropped": 1})]


def test_a_collector_that_never_answers_costs_no_more_than_some_memory_and_the_oldest_spans() -> None:
    collecting, told = Collecting(), Told()
    collecting.may_answer.clear()
    sender = Sender(collecting, told, most=10, rest=0.001, flush=0.05)
    sender.put(span(0))
    assert collecting.was_asked.wait(60)

    for number in range(1, 101):
        sender.put(span(number))

    # The collector never answers: it is the end of this call that is seen.
    sender.close()

    # The first is still in hand; ten waited, and the others were dropped for them.
    assert told.lines == [("spans dropped", {"dropped": 100})]
    collecting.may_answer.set()


def test_the_newest_spans_are_those_that_are_kept() -> None:
    collecting, told = Collecting(), Told()
    collecting.may_answer.clear()
    sender = Sender(collecting, told, most=10, rest=0.001)
    sender.put(span(0))
    assert collecting.was_asked.wait(60)
    for number in range(1, 101):
        sender.put(span(number))

    collecting.may_answer.set()
    until(lambda: len(collecting.names) == 11, "the rest to arrive")
    sender.close()

    assert collecting.names == ["0", *(str(number) for number in range(91, 101))]
    assert told.lines == [("span collector takes spans, but too slowly", {"dropped": 90})]
