"""A cycle as somebody goes through it on the portal's pages: step by step, each by the one button that the checklist has for the next."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from grids.real_grid import WORKERS
from servers.portal import RunningPortal
from support.visitor import Visitor
from synergos_simulator.datasets import Dataset


class ByMouse:
    """Clicks on what is to be used."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    def follow(self, name: str) -> None:
        with self._visitor.page.expect_navigation():
            self._visitor.follow(name)

    def fill(self, fields: Mapping[str, str]) -> None:
        self._visitor.fill(fields)

    def upload(self, summary: str, label: str, file: Path) -> None:
        self._visitor.page.get_by_text(summary).click()
        self._visitor.page.get_by_label(label, exact=True).set_input_files(file)


class ByKeyboard:
    """Reaches what is to be used with the Tab key, and never touches the mouse."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    def follow(self, name: str) -> None:
        self._visitor.tab_to(name)
        with self._visitor.page.expect_navigation():
            self._visitor.press("Enter")

    def fill(self, fields: Mapping[str, str]) -> None:
        for label, value in fields.items():
            self._visitor.tab_to(label)
            self._visitor.press("Control+a")
            for number, line in enumerate(value.splitlines()):
                if number:
                    self._visitor.press("Enter")
                self._visitor.page.keyboard.type(line)

    def upload(self, summary: str, label: str, file: Path) -> None:
        self._visitor.tab_to(summary)
        self._visitor.press("Enter")
        # The browser is told to hand the chooser over, and then asked where the focus is: once it answers, it knows. A key
        # right after the first of the two may overtake it, and opens a chooser that nobody sees.
        with self._visitor.page.expect_file_chooser() as chosen:
            self._visitor.tab_to(label)
            self._visitor.press("Enter")
        chosen.value.set_files(file)


Hand = ByMouse | ByKeyboard


def declared(hand: Hand, portal: RunningPortal, visitor: Visitor, name: str, *way: str) -> None:
    """A collaboration and its project, from the portal's first page on."""
    visitor.origins |= portal.origins
    visitor.open(f"{portal.nav}/")
    for link in way:
        hand.follow(link)
    hand.fill({"Name": f"{name} collaboration"})
    hand.follow("Declare")
    hand.follow("New project")
    hand.fill({"Name": name})
    hand.follow("Declare")
    visitor.sees("to do: Participants are registered")


def registered(hand: Hand, visitor: Visitor, who: str, nodes: Sequence[Mapping[str, Any]]) -> None:
    """A new participant with its nodes, from the page that the checklist leads to."""
    hand.follow("New participant")
    hand.fill({"Name": who})
    hand.follow("Declare")
    hand.follow("Register for a project")
    hand.follow("Go on")
    for _ in nodes[1:]:
        hand.follow("Add a node")
    for number, node in enumerate(nodes):
        group = visitor.page.get_by_role("group", name=f"Node {number}", exact=True)
        for label, key in (("Host", "host"), ("Command port", "f_port"), ("Data port", "port")):
            field = group.get_by_label(label, exact=True)
            if isinstance(hand, ByMouse):
                field.fill(str(node[key]))
                continue
            while not field.evaluate("field => field === document.activeElement"):
                visitor.press("Tab")
            visitor.press("Control+a")
            visitor.page.keyboard.type(str(node[key]))
    hand.follow("Check and register")


def validated(
    hand: Hand, visitor: Visitor, dataset: Dataset, nodes: Sequence[Sequence[Mapping[str, Any]]], folder: Path
) -> None:
    """The cycle from the page of an empty project on, which is shown."""
    project = visitor.page.url
    for who, holding, its in zip(WORKERS, dataset.holdings, nodes, strict=True):
        if who == WORKERS[0]:
            _next_step(hand, visitor, project, "Register participants")
        else:
            visitor.open(re.sub("/collaborations.*", "/participants", project))
        registered(hand, visitor, who, its)
        hand.fill({"To train on": "/".join(holding.train), "To measure on": "/".join(holding.evaluate or ())})
        hand.follow("Save")
    launched(hand, visitor, project, dataset, folder)


def launched(hand: Hand, visitor: Visitor, project: str, dataset: Dataset, folder: Path) -> None:
    """What follows when all are registered: a network and a run, each from a file, and all jobs until they have ended.

    Args:
        project: the address of its page.
        folder: for the files.
    """
    architecture, hyperparameters = folder / "architecture.json", folder / "hyperparameters.json"
    architecture.write_text(json.dumps(dataset.architecture))
    hyperparameters.write_text(json.dumps({**dataset.hyperparameters, "rounds": 2, "epochs": 1}))
    for verb, name, file, show in (
        ("New experiment", "network", architecture, "Show the layers of this file"),
        ("New run", "first", hyperparameters, "Show what this file says"),
    ):
        _next_step(hand, visitor, project, verb)
        hand.upload(f"Upload {file.name} instead", file.name, file)
        hand.follow(show)
        hand.fill({"Name": name})
        hand.follow("Declare")
    # Everything that is left to do is chosen there already.
    _next_step(hand, visitor, project, "Align")
    visitor.sees("3 jobs")
    hand.follow("Start")
    visitor.sees("All jobs of this launch have ended.")
    expect(visitor.page.get_by_role("row").filter(has_text="completed")).to_have_count(3)
    visitor.open(project)
    visitor.sees("done: Models are validated", "All done: compare runs, or declare another one.")


def _next_step(hand: Hand, visitor: Visitor, project: str, verb: str) -> None:
    """Follow the one button that the checklist has for the next step."""
    visitor.open(project)
    expect(visitor.page.locator("#checklist ~ ol .btn-primary")).to_have_text(verb)
    hand.follow(verb)
