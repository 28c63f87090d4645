"""Definition files are uploaded, and each way in which one can be wrong is told at its field, with all that was typed kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from grids.real_grid import Study
from servers.portal import RunningPortal
from support.visitor import Visitor

_NO_DEFINITION = {
    b"rounds: 3": "not JSON (line 1",
    b"\xff\xfe": "not JSON",
    b"[" * 100_000: "levels of nesting",
    b'{"lr": NaN}': "not JSON (NaN is not JSON",
    b"": "not JSON",
}
_TOO_LARGE = 9 * 2**20
"""Bytes; eight MiB are taken."""


@pytest.mark.parametrize(
    ("page", "summary", "label", "show", "another_kind"),
    [
        ("new", "Upload architecture.json instead", "architecture.json", "Show the layers of this file", b'{"lr": 1}'),
        ("runs/new", "Upload hyperparameters.json instead", "hyperparameters.json", "Show what this file says", b"[1]"),
        ("tune", None, "Search space from a file", "Look it over", b"[1]"),
    ],
    ids=["architecture", "hyperparameters", "ranges"],
)
def test_a_file_that_is_none_is_refused_in_words(
    visitor: Visitor,
    portal: RunningPortal,
    finished: Study,
    tmp_path: Path,
    page: str,
    summary: str | None,
    label: str,
    show: str,
    another_kind: bytes,
) -> None:
    collaboration, project, experiment, _ = finished.keys
    experiments = f"{portal.view}/collaborations/{collaboration}/projects/{project}/experiments"
    visitor.expected.add("status of 422")
    visitor.open(f"{experiments}/new" if page == "new" else f"{experiments}/{experiment}/{page}")
    if summary is not None:
        visitor.page.get_by_text(summary).click()
        visitor.fill({"Name": "kept"})
    file = tmp_path / "definition.json"
    before = json.dumps(finished.grid.driver.runs.read_all(collaboration, project, experiment)["data"])

    for content, words in {**_NO_DEFINITION, another_kind: "expected"}.items():
        file.write_bytes(content)
        field = visitor.page.get_by_label(label, exact=True)
        field.set_input_files(file)
        with visitor.page.expect_navigation():
            visitor.follow(show)
        expect(visitor.page.locator("#errors")).to_contain_text(words)
        expect(field).to_be_visible()
        expect(field).to_have_attribute("aria-invalid", "true")
        if summary is not None:
            expect(visitor.page.get_by_label("Name", exact=True)).to_have_value("kept")
    visitor.page.locator("#errors a").first.click()
    expect(visitor.page.get_by_label(label, exact=True)).to_be_focused()

    assert json.dumps(finished.grid.driver.runs.read_all(collaboration, project, experiment)["data"]) == before


def test_one_that_is_too_large_is_a_page_that_says_so(
    visitor: Visitor, portal: RunningPortal, finished: Study, tmp_path: Path
) -> None:
    collaboration, project, *_ = finished.keys
    visitor.expected.update({"413", "422", "ERR_CONNECTION"})
    visitor.open(f"{portal.view}/collaborations/{collaboration}/projects/{project}/experiments/new")
    file = tmp_path / "architecture.json"
    file.write_bytes(b"[" + b" " * _TOO_LARGE + b"]")
    visitor.page.get_by_text("Upload architecture.json instead").click()
    visitor.page.get_by_label("architecture.json", exact=True).set_input_files(file)

    visitor.follow("Show the layers of this file")

    visitor.sees("too large")
