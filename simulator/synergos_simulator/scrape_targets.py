"""Where Prometheus finds the programs of a grid on this machine, whose ports differ from one grid to the next.

A file of targets as Prometheus reads it (``file_sd_configs``); what is done with them stands in ``docker/metrics/processes.yml``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from synergos_simulator.state import Program

FILE_NAME = "metrics_targets.json"
_MEASURED = ("synergos_director", "synergos_ttp", "synergos_worker")


def write_targets(folder: Path, programs: Sequence[Program]) -> None:
    """Write down the command ports of those programs that have metrics, each under its name, and the grid's: its folder's."""
    grid = folder.resolve().name
    targets = [
        {
            "targets": [f"{program.host}:{program.port}"],
            "labels": {
                "job": job,
                "grid": grid,
                "instance": program.name,
                **({"__scheme__": "https"} if program.tls else {}),
            },
        }
        for program in programs
        # Nobody can ask one that listens nowhere.
        if not program.outputs
        for job in _jobs_of(program)
    ]
    (folder / FILE_NAME).write_text(json.dumps(targets, indent=2) + "\n", encoding="utf-8")


def _jobs_of(program: Program) -> Iterator[str]:
    """Which program it is, as its command says: ``python -m synergos_ttp …``; nothing of a broker or of others' programs."""
    return (part for part in program.command if part in _MEASURED)
