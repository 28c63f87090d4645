"""How a study is shown to people."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from fakes.study_answers import study, trial
from synergos.driver.study_display import MovingTable, TrialLines, headline, outline, study_table

HUNDREDS = [
    *(trial(number, "completed", objective=number % 100 / 100) for number in range(300)),
    *(trial(number, "running") for number in range(300, 304)),
    *(trial(number, "failed", reason="worker_2: no answer") for number in range(304, 310)),
]


def drawn(content: object, width: int) -> list[str]:
    written = io.StringIO()
    Console(file=written, width=width).print(content)
    return [line.rstrip() for line in written.getvalue().splitlines()]


def test_the_headline_tells_how_far_a_study_is() -> None:
    trials = [trial(0, "completed", 0.5), trial(1, "completed", 0.75), trial(2, "pruned"), trial(3, "running")]

    assert headline(study("running", trials)) == (
        "accuracy, the higher the better · running · 4 of 20 trials (1 running, 2 completed, 1 pruned)"
        " · best 0.75 (trial 1)"
    )


def test_the_headline_of_a_failed_study_tells_why() -> None:
    failed = study("failed", metric="MSE", optimize_mode="min", error={"kind": "GridError", "message": "no TTP left"})

    assert headline(failed) == "MSE, the lower the better · failed · 0 of 20 trials · no result yet · no TTP left"


def test_a_table_shows_every_trial_of_a_small_study_and_marks_the_best() -> None:
    trials = [
        trial(0, "completed", 0.5),
        trial(1, "completed", 0.75, hyperparameters={"lr": 0.0123456, "batch_size": 32, "criterion": "BCELoss"}),
        trial(2, "running"),
        trial(3, "failed", reason="worker_2: no answer", progress={}),
    ]

    rows = drawn(study_table(study("running", trials), 10), 120)

    assert [row.split() for row in (rows[1], *rows[3:6])] == [
        ["trial", "state", "round", "accuracy", "lr", "batch_size", "reason"],
        ["0", "completed", "3/5", "0.5", "0.01", "16"],
        ["1", "completed", "3/5", "0.75", "best", "0.01235", "32"],
        ["2", "running", "3/5", "–", "0.01", "16"],
    ]
    assert rows[6].split(maxsplit=6) == ["3", "failed", "–", "–", "0.01", "16", "worker_2: no answer"]


def test_a_study_without_trials_is_its_headline() -> None:
    assert drawn(study_table(study("running"), 10), 120) == [headline(study("running"))]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_trial_takes_one_line_however_narrow_the_terminal_is(width: int) -> None:
    rows = drawn(study_table(study("running", HUNDREDS), 12), width)

    assert max(map(len, rows)) <= width
    assert [row.split()[0] for row in rows[-13:-1]] == [str(one["number"]) for one in outline(HUNDREDS, True, 12)]
    assert rows[-1].startswith("the best,")


def test_of_hundreds_of_trials_the_best_the_running_and_the_newest_are_shown() -> None:
    numbers = [one["number"] for one in outline(HUNDREDS, best_is_high=True, limit=12)]

    assert numbers == [98, 99, 199, 299, 300, 301, 302, 303, 306, 307, 308, 309]


def test_the_lowest_are_the_best_where_lower_is_better() -> None:
    assert {0, 100, 200} <= {one["number"] for one in outline(HUNDREDS, best_is_high=False, limit=12)}


def test_a_moving_table_fits_into_its_terminal() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=80, height=15, color_system=None)
    with MovingTable(console) as table:
        table.study(study("running", HUNDREDS))
        frame = written.getvalue()

    assert frame.count("\n") < 15
    assert "0.99 best" in frame
    assert "more are not shown" in frame


def test_a_transient_table_is_gone_at_the_end() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=80, height=15)
    with MovingTable(console, transient=True) as table:
        table.study(study("completed", [trial(0, "completed", 0.5)]))
    up_and_erased, cursor_shown = r"\x1b\[1A\x1b\[2K", r"\x1b\[\?25h"

    assert re.search(f"({up_and_erased}){{4}}({cursor_shown})?$", written.getvalue())


def test_lines_tell_what_is_new_only() -> None:
    before = [trial(0, "completed", 0.5), trial(1, "running")]
    after = [trial(0, "completed", 0.5), trial(1, "failed", reason="worker_2: no answer"), trial(2, "running")]
    written = io.StringIO()
    with TrialLines(Console(file=written, width=40)) as lines:
        for now in (before, before, after, after):
            lines.study(study("running", now))

    assert written.getvalue().splitlines() == [
        headline(study("running", before)),
        "trial 1: running · lr 0.01, batch_size 16",
        "trial 1: failed · lr 0.01, batch_size 16 · worker_2: no answer",
        "trial 2: running · lr 0.01, batch_size 16",
    ]


def test_a_study_that_has_ended_already_is_one_line() -> None:
    written = io.StringIO()
    ended = study("completed", HUNDREDS[:300])
    with TrialLines(Console(file=written, width=40)) as lines:
        lines.study(ended)

    assert written.getvalue().splitlines() == [headline(ended)]
