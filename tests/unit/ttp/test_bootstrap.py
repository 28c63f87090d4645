"""What a TTP does with its folders when it is put together."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from shutil import copyfile

import pytest

from synergos.program.program import ProgramSettings
from synergos_ttp.bootstrap import build_ttp
from synergos_ttp.settings import Settings


@pytest.mark.parametrize(
    ("kept", "left"), [(None, ["killed"]), (timedelta(days=9), ["killed"]), (timedelta(days=1), [])]
)
def test_rounds_that_a_kill_has_left_go_as_it_was_told(
    tmp_path: Path, migrated: Path, kept: timedelta | None, left: list[str]
) -> None:
    copyfile(migrated, tmp_path / "records.sqlite")
    rounds = tmp_path / "outputs" / ".rounds" / "killed"
    rounds.mkdir(parents=True)
    then = rounds.stat().st_mtime - 2 * 86_400
    os.utime(rounds, (then, then))
    settings = Settings(
        program=ProgramSettings("ttp", "127.0.0.1", 5000),
        database=f"sqlite:///{tmp_path / 'records.sqlite'}",
        outputs=tmp_path / "outputs",
        mlflow=tmp_path / "mlflow",
        keep_rounds=kept,
    )

    ttp = build_ttp(settings)
    ttp.stop()
    ttp.close()

    assert [path.name for path in (tmp_path / "outputs").glob(".rounds/*")] == left
