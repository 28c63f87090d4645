"""Each promise of the threat model names tests, and each of them is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)::([a-z0-9_]+)`")
ACTORS = (
    "curious TTP", "steering participant", "malicious orchestrator", "approved orchestrator that is curious",
    "client of an approved orchestrator", "poisoned update", "stolen node key", "network attacker", "queue writer",
    "tracking server", "web page", "reader of logs", "another user of the host", "spreadsheet", "second process",
)  # fmt: skip


def promises() -> list[str]:
    """The rows of the tables that name tests."""
    rows, is_table = [], False
    for line in TEXT.splitlines():
        if line.startswith("| promise |"):
            is_table = True
        elif not line.startswith("|"):
            is_table = False
        elif is_table and not line.startswith("|---"):
            rows.append(line)
    return rows


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))


def test_every_promise_names_a_test_that_is_there() -> None:
    assert len(promises()) > 40
    for promise in promises():
        named = TEST.findall(promise)
        assert named, f"no test: {promise}"
        # Whatever looks like the name of a test is one.
        assert len(named) == promise.count("::")
        for file, name in named:
            assert (ROOT / file).is_file(), f"there is no {file}: {promise}"
            assert name in names_in(file), f"there is no {name} in {file}: {promise}"


@pytest.mark.parametrize("actor", ACTORS)
def test_every_actor_has_a_section(actor: str) -> None:
    headings = [line for line in TEXT.splitlines() if line.startswith("### ")]

    assert any(actor.lower() in heading.lower() for heading in headings)
