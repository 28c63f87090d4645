"""Where Prometheus finds the programs of a grid on this machine."""

from __future__ import annotations

import json
from pathlib import Path

from synergos_simulator.scrape_targets import FILE_NAME, write_targets
from synergos_simulator.state import Program


def test_each_program_that_has_metrics_is_a_target_under_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "hospitals"
    folder.mkdir()

    def program(name: str, port: int, *command: str) -> Program:
        return Program(name, ["python", "-m", *command, "--id", name], "", "127.0.0.1", port)

    write_targets(
        folder,
        [
            program("rabbitmq", 1, "rabbitmq-server"),
            program("mlops", 2, "synergos.mlops_server"),
            program("worker_1_0", 3, "synergos_worker"),
            program("ttp_0", 4, "synergos_ttp"),
        ],
    )

    assert json.loads((folder / FILE_NAME).read_text()) == [
        {
            "targets": ["127.0.0.1:3"],
            "labels": {"job": "synergos_worker", "grid": "hospitals", "instance": "worker_1_0"},
        },
        {"targets": ["127.0.0.1:4"], "labels": {"job": "synergos_ttp", "grid": "hospitals", "instance": "ttp_0"}},
    ]
