"""What a TTP does with its folders when it is put together."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path
from shutil import copyfile

import pytest
from werkzeug.test import Client

from support.waiting import until
from synergos.domain.keys import RunKey
from synergos.program.program import ProgramSettings
from synergos_ttp.bootstrap import build_ttp
from synergos_ttp.settings import Settings
from synergos_ttp.tracking.note_spool import NoteSpool
from synergos_ttp.tracking.tracker import TrackingSubject


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


@pytest.mark.parametrize("has_metrics", [True, False])
def test_a_ttp_without_metrics_measures_nothing(tmp_path: Path, migrated: Path, has_metrics: bool) -> None:
    copyfile(migrated, tmp_path / "records.sqlite")
    settings = Settings(
        program=ProgramSettings("ttp", "127.0.0.1", 5000, has_metrics=has_metrics),
        database=f"sqlite:///{tmp_path / 'records.sqlite'}",
        outputs=tmp_path / "outputs",
        mlflow=tmp_path / "mlflow",
    )

    ttp = build_ttp(settings)
    try:
        [app] = ttp.applications().values()
        answer = Client(app).get("/metrics")
        threads = {thread.name for thread in threading.enumerate()}
    finally:
        ttp.stop()
        ttp.close()

    assert answer.status_code == (200 if has_metrics else 404)
    assert ("participants" in threads) == has_metrics


def test_studies_are_followed_to_their_end_and_nothing_is_left_of_them(tmp_path: Path, migrated: Path) -> None:
    copyfile(migrated, tmp_path / "records.sqlite")
    spools = tmp_path / "outputs" / ".mlflow_spool"
    killed = NoteSpool(spools)
    killed.note_trial("a" * 32, "a study that was deleted", TrackingSubject(RunKey("c", "p", "e", "r")).to_json())
    killed._lock.release()
    settings = Settings(
        program=ProgramSettings("ttp", "127.0.0.1", 5000),
        database=f"sqlite:///{tmp_path / 'records.sqlite'}",
        outputs=tmp_path / "outputs",
        mlflow=tmp_path / "mlflow",
    )

    ttp = build_ttp(settings)
    try:
        until(lambda: not ttp._parts.tracker.studies(), "its end to be noticed")  # type: ignore[attr-defined]
    finally:
        ttp.stop()
        ttp.close()

    assert list(spools.iterdir()) == []
