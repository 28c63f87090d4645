"""What is seen of a training while it runs, how soon, and what it costs that a hundred tabs look."""

from __future__ import annotations

import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright

from benchmarks.portal_tabs import Tabs
from grids.real_grid import ENDLESS, RealGrid, Study, started
from servers.portal import RunningPortal, running
from support.waiting import until
from synergos_simulator.datasets import write_example

Report = Callable[..., None]
TABS = 100
WATCHED_SECONDS = 20.0
_TURNS = 2
"""How often nobody looks, and a hundred do, in turn."""
_LOOK = 0.03
_PAUSE = 4.0
"""Seconds between two looks at connections, which take a while with a hundred of them."""


def measure_live(report: Report, rounds: int) -> None:
    """From a round that is committed, as the orchestrator says in the job, to the round that a browser shows."""
    with _training() as (_grid, portal, study, job_id), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(f"{portal.view}/jobs/{job_id}")
        committed, delays, shown = _Committed(study, job_id), list[float](), _round_in(page.inner_text("main"))
        with committed:
            deadline = time.monotonic() + 90
            while len(delays) < rounds and time.monotonic() < deadline:
                now = _round_in(page.inner_text("main"))
                if now > shown and (since := committed.moments.get(now)) is not None:
                    delays.append(time.monotonic() - since)
                shown = max(shown, now)
                time.sleep(_LOOK)
        browser.close()
        ordered = sorted(delays)
        report(
            "live",
            rounds=len(ordered),
            seconds={
                "median": round(statistics.median(ordered), 2),
                "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 2),
            },
            at_most={"median": 1, "p95": 2},
        )


def measure_watchers(report: Report) -> None:
    """Rounds a second, and the portal's processor time, with nobody and with a hundred tabs that look."""
    with _training() as (grid, portal, study, job_id):
        program = _program(portal.port)
        ttp = grid.process("ttp")
        rates: dict[int, list[float]] = {0: [], TABS: []}
        shares, asked = list[float](), list[int]()
        for _ in range(_TURNS):
            for tabs in rates:
                with Tabs(f"{portal.view}/jobs/{job_id}/live", tabs):
                    before, rounds, begun = _seconds(program), _round_of(study, job_id), time.monotonic()
                    at_once = 0
                    while time.monotonic() < begun + WATCHED_SECONDS:
                        at_once = max(at_once, _open_connections(program, ttp))
                        time.sleep(_PAUSE)
                    took = time.monotonic() - begun
                    rates[tabs].append((_round_of(study, job_id) - rounds) / took)
                    if tabs:
                        shares.append((_seconds(program) - before) / took)
                        asked.append(at_once)
        alone, watched = (statistics.mean(rates[tabs]) for tabs in rates)
        report(
            "watchers",
            tabs=TABS,
            portal_percent_of_a_core=round(100 * statistics.mean(shares), 1),
            connections_to_the_orchestrator=max(asked),
            rounds_a_second={"alone": round(alone, 2), "watched": round(watched, 2)},
            longer_percent=round(100 * (alone / watched - 1), 1),
            at_most={"portal_percent_of_a_core": 15, "longer_percent": 3},
        )


@contextmanager
def _training() -> Iterator[tuple[RealGrid, RunningPortal, Study, str]]:
    """A training that goes on for as long as the block."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        data = folder / "data"
        wine = write_example(data, "wine")
        with started(folder / "grid", data) as grid, running(folder / "portal", grid.grid.ttp.address) as portal:
            study = Study(grid, wine, "watched", {**ENDLESS, "epochs": 40})
            study.declare()
            study.align()
            [job] = grid.driver.models.create(*study.keys, respond_async=True)["data"]
            until(lambda: _round_of(study, job["id"]) > 1, "the training to begin", 120.0)
            try:
                yield grid, portal, study, job["id"]
            finally:
                grid.driver.jobs.cancel(job["id"])
                grid.driver.jobs.wait(job["id"], raise_errors=False)


class _Committed:
    """Takes note, in a thread of its own, of when the orchestrator first said of each round that it is committed.

    Attributes:
        moments: by round; written by the thread, read by whoever compares.
    """

    def __init__(self, study: Study, job_id: str) -> None:
        self._study = study
        self._job_id = job_id
        self.moments: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK):
            self.moments.setdefault(_round_of(self._study, self._job_id), time.monotonic())


def _round_of(study: Study, job_id: str) -> int:
    job = study.grid.driver.jobs.read(job_id)["data"]
    assert job["state"] in ("queued", "running"), job
    return int(job["progress"].get("round") or 0)


def _round_in(text: str) -> int:
    found = re.search(r"Rounds\D{0,5}(\d+)", text.replace(",", ""))
    return int(found[1]) if found else 0


def _program(port: int) -> psutil.Process:
    found = [each for each in psutil.Process().children(recursive=True) if str(port) in each.cmdline()]
    return min(found, key=lambda each: each.pid)


def _seconds(process: psutil.Process) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in [process, *process.children(recursive=True)])


def _open_connections(portal: psutil.Process, ttp: psutil.Process) -> int:
    """Connections that the portal holds to the orchestrator's port, be they waiting or idle."""
    ports = {each.laddr.port for each in _of(ttp) if each.status == psutil.CONN_LISTEN}
    return sum(
        each.status == psutil.CONN_ESTABLISHED and bool(each.raddr) and each.raddr.port in ports for each in _of(portal)
    )


def _of(process: psutil.Process) -> list[Any]:
    return [each for one in [process, *process.children(recursive=True)] for each in one.net_connections("tcp")]
