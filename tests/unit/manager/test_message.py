from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synmanager.delivery import REASON_HEADER, opened
from synmanager.errors import MessageTooLarge, NotAMessage
from synmanager.memory import MemoryBroker
from synmanager.message import LARGEST, Callback, caller_of, from_text, to_text
from synmanager.train import TrainProducerOperator

MESSAGE = {"keys": ["c", "p"], "process": "train"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    max_leaves=8,
)


def test_keys_are_sorted_and_what_json_has_no_word_for_is_a_string() -> None:
    assert to_text({"b": (1, 2), "a": datetime(2026, 1, 2, tzinfo=UTC)}) == (
        '{"a": "2026-01-02 00:00:00+00:00", "b": [1, 2]}'
    )


@given(st.dictionaries(st.text(), JSON))
def test_a_message_says_what_was_said(fields: dict[str, Any]) -> None:
    text = to_text(fields)
    assert from_text(text) == from_text(text.encode()) == fields
    assert to_text(from_text(text)) == text


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[1]", "null", '"text"', b"\xff", b"\xff\xfe{\x00}\x00", "[" * 100_000]
)
def test_what_is_no_message_is_refused_without_being_quoted(text: str | bytes) -> None:
    with pytest.raises(NotAMessage, match="JSON") as caught:
        from_text(text)
    assert "nonsense" not in str(caught.value)


def test_what_is_too_large_is_neither_published_nor_read() -> None:
    empty = len(to_text({"text": ""}))
    assert from_text(to_text({"text": "x" * (LARGEST - empty)}))
    with pytest.raises(MessageTooLarge, match=f"{LARGEST + 1} bytes"):
        to_text({"text": "x" * (LARGEST - empty + 1)})
    with pytest.raises(NotAMessage, match=f"more than {LARGEST} bytes"):
        from_text(b" " * (LARGEST + 1))
    with pytest.raises(MessageTooLarge):
        TrainProducerOperator("queue", broker=MemoryBroker()).publish_message("é" * (LARGEST // 2 + 1))


@pytest.mark.parametrize("reads", [True, False])
def test_what_is_too_large_is_parked_as_it_came(reads: bool) -> None:
    link = MemoryBroker().link()
    link.publish("", "train", b" " * (LARGEST + 1))
    received = link.get("train")
    assert received is not None

    assert opened(link, received, lambda act: act(link), reads=reads) is None

    parked = link.get("parked")
    assert parked is not None
    assert (len(parked.body), parked.headers[REASON_HEADER]) == (LARGEST + 1, f"more than {LARGEST} bytes")


class Worker:
    def perform(self, kwargs: Any, host: str) -> Any:
        return kwargs, host


def with_host(kwargs: Any, host: str) -> Any:
    return kwargs, host


def with_more(kwargs: Any, host: str, more: int = 0) -> Any:
    return "more", kwargs, host


@pytest.mark.parametrize(
    ("callback", "message", "answer"),
    [
        (with_host, MESSAGE, (MESSAGE, "mq")),
        (Worker().perform, MESSAGE, (MESSAGE, "mq")),
        (lambda **message: message, MESSAGE, MESSAGE),
        (lambda keys, process: (keys, process), MESSAGE, (["c", "p"], "train")),
        (dict, MESSAGE, MESSAGE),
        # Other parameters than these two: they are fields of the message.
        (with_more, {"kwargs": 1, "host": "mine"}, ("more", 1, "mine")),
    ],
)
def test_callbacks_are_called_the_way_they_are_written(callback: Callback, message: Any, answer: object) -> None:
    assert caller_of(callback, "mq")(message) == answer
