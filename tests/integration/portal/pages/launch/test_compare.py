"""Runs compared on a page, and their files."""

from __future__ import annotations

import csv
import html
import io
import re
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

import pytest

from fakes.portal import Portal
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore

PROJECT = "/collaborations/collaboration_0/projects/project_0"
FILES = f"/downloads{PROJECT}/experiments/experiment_0/runs/run_1"


def runs(*numbers: int) -> str:
    return "&".join(f"run=experiment_0/run_{number}" for number in numbers)


def row(page: str, name: str) -> str:
    """The first row of a table that is called so."""
    [found, *_] = re.findall(rf"<tr>\s*<th[^>]*><code>{re.escape(name)}</code>.*?</tr>", page, re.DOTALL)
    return str(found)


def test_only_parameters_that_differ_are_shown_unless_all_are_wanted(grid: Portal) -> None:
    some = grid.visitor().get(f"{PROJECT}/compare?{runs(1, 2)}").text
    everything = grid.visitor().get(f"{PROJECT}/compare?{runs(1, 2)}&all=1").text

    assert "0.002" in row(some, "lr")
    assert "<code>optimizer</code>" not in some
    assert "SGD" in row(everything, "optimizer")


def test_of_a_regression_the_run_with_the_smallest_error_is_marked(grid: Portal, store: RecordStore) -> None:
    page = grid.visitor().get(f"{PROJECT}/compare?{runs(1, 2, 3)}").text

    errors = {
        number: store.find(Kind.VALIDATION, {"run_id": f"run_{number}"})[0]["evaluate"]["statistics"]["MSE"]
        for number in (1, 2, 3)
    }
    cells = re.findall(r"<td.*?</td>", row(page, "mean.MSE"), re.DOTALL)
    marked = [number for number, cell in zip((1, 2, 3), cells, strict=True) if "★" in cell]
    assert marked == [min(errors, key=lambda number: errors[number])]
    assert "smallest is best" in row(page, "mean.MSE")
    assert "largest is best" in row(page, "mean.R2")


def test_the_losses_of_all_are_lines_on_one_axis(grid: Portal) -> None:
    page = grid.visitor().get(f"{PROJECT}/compare?{runs(1, 2, 3)}").text

    assert page.count("<polyline") == 3
    assert page.count("<svg") == 1
    assert "<polyline" in grid.visitor().get(f"{PROJECT}/compare?{runs(1)}&scale=log&series=train").text


def test_the_file_has_what_the_records_have(grid: Portal, store: RecordStore) -> None:
    answer = grid.visitor().get(f"{PROJECT}/compare.csv?{runs(1, 2)}")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.mimetype == "text/csv"
    for number, told in zip((1, 2), rows, strict=True):
        key = RunKey("collaboration_0", "project_0", "experiment_0", f"run_{number}")
        assert float(told["lr"]) == store.get(Kind.RUN, key)["lr"]
        for validation in store.find(Kind.VALIDATION, key):
            who = validation["key"]["participant_id"]
            for name, value in validation["evaluate"]["statistics"].items():
                assert float(told[f"{who}.{name}"]) == value


def test_what_is_not_offered_is_led_to(grid: Portal, store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synergos_portal.pages.launch.compare.OFFERED", 1)
    store.put(Kind.EXPERIMENT, {**RunKey("collaboration_0", "project_0", "new", "r").to_dict()}, {"model": []})
    visitor = grid.visitor()

    page = visitor.get(f"{PROJECT}/compare?open=experiment_0").text
    assert "Only the newest 1 are shown" in page
    assert f'href="{PROJECT}/experiments/experiment_0#runs"' in page
    [following] = re.findall(r'rel="next" href="([^"]*)"', page)
    assert "open=" not in following
    while "experiment_0</a>" in page or ">new</a>" not in page:
        [following] = re.findall(r'rel="next" href="([^"]*)"', page)
        page = visitor.get(html.unescape(following)).text
    assert "First experiments" in page


def test_at_most_eight_are_compared(grid: Portal) -> None:
    page = grid.visitor().get(f"{PROJECT}/compare?{runs(*range(10))}").text

    assert "more than 8 runs" in page
    assert page.count("<polyline") == 8


@pytest.mark.parametrize("query", ["run=nonsense", "run=experiment_0/nobody", "run=/", "run=experiment_0/a%2Fb"])
def test_a_run_that_is_not_there_is_said(grid: Portal, query: str) -> None:
    answer = grid.visitor().get(f"{PROJECT}/compare?{query}&{runs(1)}")

    assert answer.status_code == HTTPStatus.OK
    assert 'role="alert"' in answer.text
    assert answer.text.count("<polyline") == 1


def test_files_are_listed_and_handed_on_as_they_are(grid: Portal, filled_folder: Path) -> None:
    file = (
        filled_folder
        / "outputs"
        / "collaboration_0"
        / "project_0"
        / "experiment_0"
        / "run_1"
        / "global_loss_history.json"
    )
    listed = grid.visitor().get(FILES).text

    answer = grid.visitor().get(f"{FILES}/global_loss_history.json")

    assert sha256(file.read_bytes()).hexdigest() in listed
    assert answer.data == file.read_bytes()
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "Content-Encoding" not in answer.headers


def test_a_part_of_a_file_is_handed_on_and_what_has_not_changed_is_not(grid: Portal) -> None:
    visitor = grid.visitor()
    whole = visitor.get(f"{FILES}/global_loss_history.json")

    part = visitor.get(f"{FILES}/global_loss_history.json", Range="bytes=3-9")
    same = visitor.get(f"{FILES}/global_loss_history.json", If_None_Match=whole.headers["ETag"])

    assert (part.status_code, part.data) == (HTTPStatus.PARTIAL_CONTENT, whole.data[3:10])
    assert (same.status_code, same.data) == (HTTPStatus.NOT_MODIFIED, b"")


@pytest.mark.parametrize("path", [f"{FILES}/nobody.pt", "/downloads/studies/nobody/picture"])
def test_a_file_that_is_not_there_is_a_page(grid: Portal, path: str) -> None:
    answer = grid.visitor().get(path)

    assert (answer.status_code, answer.mimetype) == (HTTPStatus.NOT_FOUND, "text/html")
