"""A director as it is put together."""

from __future__ import annotations

import threading
from pathlib import Path
from shutil import copyfile
from typing import cast

import pytest
from werkzeug.test import Client

from synergos.program.program import ProgramSettings
from synergos_director.bootstrap import Director
from synergos_director.settings import Settings
from synmanager.memory import MemoryBroker
from synmanager.rabbitmq import Broker


@pytest.mark.parametrize("has_metrics", [True, False])
def test_a_director_without_metrics_measures_nothing(tmp_path: Path, migrated: Path, has_metrics: bool) -> None:
    copyfile(migrated, tmp_path / "records.sqlite")
    (tmp_path / "outputs").mkdir()
    settings = Settings(
        program=ProgramSettings("director", "127.0.0.1", 5000, has_metrics=has_metrics),
        database=f"sqlite:///{tmp_path / 'records.sqlite'}",
        outputs=tmp_path / "outputs",
        queue=cast("Broker", MemoryBroker()),
    )

    director = Director(settings)
    try:
        [app] = director.applications().values()
        answer = Client(app).get("/metrics")
        health = Client(app).get("/health").get_json()
        threads = {thread.name for thread in threading.enumerate()}
    finally:
        director.stop()
        director.close()

    assert answer.status_code == (200 if has_metrics else 404)
    assert ("queues" in threads) == has_metrics
    assert health["queue_user"] == settings.queue.user
