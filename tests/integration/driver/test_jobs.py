"""Waiting for jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fakes.recording_server import RecordingServer
from servers.nobody import nobody
from synergos import Driver
from synergos.driver import DriverError, Interrupted, JobFailed, ServerUnreachable, WaitTimeout, waiting


def job(job_id: str, state: str, **more: Any) -> dict[str, Any]:
    return {"status": 200, "data": {"kind": "Job", "id": job_id, "state": state, **more}}


def test_waiting_ends_when_every_job_has_ended(driver: Driver, server: RecordingServer) -> None:
    for answer in [
        job("a", "queued"),
        job("b", "running"),
        job("a", "running"),
        job("b", "failed"),
        job("a", "completed"),
    ]:
        server.answer_next(200, answer)
    shown: list[tuple[str, str]] = []
    pauses: list[float] = []

    ended = driver.jobs.wait(
        ["a", "b"], on_progress=lambda job: shown.append((job["id"], job["state"])), sleep=pauses.append
    )

    assert [(one["id"], one["state"]) for one in ended] == [("a", "completed"), ("b", "failed")]
    assert shown == [("a", "queued"), ("b", "running"), ("a", "running"), ("b", "failed"), ("a", "completed")]
    assert [request.path for request in server.requests] == [f"/ttp/jobs/{name}" for name in "ababa"]
    assert pauses == [1.0, 1.0]


@pytest.mark.parametrize("part", ["events", "metrics"])
def test_a_jobs_history_is_read_from_where_it_is_known(driver: Driver, server: RecordingServer, part: str) -> None:
    server.answer_next(200, {"status": 200, "data": []})

    assert getattr(driver.jobs, part)("a", after=3, limit=10)["data"] == []
    assert server.requests[0].path == f"/ttp/jobs/a/{part}?after=3&limit=10"


@pytest.mark.parametrize(("asked", "used"), [(0.0, 0.1), (2.0, 2.0), (3600.0, 10.0)])
def test_the_pause_between_two_looks_is_bounded(
    driver: Driver, server: RecordingServer, asked: float, used: float
) -> None:
    server.answer_next(200, job("a", "running"))
    server.answer_next(200, job("a", "completed"))
    pauses: list[float] = []

    driver.jobs.wait("a", interval=asked, sleep=pauses.append)

    assert pauses == [used]


def test_waiting_gives_up_in_time(driver: Driver, server: RecordingServer) -> None:
    server.answer_next(200, job("a", "running"))

    with pytest.raises(WaitTimeout, match="a"):
        driver.jobs.wait("a", timeout=0.0)


def test_an_unknown_job_is_raised_even_when_errors_are_not(driver: Driver, server: RecordingServer) -> None:
    server.answer_next(404, {"message": "there is no job 'a'"})

    with pytest.raises(DriverError, match="there is no job 'a'"):
        driver.jobs.wait("a")


STAGES: list[Callable[[Driver, bool], Any]] = [
    lambda driver, aside: driver.alignments.create("c", "p", respond_async=aside),
    lambda driver, aside: driver.models.create("c", "p", "e", "r", respond_async=aside),
    lambda driver, aside: driver.validations.create("c", "p", "e", "r", respond_async=aside),
    lambda driver, aside: driver.predictions.create({"p": [["d"]]}, "w", "c", respond_async=aside),
]


@pytest.mark.parametrize("create", STAGES)
def test_a_stage_need_not_be_waited_for(
    driver: Driver, server: RecordingServer, create: Callable[[Driver, bool], Any]
) -> None:
    create(driver, True)
    create(driver, False)

    assert [request.headers.get("Prefer") for request in server.requests] == ["respond-async", None]
    assert server.requests[0].body == server.requests[1].body


def test_the_jobs_of_an_accepted_request_are_waited_for(driver: Driver, server: RecordingServer) -> None:
    accepted = {"status": 202, "data": [job("a", "queued")["data"], job("b", "queued")["data"]]}
    for answer in (accepted, job("a", "completed"), job("b", "completed")):
        server.answer_next(200, answer)

    ended = driver.jobs.wait(driver.models.create("c", "p", respond_async=True))

    assert [one["id"] for one in ended] == ["a", "b"]


def test_a_request_that_was_refused_has_nothing_to_wait_for(driver: Driver, server: RecordingServer) -> None:
    server.answer_next(409, {"status": 409, "message": "project 'p' is not aligned"})

    with pytest.raises(DriverError, match="is not aligned") as refused:
        driver.jobs.wait(driver.models.create("c", "p", respond_async=True))

    assert refused.value.status == 409


def test_an_answer_with_results_has_nothing_to_wait_for(driver: Driver, server: RecordingServer) -> None:
    server.answer_next(200, {"status": 200, "data": [{"kind": "Model"}]})

    with pytest.raises(DriverError, match="respond_async=True"):
        driver.jobs.wait(driver.models.create("c", "p"))


def test_progress_is_shown_on_request(
    driver: Driver, server: RecordingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = {"collab_id": "c", "run_id": "r"}
    rounds = {"round": 3, "rounds": 5, "losses": {"train": 0.25}, "seconds_left": 4.0}
    server.answer_next(200, job("a", "running", stage="train", keys=keys, progress=rounds))
    server.answer_next(200, job("a", "completed", stage="train", keys=keys))
    told: list[str] = []

    driver.jobs.wait("a", on_progress=lambda job: told.append(job["state"]), sleep=lambda _: None, progress=True)

    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        "train c/r: running · round 3/5 · 4 s left · train loss 0.25",
        "train c/r: completed",
    ]
    assert (shown.out, told) == ("", ["running", "completed"])


FAILED = job("b", "failed", stage="train", keys={"collab_id": "c", "run_id": "r"}, error={"message": "w1: it diverged"})


@pytest.mark.parametrize(("by_default", "asked"), [(True, None), (False, True), (True, True)])
def test_a_job_that_failed_is_raised_when_errors_are(
    server: RecordingServer, by_default: bool, asked: bool | None
) -> None:
    for answer in (job("a", "completed"), FAILED, job("d", "cancelled")):
        server.answer_next(200, answer)

    with Driver("127.0.0.1", server.port, raise_errors=by_default) as driver, pytest.raises(JobFailed) as raised:
        driver.jobs.wait(["a", "b", "d"], raise_errors=asked)

    assert str(raised.value) == "train c/r failed (job b): w1: it diverged; 2 of 3 jobs did not complete"
    assert [one["id"] for one in raised.value.jobs] == ["b", "d"]


@pytest.mark.parametrize(("by_default", "asked"), [(True, False), (False, None)])
def test_a_job_that_failed_is_returned_when_errors_are(
    server: RecordingServer, by_default: bool, asked: bool | None
) -> None:
    server.answer_next(200, FAILED)

    with Driver("127.0.0.1", server.port, raise_errors=by_default) as driver:
        assert driver.jobs.wait("b", raise_errors=asked) == [FAILED["data"]]


def test_a_restart_of_the_orchestrator_is_waited_out(driver: Driver, server: RecordingServer) -> None:
    server.answer_next(200, job("a", "running"))
    server.answer_next(503, {"status": 503, "message": "the TTP is being stopped"})
    server.answer_next(502, b"<html>nobody is there</html>")
    pauses: list[float] = []

    def arrived(_method: str, _path: str) -> None:
        if len(pauses) in {3, 4}:
            raise ConnectionResetError
        if len(pauses) == 5:
            server.answer_next(200, job("a", "completed"))

    server.arrived = arrived

    [ended] = driver.jobs.wait("a", sleep=pauses.append)

    assert ended["state"] == "completed"
    assert pauses == [1.0] * 5


def test_an_orchestrator_that_does_not_come_back_is_given_up(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LONGEST_OUTAGE", 3.0)
    server.answer_next(200, job("a", "running"))
    for _ in range(9):
        server.answer_next(503, {"status": 503, "message": "the TTP is being stopped"})
    pauses: list[float] = []

    with (
        Driver("127.0.0.1", server.port) as driver,
        pytest.raises(DriverError, match=r"for 3 s; a; driver.jobs.wait") as last,
    ):
        driver.jobs.wait("a", sleep=pauses.append)

    assert sum(pauses) == 5.0
    assert last.value.status == 503


def test_an_orchestrator_that_is_away_from_the_beginning_is_not_waited_for() -> None:
    with nobody() as port, Driver("127.0.0.1", port) as driver, pytest.raises(ServerUnreachable):
        driver.jobs.wait("a", sleep=lambda _: pytest.fail("there was nothing to wait for"))


def test_giving_up_names_the_jobs_that_go_on(driver: Driver, server: RecordingServer) -> None:
    server.answer_next(200, job("a", "completed"))
    server.answer_next(200, job("b", "running"))

    with pytest.raises(WaitTimeout) as raised:
        driver.jobs.wait(["a", "b"], timeout=0.0)

    going_on = "driver.jobs.wait('b') waits for it, driver.jobs.cancel('b') stops it"
    assert str(raised.value) == f"not ended within 0 s: b; {going_on}"


def test_an_interrupt_names_the_jobs_that_go_on(driver: Driver, server: RecordingServer) -> None:
    server.answer_next(200, job("a", "running"))

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"driver.jobs.wait\('a'\) waits for it") as raised:
        driver.jobs.wait("a", sleep=interrupt)

    assert raised.value.jobs == ("a",)
