"""How soon a browser shows what has happened to a training."""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections.abc import Callable

from playwright.sync_api import sync_playwright

from benchmarks.portal_training import Training, training

Report = Callable[..., None]
_LOOK = 0.03


def measure_live(report: Report, rounds: int) -> None:
    """From a round that is committed, as the orchestrator says in the job, to the round that a browser shows."""
    with training() as shown_training, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(f"{shown_training.portal.view}/jobs/{shown_training.job_id}")
        committed, delays, shown = _Committed(shown_training), list[float](), _round_in(page.inner_text("main"))
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


class _Committed:
    """Takes note, in a thread of its own, of when the orchestrator first said of each round that it is committed.

    Attributes:
        moments: by round; written by the thread, read by whoever compares.
    """

    def __init__(self, shown: Training) -> None:
        self._training = shown
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
            self.moments.setdefault(self._training.round()[0], time.monotonic())


def _round_in(text: str) -> int:
    found = re.search(r"Rounds\D{0,5}(\d+)", text.replace(",", ""))
    return int(found[1]) if found else 0
