"""Tuning: beginning a study, looking at it, waiting for it, stopping it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from fakes.recording_server import RecordingServer
from fakes.study_answers import answer, created, study, trial
from synergos import Driver
from synergos.driver import DriverError, Interrupted, JobFailed, WaitTimeout

SEARCH = {"lr": {"_type": "choice", "_value": [0.1, 0.2]}}


def create(driver: Driver, **more: Any) -> dict[str, Any]:
    return driver.optimizations.create("c", "p", "e", SEARCH, "accuracy", "max", **more)


def test_what_is_not_given_is_not_sent(driver: Driver, server: RecordingServer) -> None:
    create(driver)
    create(driver, base_run="first", seed=0, max_concurrent=4, priority=-1)

    plain, with_options = (request.body for request in server.requests)
    assert with_options == plain | {"base_run": "first", "seed": 0, "max_concurrent": 4, "priority": -1}
    assert not {"base_run", "seed", "max_concurrent", "priority"} & set(plain)


CALLS: list[tuple[Callable[[Driver], Any], tuple[str, str, Any]]] = [
    (lambda d: d.optimizations.studies(), ("GET", "/ttp/studies", None)),
    (
        lambda d: d.optimizations.studies("c", "p", "e", "running"),
        ("GET", "/ttp/studies?collab_id=c&project_id=p&expt_id=e&state=running", None),
    ),
    (lambda d: d.optimizations.studies(expt_id="e"), ("GET", "/ttp/studies?expt_id=e", None)),
    (lambda d: d.optimizations.show("s"), ("GET", "/ttp/studies/s", None)),
    (lambda d: d.optimizations.show(created("s")), ("GET", "/ttp/studies/s", None)),
    (lambda d: d.optimizations.stop("s"), ("POST", "/ttp/studies/s/stop", {})),
    (lambda d: d.optimizations.stop(created("s")), ("POST", "/ttp/studies/s/stop", {})),
]


@pytest.mark.parametrize(("call", "request_"), CALLS)
def test_a_call_sends_exactly_this_request(
    driver: Driver, server: RecordingServer, call: Callable[[Driver], Any], request_: tuple[str, str, Any]
) -> None:
    assert call(driver)["status"] == 200
    assert server.seen == [request_]


def test_waiting_ends_with_the_study_that_create_began(driver: Driver, server: RecordingServer) -> None:
    ended = study("completed", [trial(0, "completed", 0.9)])
    for body in (created("s"), answer(study("running")), answer(study("stopping")), answer(ended)):
        server.answer_next(200, body)
    told: list[str] = []
    pauses: list[float] = []

    found = driver.optimizations.wait(
        create(driver), on_progress=lambda study: told.append(study["state"]), sleep=pauses.append
    )

    assert found == ended
    assert told == ["running", "stopping", "completed"]
    assert [request.path for request in server.requests[1:]] == ["/ttp/studies/s"] * 3
    assert pauses == [2.0, 2.0]


@pytest.mark.parametrize("state", ["completed", "stopped", "failed"])
def test_a_study_that_ended_badly_is_returned_all_the_same(driver: Driver, server: RecordingServer, state: str) -> None:
    server.answer_next(200, answer(study(state, error={"kind": "GridError", "message": "no TTP"})))

    assert driver.optimizations.wait("s")["state"] == state


def test_a_study_that_failed_is_raised_when_errors_are(server: RecordingServer) -> None:
    server.answer_next(200, answer(study("failed", error={"kind": "GridError", "message": "no TTP"})))

    with Driver("127.0.0.1", server.port, raise_errors=True) as driver:
        with pytest.raises(JobFailed, match=r"^study s failed: no TTP$"):
            driver.optimizations.wait("s")
        server.answer_next(200, answer(study("stopped")))
        assert driver.optimizations.wait("s")["state"] == "stopped"


@pytest.mark.parametrize(("asked", "used"), [(0.0, 0.1), (3.0, 3.0), (3600.0, 10.0)])
def test_the_pause_between_two_looks_is_bounded(
    driver: Driver, server: RecordingServer, asked: float, used: float
) -> None:
    server.answer_next(200, answer(study("running")))
    server.answer_next(200, answer(study("completed")))
    pauses: list[float] = []

    driver.optimizations.wait("s", interval=asked, sleep=pauses.append)

    assert pauses == [used]


def test_waiting_gives_up_in_time(driver: Driver, server: RecordingServer) -> None:
    server.answer_next(200, answer(study("running")))

    with pytest.raises(WaitTimeout, match="within 0 s: study s"):
        driver.optimizations.wait("s", timeout=0.0)


def test_an_interrupted_wait_leaves_the_study_alone(driver: Driver, server: RecordingServer) -> None:
    server.answer_next(200, answer(study("running")))

    with pytest.raises(Interrupted, match=r"^study s; driver.optimizations.wait\('s'\) waits for it"):
        driver.optimizations.wait("s", sleep=lambda _: signal.raise_signal(signal.SIGINT))

    assert server.seen == [("GET", "/ttp/studies/s", None)]


@pytest.mark.parametrize("call", ["wait", "best", "show", "stop"])
def test_a_refused_study_is_told_with_its_reason(driver: Driver, server: RecordingServer, call: str) -> None:
    server.answer_next(403, {"status": 403, "message": "the proxy lets nobody tune"})

    with pytest.raises(DriverError, match="lets nobody tune") as refused:
        getattr(driver.optimizations, call)(create(driver))

    assert refused.value.status == 403
    assert len(server.requests) == 1


def test_an_answer_about_something_else_names_no_study(driver: Driver) -> None:
    with pytest.raises(DriverError, match=r"driver\.optimizations\.create"):
        driver.optimizations.wait(driver.runs.read("c", "p", "e", "r"))


@pytest.mark.parametrize("call", ["wait", "best"])
def test_an_unknown_study_is_raised_even_when_errors_are_not(
    driver: Driver, server: RecordingServer, call: str
) -> None:
    server.answer_next(404, {"message": "there is no study 's'"})

    with pytest.raises(DriverError, match="there is no study 's'"):
        getattr(driver.optimizations, call)("s")


def test_the_best_trial_is_the_studys_own(driver: Driver, server: RecordingServer) -> None:
    running = study("running", [trial(0, "completed", 0.8), trial(1, "completed", 0.9)])
    server.answer_next(200, answer(study("running")))
    server.answer_next(200, answer(running))

    assert driver.optimizations.best("s") is None
    assert driver.optimizations.best(created("s")) == {
        "run_id": "optim_run_1",
        "number": 1,
        "objective": 0.9,
        "hyperparameters": {"lr": 0.01, "batch_size": 16, "criterion": "BCELoss"},
    }


def test_progress_is_shown_on_request(
    driver: Driver, server: RecordingServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answer_next(200, answer(study("running", [trial(0, "running")])))
    server.answer_next(200, answer(study("completed", [trial(0, "completed", 0.75)])))
    told: list[str] = []

    driver.optimizations.wait(
        "s", progress=True, on_progress=lambda study: told.append(study["state"]), sleep=lambda _: None
    )

    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        "accuracy, the higher the better · running · 1 of 20 trials (1 running) · no result yet",
        "trial 0: running · lr 0.01, batch_size 16",
        "trial 0: completed · accuracy 0.75 · best so far · lr 0.01, batch_size 16",
        "accuracy, the higher the better · completed · 1 of 20 trials (1 completed) · best 0.75 (trial 0)",
    ]
    assert (shown.out, told) == ("", ["running", "completed"])
