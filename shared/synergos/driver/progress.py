"""Shows people how jobs are getting on: bars on a terminal and in a notebook that can, lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from synergos.domain.job import FINAL_STATES
from synergos.domain.keys import JOB_IDS
from synergos.foreign_text import on_terminal

Job = Mapping[str, Any]


class Display(Protocol):
    """Somewhere to show progress."""

    def note(self, text: str) -> None:
        """Show one line for good."""

    def job(self, label: str, job: Job) -> None:
        """Show a job as it stands now."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End; the terminal is as it was."""


def display_on(console: Console) -> Display:
    """Bars on a terminal and in a notebook that can show them, lines elsewhere."""
    return Bars(console) if is_live(console) else Lines(console)


def is_live(console: Console) -> bool:
    """Whether what is shown can be overwritten: on a terminal, and in a notebook with ipywidgets."""
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)


def label_of(job: Job) -> str:
    """What a job does, and to what."""
    return f"{job['stage']} {'/'.join(ids_of(job))}"


def ids_of(job: Job) -> list[str]:
    """The ids of what a job works on, outermost first."""
    return [job["keys"][name] for name in JOB_IDS if name in job["keys"]]


def describe(job: Job) -> str:
    """How a job stands, in words: round, time left, losses, or how it ended."""
    if "damaged" in job:
        return f"damaged: {job['damaged']}"
    if job["state"] == "failed":
        return f"failed: {(job.get('error') or {}).get('message', 'no reason given')}"
    progress = job.get("progress") or {}
    left = None if job["state"] in FINAL_STATES else progress.get("seconds_left")
    # What a narrow terminal cuts off is last.
    place = [_place(progress.get("position")), *_waits(progress.get("waiting_for")), *_transfers(progress)]
    parts = [str(job["state"]), *place, _rounds(progress), _time_left(left), *_losses(progress.get("losses") or {})]
    return " · ".join(filter(None, parts))


def _place(position: int | None) -> str:
    return "" if not position else f"{position} {'job' if position == 1 else 'jobs'} before it"


def _waits(waiting_for: object) -> list[str]:
    """For whom a job waits; one that waits for its turn names the job before it instead."""
    waits = waiting_for if isinstance(waiting_for, Sequence) and not isinstance(waiting_for, str) else []
    return [_wait(wait) for wait in waits]


def _wait(wait: Mapping[str, Any]) -> str:
    # Whose worker it is not everybody is told.
    who = wait.get("participant", "a participant")
    if wait.get("approval"):
        return f"waiting for {who} to approve since {datetime.fromisoformat(wait['since']).astimezone():%Y-%m-%d %H:%M}"
    return f"waiting for {who} since {_clock(wait['since'])} until {_clock(wait['until'])}"


def _transfers(progress: Mapping[str, Any]) -> list[str]:
    """Whose messages and answers take long to pass, and how far they are."""
    return [
        f"{each['direction']} {100 * each['bytes'] // max(each['of'], 1)} % of {each['of'] / 1e6:.1f} MB"
        f" {'from' if each['direction'] == 'receiving' else 'to'} {each['participant']} at {each['rate'] / 1e3:.0f} kB/s"
        for each in progress.get("transfers") or ()
    ]


def _clock(moment: str) -> str:
    """The time of day here."""
    return f"{datetime.fromisoformat(moment).astimezone():%H:%M:%S}"


def _rounds(progress: Mapping[str, Any]) -> str:
    return f"round {progress['round']}/{progress['rounds']}" if progress.get("rounds") else ""


def _losses(losses: Mapping[str, Any]) -> list[str]:
    shown = [("train loss", losses.get("train")), ("evaluate loss", losses.get("evaluate"))]
    shown += [(who, loss) for who, loss in (losses.get("participants") or {}).items()]
    return [f"{name} {loss:.4g}" for name, loss in shown if loss is not None]


def _time_left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s left" if minutes else f"{rest} s left"


class Lines:
    """One line whenever something is new: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: dict[str, tuple[object, ...]] = {}

    def note(self, text: str) -> None:
        """Print it."""
        self._console.print(on_terminal(text), markup=False, highlight=False, soft_wrap=True)

    def job(self, label: str, job: Job) -> None:
        """Print it when state, round or who is waited for is another than last time."""
        progress = job.get("progress") or {}
        now = (job["state"], progress.get("round"), *_waits(progress.get("waiting_for")))
        if self._shown.get(job["id"]) != now:
            self._shown[job["id"]] = now
            self.note(f"{label}: {describe(job)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing to put back."""


class Bars:
    """A bar for every job that has not ended; those that have become lines above."""

    def __init__(self, console: Console) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[detail]}", markup=False),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._bars: dict[str, TaskID] = {}

    def note(self, text: str) -> None:
        """Print it above the bars."""
        self._progress.console.print(on_terminal(text), markup=False, highlight=False)

    def job(self, label: str, job: Job) -> None:
        """Move its bar, or turn it into a line."""
        if job["id"] not in self._bars:
            self._bars[job["id"]] = self._progress.add_task(on_terminal(label), total=1.0, detail="")
        bar = self._bars[job["id"]]
        fraction = (job.get("progress") or {}).get("fraction")
        # Without a known fraction the bar pulses.
        total, completed = (None, 0.0) if fraction is None else (1.0, fraction)
        self._progress.update(bar, total=total, completed=completed, detail=on_terminal(describe(job)))
        if job["state"] in FINAL_STATES and self._progress.tasks[self._index(bar)].visible:
            self._progress.update(bar, visible=False)
            self.note(f"{label}: {describe(job)}")

    def _index(self, bar: TaskID) -> int:
        return self._progress.task_ids.index(bar)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()
