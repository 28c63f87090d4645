from __future__ import annotations

import itertools

import pytest

from synmanager.errors import BrokerUnavailable
from synmanager.reconnecting import pauses, with_retries


def test_pauses_grow_to_five_seconds_and_differ() -> None:
    longest = [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    for _ in range(20):
        found = list(itertools.islice(pauses(), len(longest)))
        assert all(limit / 2 <= pause <= limit for pause, limit in zip(found, longest, strict=True))
    assert next(pauses()) != next(pauses())


def test_a_broker_that_stays_away_is_asked_twice_at_least() -> None:
    attempts = []

    def attempt() -> None:
        attempts.append(1)
        raise BrokerUnavailable("away")

    with pytest.raises(BrokerUnavailable, match="away"):
        with_retries(attempt, patience=0)
    assert len(attempts) == 2


def test_a_broker_that_comes_back_in_time_answers() -> None:
    answers = iter([None, None, "here"])
    slept: list[float] = []

    def attempt() -> str:
        answer = next(answers)
        if answer is None:
            raise BrokerUnavailable("away")
        return answer

    assert with_retries(attempt, patience=60, sleep=slept.append) == "here"
    assert len(slept) == 1
