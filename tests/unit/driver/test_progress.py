"""How jobs are shown to people."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pytest
from rich.console import Console

from synergos.driver.progress import Bars, Lines, describe

RUNNING: dict[str, Any] = {
    "id": "j",
    "state": "running",
    "progress": {
        "round": 3,
        "rounds": 15,
        "losses": {"train": 0.25, "evaluate": None, "participants": {"worker_1": 0.5}},
        "fraction": 0.2,
        "seconds_left": 61.2,
    },
}
COMPLETED = {**RUNNING, "state": "completed"}


def test_a_running_job_tells_round_losses_and_time_left() -> None:
    assert describe(RUNNING) == "running · round 3/15 · 1 min 1 s left · train loss 0.25 · worker_1 0.5"


def test_a_failed_job_tells_why() -> None:
    assert describe({"id": "j", "state": "failed", "error": {"message": "worker_2: no answer"}}) == (
        "failed: worker_2: no answer"
    )


def test_a_job_without_progress_tells_its_state() -> None:
    assert describe({"id": "j", "state": "queued", "progress": {}}) == "queued"


def test_a_job_in_a_line_tells_how_many_come_before_it() -> None:
    queued = {"id": "j", "state": "queued", "progress": {"waiting_for": "i", "position": 2}}

    assert describe(queued) == "queued · 2 jobs before it"


def test_a_job_that_waits_for_a_worker_tells_for_whom_and_until_when() -> None:
    since, until = (datetime(2026, 11, 25, 10, 2, second).astimezone() for second in (11, 36))
    wait = {"participant": "hospital_2", "since": since.isoformat(), "until": until.isoformat(), "for": "round 48"}
    waiting = {**RUNNING, "progress": {**RUNNING["progress"], "waiting_for": [wait]}}
    written = io.StringIO()

    with Lines(Console(file=written)) as lines:
        for job in (RUNNING, waiting, RUNNING):
            lines.job("train", job)

    told = written.getvalue().splitlines()
    assert told[1].startswith("train: running · waiting for hospital_2 since 10:02:11 until 10:02:36 · round 3/15")
    assert len(told) == 3


@pytest.mark.parametrize(("whose", "named"), [({"participant": "hospital_2"}, "hospital_2"), ({}, "a participant")])
def test_a_job_that_waits_for_an_owner_tells_whose_as_far_as_it_is_known(whose: dict[str, str], named: str) -> None:
    since = datetime(2026, 11, 25, 10, 2).astimezone()
    wait = {**whose, "since": since.isoformat(), "until": since.isoformat(), "for": "its session", "approval": True}
    held = {"id": "j", "state": "waiting", "progress": {"waiting_for": [wait]}}

    assert describe(held) == f"waiting · waiting for {named} to approve since 2026-11-25 10:02"


def test_a_transfer_that_takes_long_tells_how_far_it_is() -> None:
    transfer = {
        "participant": "hospital_2",
        "direction": "sending",
        "bytes": 5_000_000,
        "of": 20_000_000,
        "rate": 250_000,
    }
    slow = {**RUNNING, "progress": {**RUNNING["progress"], "transfers": [transfer]}}

    assert describe(slow).startswith("running · sending 25 % of 20.0 MB to hospital_2 at 250 kB/s · round 3/15")


def test_lines_tell_what_is_new_only() -> None:
    written = io.StringIO()
    with Lines(Console(file=written, width=40)) as lines:
        for job in (RUNNING, RUNNING, COMPLETED, COMPLETED):
            lines.job("train", job)

    assert [line[:17] for line in written.getvalue().splitlines()] == ["train: running · ", "train: completed "]


def test_bars_leave_a_line_for_each_job_that_ended() -> None:
    written = io.StringIO()
    with Bars(Console(file=written, force_terminal=True, width=120)) as bars:
        for job in (RUNNING, COMPLETED, COMPLETED):
            bars.job("train", job)

    assert written.getvalue().count("train: completed · round 3/15 · train loss 0.25") == 1


def test_a_job_that_cannot_be_read_is_called_damaged() -> None:
    job = {"id": "j", "state": "failed", "error": None, "damaged": "what is stored of it cannot be read"}
    assert describe(job) == "damaged: what is stored of it cannot be read"
