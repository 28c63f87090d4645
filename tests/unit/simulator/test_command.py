"""How to stop a grid is said so that it can be typed as it is, in an environment that was entered and in none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from synergos_simulator.command import stopping


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an environment's programs, ours among them; the environment has not been entered."""
    programs = tmp_path / "our environment" / "bin"
    programs.mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return programs


def program(folder: Path) -> None:
    (folder / "synergos").write_text("#!/bin/sh\n")
    (folder / "synergos").chmod(0o755)


def test_one_that_was_entered_knows_it_by_its_name(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(own)
    monkeypatch.setenv("PATH", str(own))

    assert stopping(Path("/runs/of wine")) == "synergos grid down --folder '/runs/of wine'"


def test_of_one_that_was_not_it_is_the_programs_place_whatever_else_is_called_so(own: Path, tmp_path: Path) -> None:
    program(own)
    assert stopping(Path("/run")) == f"'{own}/synergos' grid down --folder /run"

    program(tmp_path)
    assert stopping(Path("/run")) == f"'{own}/synergos' grid down --folder /run"


def test_where_there_is_no_program_python_is_asked(own: Path) -> None:
    assert stopping(Path("/run")) == f"'{own}/python' -m synergos.cli grid down --folder /run"
