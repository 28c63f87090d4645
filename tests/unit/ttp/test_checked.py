"""What a worker answers is checked by one function, and whatever else fails with it is that participant's failure."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from synergos.errors import JobCancelled, WireFormatError, WorkerRefused
from synergos.wire.answers import EVALUATION_ANSWER, OPENED, Evaluation
from synergos_ttp.workers.checked import blaming, checked


def test_an_answer_is_read_from_text_and_from_a_header_alike() -> None:
    told = {"evaluation": {"rows": 2, "loss": 0.5}}
    for answer in (told, json.dumps(told).encode()):
        assert checked(EVALUATION_ANSWER, answer, "p").evaluation == Evaluation(2, 0.5)


@pytest.mark.parametrize("told", [{"rows": {"train": "secret"}}, {"rows": {"secret": 1}}, {"rows": ["secret"]}])
def test_what_is_not_as_agreed_is_not_repeated(told: object) -> None:
    with pytest.raises(WireFormatError, match=r"^p: its answer's rows") as caught:
        checked(OPENED, json.dumps(told).encode(), "p")
    assert "secret" not in str(caught.value)


def test_a_large_answer_that_is_not_as_agreed_is_told_in_few_words() -> None:
    with pytest.raises(WireFormatError, match=r"^p: its answer's") as caught:
        checked(OPENED, json.dumps({"rows": {"train": ["secret"] * 20_000}}).encode(), "p")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "error", [ValueError("secret"), RecursionError(), OverflowError(), KeyError("k"), TypeError(), ZeroDivisionError()]
)
def test_whatever_fails_with_an_answer_is_its_participants_failure(error: Exception) -> None:
    with (
        capture_logs() as lines,
        pytest.raises(WireFormatError, match=f"^p: what it answers cannot be used .{type(error).__name__}") as caught,
        blaming("p"),
    ):
        raise error
    assert caught.value.participant == "p"
    assert "secret" not in str(caught.value)
    assert [line["participant"] for line in lines] == ["p"]


@pytest.mark.parametrize("error", [JobCancelled("on request"), WorkerRefused("no", "q"), OSError("disk full")])
def test_what_has_a_reason_keeps_it(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, blaming("p"):
        raise error
    assert caught.value is error
