"""Somebody at a browser declares what is to be tried, by keyboard alone, and is told when others do so at the same time."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import expect

from grids.real_grid import RealGrid
from servers.portal import RunningPortal
from support.visitor import Visitor

REFUSED = "status of 422"
"""What a browser says on its console of a form that was not taken."""


def test_a_network_and_a_run_are_declared_by_keyboard_alone(
    visitor: Visitor, portal: RunningPortal, grid: RealGrid
) -> None:
    visitor.expected.add(REFUSED)
    visitor.open(f"{portal.view}/collaborations")
    for link, field, name in (("New collaboration", "Name", "by keyboard"), ("New project", "Name", "risk")):
        visitor.tab_to(link)
        visitor.press("Enter")
        visitor.page.get_by_label(field).wait_for()
        visitor.tab_to(field)
        visitor.page.keyboard.type(name)
        visitor.press("Enter")
        expect(visitor.page.get_by_role("heading", level=1)).to_have_text(name)

    visitor.tab_to("New experiment")
    visitor.press("Enter")
    visitor.sees("Layer 1")
    visitor.tab_to("Name")
    visitor.page.keyboard.type("net")
    visitor.tab_to("Add layer")
    visitor.press("Enter")
    visitor.sees("Layer 2")
    # Where a row was added, the focus is.
    expect(visitor.page.get_by_label("Layer 2", exact=True)).to_be_focused()
    visitor.tab_to("Remove layer 2")
    visitor.press("Enter")
    expect(visitor.page.get_by_label("Layer 2", exact=True)).to_have_count(0)
    visitor.tab_to("Declare")
    visitor.press("Enter")
    visitor.sees("Nothing was changed", "Linear needs it")
    visitor.tab_to("Layer 1, out_features")
    visitor.press("Enter")
    expect(visitor.page.locator("#layers-0-structure-out_features")).to_be_focused()
    visitor.page.keyboard.type("1")
    visitor.press("Enter")
    visitor.sees("As asked for", "out_features 1")
    assert visitor.findings() == []

    visitor.tab_to("New run")
    visitor.press("Enter")
    visitor.sees("Most runs say")
    visitor.tab_to("Name")
    visitor.page.keyboard.type("first")
    visitor.press("Enter")
    visitor.sees("It has not been trained.")
    run = grid.driver.runs.read("by keyboard", "risk", "net", "first")["data"]
    assert run["key"]["run_id"] == "first"


def test_two_editors_of_a_run_lose_nothing_by_each_other(
    visitor: Visitor, portal: RunningPortal, grid: RealGrid, tmp_path: Path
) -> None:
    visitor.expected.add(REFUSED)
    driver = grid.driver
    driver.collaborations.create("edited")
    driver.projects.create("edited", "risk", "classify", {})
    driver.experiments.create(
        "edited",
        "risk",
        "net",
        [
            {
                "is_input": True,
                "l_type": "Linear",
                "structure": {"in_features": 1, "out_features": 1},
                "activation": "sigmoid",
            }
        ],
    )
    file = tmp_path / "hyperparameters.json"
    file.write_text(json.dumps({"rounds": 4, "lr": 0.05}))
    visitor.open(f"{portal.view}/collaborations/edited/projects/risk/experiments/net/runs/new")
    visitor.page.get_by_text("Upload hyperparameters.json instead").click()
    visitor.page.get_by_label("hyperparameters.json").set_input_files(file)
    visitor.follow("Show what this file says")
    expect(visitor.page.get_by_label("rounds")).to_have_value("4")
    visitor.fill({"Name": "first"})
    visitor.follow("Declare")
    visitor.follow("Edit")

    driver.runs.update("edited", "risk", "net", "first", rounds=9)
    visitor.page.get_by_label("epochs").fill("2")
    visitor.follow("Save")

    visitor.sees("has been changed since it was read: rounds", "What is saved there now", "Your values are still here.")
    expect(visitor.page.get_by_label("epochs")).to_have_value("2")
    assert driver.runs.read("edited", "risk", "net", "first")["data"]["rounds"] == 9
    assert visitor.findings() == []
    visitor.page.get_by_label("rounds").fill("9")
    visitor.follow("Save")
    visitor.sees("It has not been trained.")
    kept = driver.runs.read("edited", "risk", "net", "first")["data"]
    assert (kept["rounds"], kept["epochs"]) == (9, 2)
