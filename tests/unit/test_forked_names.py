"""What tests fork in place of executing it is what programs start: what has another name would be executed, in silence, and take longer."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import pytest

from grids.forked import PRELOADED, THAT_KNOWS_MLFLOW
from support.fork_server import module_of
from synergos_ttp.tracking import mlflow_models, model_form
from synergos_ttp.tracking.notes import NotWritten, StudyNotes, Target
from synergos_ttp.tracking.writer_process import WriterProcess


@pytest.mark.parametrize("name", PRELOADED)
def test_what_is_loaded_before_is_a_module(name: str) -> None:
    assert find_spec(name) is not None


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The modules that somebody wants to start meanwhile; nobody does."""
    found: list[str | None] = []

    def refuse(command: list[str], **_: Any) -> NoReturn:
        found.append(module_of(command))
        raise OSError("no room for another program")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(subprocess, "run", refuse)
    return found


def test_the_process_that_knows_mlflow_is_the_one_that_is_forked(started: list[str | None], tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="TrackingProcessEnded"):
        WriterProcess(tmp_path).write(StudyNotes(Target("experiment", "run"), "1", "FINISHED"))

    assert started == [THAT_KNOWS_MLFLOW]


def test_what_brings_a_model_into_mlflows_form_is_the_one_that_is_forked(
    started: list[str | None], tmp_path: Path
) -> None:
    """By its process: see ``tests/servers/mlflow_programs.py``."""
    with pytest.raises(OSError, match="no room"):
        mlflow_models._form_of(tmp_path)

    assert started == [model_form.__name__]
