"""Of a request that comes it is known when a thread can answer it, and whether that thread will have to wait."""

from __future__ import annotations

import pytest

from synergos.program.request_head import LONGEST_HEAD, SMALL_BODY, Arrived, arrival, is_short_head

HEAD = b"PUT /a?b=c HTTP/1.1\r\nHost: here\r\n"


@pytest.mark.parametrize("sent", range(len(HEAD) + 2))
def test_a_head_is_waited_for_to_its_last_byte(sent: int) -> None:
    assert arrival((HEAD + b"\r\n")[:sent]).arrived is (Arrived.ALL if sent == len(HEAD) + 2 else Arrived.PART_OF_HEAD)


@pytest.mark.parametrize("field", [b"Content-Length: 4", b"content-length:4", b"CONTENT-LENGTH:  4  "])
def test_a_small_body_is_waited_for_as_well(field: bytes) -> None:
    head = HEAD + field + b"\r\n\r\n"

    assert arrival(head).arrived is Arrived.PART_OF_BODY
    assert arrival(head + b"bod").arrived is Arrived.PART_OF_BODY
    assert arrival(head + b"body").arrived is Arrived.ALL
    assert arrival(head + b"body" + HEAD).arrived is Arrived.ALL
    assert arrival(head).line == b"PUT /a?b=c HTTP/1.1"


@pytest.mark.parametrize(
    ("field", "length"),
    [
        (f"Content-Length: {SMALL_BODY + 1}", SMALL_BODY + 1),
        ("Transfer-Encoding: chunked", None),
        ("Expect: 100-continue", None),
        ("Content-Length: 1\r\nTransfer-Encoding: chunked", None),
        ("Content-Length: many", None),
        ("Content-Length: 1\r\nContent-Length: 2", None),
        (f"Content-Length: {'9' * 5000}", None),
    ],
)
def test_a_body_that_is_long_or_may_be_takes_a_thread(field: str, length: int | None) -> None:
    found = arrival(HEAD + field.encode() + b"\r\n\r\n")

    assert (found.arrived, found.length) == (Arrived.BEFORE_LONG_BODY, length)


@pytest.mark.parametrize(
    "text", [b"GET / HTTP/1.1\nHost: here\n\n", b"\x16\x03\x01\n", b"GET / HTTP/1.1\r\nHost: a\nb"]
)
def test_what_is_no_request_is_refused_at_once(text: bytes) -> None:
    assert arrival(text).arrived is Arrived.ALL


def test_a_head_without_an_end_is_not_collected() -> None:
    assert arrival(HEAD + b"X: " + b"y" * LONGEST_HEAD).arrived is Arrived.ENDLESS_HEAD
    assert arrival(HEAD + b"X: " + b"y" * LONGEST_HEAD + b"\r\n\r\n").arrived is Arrived.ENDLESS_HEAD


def test_a_short_head_is_one_alone_to_its_end() -> None:
    head = HEAD + b"\r\n"
    long = HEAD + b"Long: " + b"x" * SMALL_BODY + b"\r\n\r\n"

    assert is_short_head(head)
    assert not any(is_short_head(other) for other in (b"", HEAD, head + b"G", head + head, long))
