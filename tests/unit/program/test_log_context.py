"""Log lines say which program they come from and whom they are about, in whatever thread they are written."""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Callable

import pytest
import structlog

from support.log_lines import Line, read_lines
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ResultKey
from synergos.program.log_context import ContextPool, about_job, about_participant, in_context
from synergos.program.logs import LogTarget, configure_logging

JOB = Job(Stage.PREDICT, ResultKey("c", "p", "e", "r", "worker_1"))
IDS = {
    "job_id": JOB.id,
    "trace_id": JOB.id,
    "collab_id": "c",
    "project_id": "p",
    "expt_id": "e",
    "run_id": "r",
    "participant": "worker_1",
}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Line]]:
    """What this process has logged."""
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    configure_logging("ttp_0", LogTarget())
    return lambda: list(read_lines(stderr.getvalue()))


def log_both_ways() -> None:
    structlog.get_logger("ours").warning("by structlog")
    logging.getLogger("library").warning("by %s", "logging")


def in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_every_line_of_every_thread_says_its_program(written: Callable[[], list[Line]]) -> None:
    log_both_ways()
    in_thread(log_both_ways)

    assert [line.event for line in written()] == ["by structlog", "by logging"] * 2
    assert [line.facts for line in written()] == [{"component": "ttp_0"}] * 4


def test_a_thread_that_works_for_a_job_says_which(written: Callable[[], list[Line]]) -> None:
    with about_job(JOB):
        work = in_context(log_both_ways)
    # Whatever this thread is about by then.
    with about_participant("worker_2"):
        in_thread(work)

    assert [line.facts for line in written()] == [{"component": "ttp_0", **IDS}] * 2


def test_the_threads_of_a_pool_say_what_each_piece_of_work_is_about(written: Callable[[], list[Line]]) -> None:
    with ContextPool(max_workers=1) as pool:
        for participant in ("worker_1", "worker_2"):
            with about_participant(participant):
                pool.submit(log_both_ways).result()
        pool.submit(log_both_ways).result()

    assert [line.facts.get("participant") for line in written()[::2]] == ["worker_1", "worker_2", None]


def test_a_job_is_forgotten_when_it_is_over(written: Callable[[], list[Line]]) -> None:
    with about_job(JOB):
        pass
    log_both_ways()

    assert "job_id" not in written()[0].facts
