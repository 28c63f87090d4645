"""Shows people how a study is getting on: a table that moves on a terminal and in a notebook that can, lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from synergos.domain.study import FINAL_STUDY_STATES
from synergos.driver.progress import is_live
from synergos.foreign_text import on_terminal

Study = Mapping[str, Any]
Trial = Mapping[str, Any]

MOST_ROWS = 30
FEWEST_ROWS = 3
_NOT_ROWS = 5
"""Lines of a terminal that are neither rows nor headline: the table's head, what is left out, the prompt."""
_WIDEST_KEPT = 12
"""Characters of a value that are shown however narrow the terminal is; what then has no room on the right is cut off."""
_BEST = "bold green"
_STYLES = {"running": "cyan", "failed": "red", "pruned": "dim", "skipped": "dim", "cancelled": "dim"}


class StudyDisplay(Protocol):
    """Somewhere to show a study."""

    def study(self, study: Study) -> None:
        """Show it as it stands now."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End; the terminal is as it was."""


def display_study_on(console: Console, *, transient: bool = False) -> StudyDisplay:
    """A table on a terminal and in a notebook that can show one, lines elsewhere.

    Args:
        transient: the table is gone at the end.
    """
    return MovingTable(console, transient=transient) if is_live(console) else TrialLines(console)


def headline(study: Study) -> str:
    """How a study stands, in words: what it looks for, how far it is, and the best so far."""
    if "damaged" in study:
        return f"damaged: {study['damaged']}"
    direction = "the higher the better" if study["optimize_mode"] == "max" else "the lower the better"
    counts = study["counts"]
    counted = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    tried = f"{sum(counts.values())} of {study['max_trial_num']} trials" + (f" ({counted})" if counted else "")
    best = study["best"]
    reached = "no result yet" if best is None else f"best {shown(best['objective'])} (trial {best['number']})"
    problem = "" if study["error"] is None else study["error"]["message"]
    parts = [f"{study['metric']}, {direction}", study["state"], tried, reached, problem]
    return " · ".join(filter(None, parts))


