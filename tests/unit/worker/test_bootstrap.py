"""A worker as it is put together."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from werkzeug.test import Client

from synergos.identity.identity import FOLDER
from synergos.permission.told import TOLD, Told
from synergos_worker.bootstrap import build_worker
from synergos_worker.settings import Settings


@pytest.mark.parametrize("has_metrics", [True, False])
def test_a_worker_without_metrics_has_none(tmp_path: Path, has_metrics: bool) -> None:
    settings = Settings(tmp_path / "data", tmp_path / "outputs", has_metrics=has_metrics)

    worker = build_worker(settings)
    try:
        answer = Client(worker.applications()[settings.port]).get("/metrics")
    finally:
        worker.stop()
        worker.close()

    assert answer.status_code == (200 if has_metrics else 404)
    assert (b"synergos_transferred_bytes_total" in answer.data) == has_metrics


def test_a_worker_begins_where_commands_cannot_be_told_how(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "data", tmp_path / "outputs")
    told = settings.outputs / FOLDER / TOLD
    told.mkdir(parents=True)

    build_worker(settings).close()
    told.rmdir()
    build_worker(settings).close()
    before = told.stat().st_ino
    build_worker(settings).close()

    assert told.stat().st_ino == before
    assert Told.read(told).data == str(settings.data.resolve())


def test_of_what_the_owner_has_decided_nothing_hinges_on_what_cannot_be_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = build_worker(Settings(tmp_path / "data", tmp_path / "outputs"))
    looked = threading.Event()

    def fail() -> float:
        raise OSError("for once")

    try:
        monkeypatch.setattr(worker.visitors, "look", fail)
        monkeypatch.setattr(worker.sessions, "end_refused", looked.set)
        assert looked.wait(60)
    finally:
        worker.close()
