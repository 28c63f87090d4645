"""Which tests one process runs: what is named is there, and whoever shares what is made once is named."""

from __future__ import annotations

import ast
from pathlib import Path

from support.spreading import GROUPS

TESTS = Path(__file__).parents[1]
BROWSED = {"grid", "portal", "finished"}
"""Fixtures of ``tests/browser/conftest.py`` that cost a grid for each process that uses them."""


def used_from_outside(file: Path) -> set[str]:
    """The names of what the tests and fixtures of a file take and the file has no fixture for."""
    functions = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
    fixtures = [each for each in functions if any("fixture" in ast.unparse(one) for one in each.decorator_list)]
    tests = [each for each in functions if each.name.startswith("test_")]
    taken = {argument.arg for each in (*fixtures, *tests) for argument in each.args.args}
    return taken - {each.name for each in fixtures}


def test_what_is_named_is_there() -> None:
    assert [name for name in GROUPS if not (TESTS / name).exists()] == []


def test_all_that_share_the_browsed_grid_are_run_by_one_process() -> None:
    files = {file: used_from_outside(file) for file in (TESTS / "browser").glob("test_*.py")}

    sharing = {f"browser/{file.name}" for file, taken in files.items() if taken & BROWSED}
    assert sharing == {name for name, group in GROUPS.items() if group == "browsed grid"}
