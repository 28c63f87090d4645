"""The catalogue and the lineage of a model, in a browser, on a grid whose workers publish what they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from grids.real_grid import RealGrid, Study, started
from servers.portal import RunningPortal, running
from support.visitor import Visitor
from support.waiting import until
from synergos_simulator.datasets import Dataset, write_example

PLANTED = "98765.4321"
_MOST = 160
"""Addresses that are looked at."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Data of this module's own: one cell is planted, and one column is of another type at the second participant."""
    dataset = write_example(tmp_path_factory.mktemp("published"), "wine")
    first, second = (dataset.root.joinpath(*tag) for tag in dataset.tags("train"))
    [rows] = first.glob("*.csv")
    lines = rows.read_text().splitlines()
    rows.write_text("\n".join([lines[0], ",".join([PLANTED, *lines[1].split(",")[1:]]), *lines[2:]]) + "\n")
    schema = json.loads((second / "schema.json").read_text())
    columns = schema.get("columns", schema)
    columns["hue"] = {"type": "float64", "unit": "degrees"} if "columns" in schema else "float32"
    (second / "schema.json").write_text(json.dumps(schema))
    (first / "catalogue.json").write_text(json.dumps({"title": "Wines <b>of</b> the north"}))
    return dataset


@pytest.fixture(scope="module")
def publishing(tmp_path_factory: pytest.TempPathFactory, published: Dataset) -> Iterator[RealGrid]:
    flags = ("--catalogue", "schema")
    with started(tmp_path_factory.mktemp("grid"), published.root, worker_flags=flags) as grid:
        yield grid


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, publishing: RealGrid) -> Iterator[RunningPortal]:
    with running(tmp_path_factory.mktemp("portal"), publishing.grid.ttp.address) as found:
        yield found


@pytest.fixture(scope="module")
def study(publishing: RealGrid, published: Dataset) -> Study:
    study = Study(publishing, published, "published", {"rounds": 2, "epochs": 1})
    study.declare()
    return study


def changes(study: Study) -> list[dict[str, str]]:
    """What has changed since its model was trained."""
    found: list[dict[str, str]] = study.grid.driver.catalogue.lineage(*study.keys)["data"]["changes"]
    return found


def test_before_anybody_aligns_it_is_seen_what_there_is_and_what_uses_it(
    visitor: Visitor, pages: RunningPortal, study: Study, published: Dataset
) -> None:
    collaboration, project, *_ = study.keys
    folder = "/".join(published.tags("train")[0])
    visitor.origins |= pages.origins
    visitor.open(f"{pages.view}/catalogue")
    visitor.follow(f"{collaboration} / {project}")
    side_by_side = visitor.page.get_by_role("group", name="Columns by participant")
    expect(side_by_side.get_by_role("row", name=re.compile("^alcohol float64 float64"))).to_be_visible()
    main = visitor.page.get_by_role("main")
    main.get_by_role("link", name=folder).first.click()

    expect(main.get_by_role("heading", level=1)).to_have_text(folder)
    expect(main).to_contain_text("Wines <b>of</b> the north")
    expect(main.get_by_role("row", name=re.compile("published_project"))).to_contain_text("to train")
    assert PLANTED not in visitor.page.content()


def test_lineage_says_what_has_changed_since_and_is_followed_by_keyboard(
    visitor: Visitor, pages: RunningPortal, study: Study, published: Dataset
) -> None:
    for answer in (study.align(), study.train(), study.validate()):
        assert answer["success"], answer
    address = f"{pages.view}/lineage/{'/'.join(study.keys)}"
    visitor.origins |= pages.origins
    visitor.open(address)
    main = visitor.page.get_by_role("main")
    expect(main).to_contain_text("Nothing that is known has changed since the model was trained.")
    study.grid.driver.runs.update(*study.keys, rounds=5)
    visitor.follow("Look again")

    expect(main.locator("#changes")).to_contain_text("rounds was 2 and is 5 now")
    part = main.get_by_role("link", name="Run: published_run, changed since")
    part.focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page).to_have_url(re.compile("#part-"))
    folder = published.tags("train")[1]
    [rows] = published.root.joinpath(*folder).glob("*.csv")
    rows.write_text(rows.read_text() + rows.read_text().splitlines()[-1] + "\n")
    until(lambda: any("dataset" in each["node"] for each in changes(study)), "the dataset to be looked at again")

    def is_told() -> bool:
        # Of a dataset no feed tells: what was asked for a moment ago is still good.
        visitor.follow("Look again")
        return "has changed since the model was trained" in main.locator("#changes").inner_text()

    until(is_told, "the page to say it", every=0.5)
    assert PLANTED not in visitor.page.content()


def test_a_value_of_the_data_is_in_no_page_answer_or_log(
    visitor: Visitor, publishing: RealGrid, pages: RunningPortal, study: Study
) -> None:
    """When everything was done with it that there is."""
    for answer in (study.align(), study.train(), study.validate(), study.predict("worker_1")):
        assert answer["success"], answer
    visitor.origins |= pages.origins
    begin = [f"{pages.nav}/home", f"{pages.nav}/status", f"{pages.nav}/search?q=worker", f"{pages.view}/collaborations"]
    begin += [
        f"{pages.view}/{path}" for path in ("jobs", "participants", "catalogue", f"lineage/{'/'.join(study.keys)}")
    ]
    looked_at, telling = 0, []
    for address, shown in visitor.reached(*begin, most=_MOST):
        looked_at += shown.ok
        if PLANTED.encode() in shown.body():
            telling.append(address)
    logs = [Path(pages.program.log), *Path(publishing.grid.folder).rglob("*.log*")]

    assert looked_at > 100
    assert telling == []
    assert [log.name for log in logs if PLANTED in log.read_text(errors="replace")] == []


def test_nobody_is_kept_from_them(visitor: Visitor, pages: RunningPortal, study: Study, published: Dataset) -> None:
    collaboration, project, *_ = study.keys
    visitor.origins |= pages.origins
    paths = (
        "catalogue",
        f"catalogue?collab_id={collaboration}&project_id={project}",
        f"catalogue/worker_1/{'/'.join(published.tags('train')[0])}",
        f"lineage/{'/'.join(study.keys)}",
    )

    wrong = visitor.kept_from(f"{pages.view}/{path}" for path in paths)

    assert not wrong, "\n".join(wrong)
