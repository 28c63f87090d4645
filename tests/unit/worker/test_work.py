from __future__ import annotations

import pytest

from synergos.errors import GridError, InvalidRequest, JobCancelled, RecordNotFound
from synergos_worker.work import Outcome, Work


def test_the_first_outcome_counts() -> None:
    work = Work(0)
    work.abandon()
    work.perform(lambda _: Outcome({"late": True}))

    with pytest.raises(RecordNotFound, match="the session has ended"):
        work.result()


def test_a_failure_is_told_as_often_as_asked_and_may_then_be_retried() -> None:
    def fail(_: Work) -> Outcome:
        raise InvalidRequest("is too odd", "criterion")

    work = Work(0)
    work.perform(fail)
    before = work.may_be_retried
    for _ in range(2):
        with pytest.raises(GridError, match="criterion: is too odd"):
            work.result()

    assert (before, work.may_be_retried) == (False, True)


def test_what_nobody_foresaw_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: Work) -> Outcome:
        raise ValueError("s3cret")

    work = Work(0)
    work.perform(fail)

    with pytest.raises(GridError, match="failed unexpectedly"):
        work.result()
    logged = capsys.readouterr().out
    assert "ValueError" in logged
    assert "s3cret" not in logged


def test_work_that_was_told_to_stop_is_given_up() -> None:
    def stop(_: Work) -> Outcome:
        raise JobCancelled("stop")

    work = Work(0)
    work.perform(stop)

    with pytest.raises(RecordNotFound):
        work.result()