def outline(trials: Sequence[Trial], best_is_high: bool, limit: int) -> list[Trial]:
    """The trials to show where there is no room for all: a third the best, then what runs and the newest.

    Returns:
        At most ``limit``, in the order of their numbers.
    """
    if len(trials) <= limit:
        return sorted(trials, key=_number)
    sign = -1 if best_is_high else 1
    ranked = sorted(
        (trial for trial in trials if trial["state"] == "completed" and trial["objective"] is not None),
        key=lambda trial: (sign * trial["objective"], trial["number"]),
    )
    newest = sorted(trials, key=lambda trial: (trial["state"] != "running", -trial["number"]))
    # By number: the newest may be among the best.
    chosen = {trial["number"]: trial for trial in ranked[: max(1, limit // 3)]}
    for trial in newest:
        if len(chosen) == limit:
            break
        chosen.setdefault(trial["number"], trial)
    return sorted(chosen.values(), key=_number)


def trial_rows(study: Study, trials: Sequence[Trial]) -> list[dict[str, str]]:
    """Each trial's texts by column: how it stands, what it reached, what it tries; reasons when there are any."""
    rows = [_row(study, trial) for trial in trials]
    if any(row["reason"] for row in rows):
        return rows
    return [{column: text for column, text in row.items() if column != "reason"} for row in rows]


def is_best(study: Study, trial: Trial) -> bool:
    """Whether no other trial has reached more so far."""
    return study["best"] is not None and study["best"]["number"] == trial["number"]


def shown(value: object) -> str:
    """A hyperparameter or an objective, short enough for a table."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class TrialLines:
    """One line whenever a trial begins or ends: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._states: dict[int, str] | None = None
        self._headline = ""

    def study(self, study: Study) -> None:
        """Print what is new; of trials that had ended before the first look, only how many they are."""
        trials = sorted(study["trials"], key=_number)
        if self._states is None:
            self._say_headline(study)
            self._states = {trial["number"]: trial["state"] for trial in trials if trial["state"] != "running"}
        for trial in trials:
            if self._states.get(trial["number"]) != trial["state"]:
                self._states[trial["number"]] = trial["state"]
                self._say(f"trial {trial['number']}: {_in_words(study, trial)}")
        if study["state"] in FINAL_STUDY_STATES:
            self._say_headline(study)

    def _say_headline(self, study: Study) -> None:
        words = headline(study)
        if words != self._headline:
            self._headline = words
            self._say(words)

    def _say(self, text: str) -> None:
        self._console.print(on_terminal(text), markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing to put back."""


class MovingTable:
    """The headline and a table of trials, always as they stand now."""

    def __init__(self, console: Console, *, transient: bool = False) -> None:
        # Drawn at each look: nothing in it moves by itself.
        self._live = Live(console=console, auto_refresh=False, transient=transient)

    def study(self, study: Study) -> None:
        """Draw it anew."""
        console = self._live.console
        above = len(Text(headline(study)).wrap(console, console.width))
        rows = min(MOST_ROWS, max(FEWEST_ROWS, console.height - above - _NOT_ROWS))
        self._live.update(study_table(study, rows), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()


def study_table(study: Study, limit: int) -> RenderableType:
    """A study's headline, and at most ``limit`` of its trials as a table, each in one line."""
    trials = outline(study["trials"], study["optimize_mode"] == "max", limit)
    rows = trial_rows(study, trials)
    columns = list(rows[0]) if rows else []
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        widest = 0 if column == "reason" else max(cell_len(row[column]) for row in rows)
        table.add_column(_in_one_line(column), min_width=min(widest, _WIDEST_KEPT))
    for trial, row in zip(trials, rows, strict=True):
        style = _BEST if is_best(study, trial) else _STYLES.get(trial["state"], "")
        table.add_row(*(_in_one_line(row[column]) for column in columns), style=style)
    parts: list[RenderableType] = [Text(on_terminal(headline(study)), style="bold")]
    if rows:
        parts.append(table)
    if left_out := len(study["trials"]) - len(rows):
        parts.append(_in_one_line(f"the best, those that run, and the newest; {left_out} more are not shown", "dim"))
    return Group(*parts)


def _row(study: Study, trial: Trial) -> dict[str, str]:
    progress = trial["progress"]
    reached = shown(trial["objective"])
    return {
        "trial": str(trial["number"]),
        "state": trial["state"],
        "round": f"{progress['round']}/{progress['rounds']}" if progress.get("rounds") else "–",
        study["metric"]: f"{reached} best" if is_best(study, trial) else reached,
        **_tried(study, trial),
        "reason": trial["reason"] or "",
    }


def _in_one_line(text: str, style: str = "") -> Text:
    return Text(on_terminal(text), style, no_wrap=True, overflow="ellipsis")


def _tried(study: Study, trial: Trial) -> dict[str, str]:
    """The values of the hyperparameters that are searched, without those that have no choice."""
    given = trial["hyperparameters"]
    return {name: shown(given.get(name)) for name, drawn in study["search_space"].items() if not _is_fixed(drawn)}


def _is_fixed(drawn: Mapping[str, Any]) -> bool:
    return drawn["_type"] in {"choice", "grid_search"} and len(drawn["_value"]) == 1


def _in_words(study: Study, trial: Trial) -> str:
    drawn = ", ".join(f"{name} {value}" for name, value in _tried(study, trial).items())
    reached = "" if trial["objective"] is None else f"{study['metric']} {shown(trial['objective'])}"
    best = "best so far" if is_best(study, trial) else ""
    return " · ".join(filter(None, [trial["state"], reached, best, drawn, trial["reason"]]))


def _number(trial: Trial) -> int:
    return int(trial["number"])
