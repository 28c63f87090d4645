"""What a running cluster is doing: its queues, its sub-grids and its unfinished jobs."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import urlopen

from synergos.domain.job import FINAL_STATES
from synergos_simulator.broker import broker_in
from synergos_simulator.cluster import BROKER
from synergos_simulator.state import GridState, Program
from synmanager.config import TOPOLOGY
from synmanager.publisher import Publisher


def cluster_status(state: GridState) -> dict[str, list[dict[str, object]]]:
    """``queues``, ``grids`` and ``jobs`` as rows; empty for what is no cluster, or does not run."""
    programs = {program.name: program for program in state.programs}
    director, broker = programs.get("director"), programs.get(BROKER)
    if director is None or broker is None or not (director.is_running and broker.is_running):
        return {}
    return {
        "queues": _queues(broker),
        "grids": [
            _grid(program) for name, program in programs.items() if name.startswith("ttp_") and program.is_running
        ],
        "jobs": _jobs(director),
    }


def _queues(broker: Program) -> list[dict[str, object]]:
    publisher = Publisher(broker_in(Path(broker.log).parents[1] / BROKER, broker.port, tls=broker.tls_context))
    try:
        return [{"queue": queue.name, "waiting": publisher.count(queue.name)} for queue in TOPOLOGY]
    finally:
        publisher.close()


def _grid(ttp: Program) -> dict[str, object]:
    with urlopen(f"{ttp.address}/health", timeout=5, context=ttp.tls_context) as answer:  # noqa: S310 - always http
        health = json.load(answer)
    return {"ttp": ttp.name, "grid": health["grid"], "is_active": health["is_active"]}


def _jobs(director: Program) -> list[dict[str, object]]:
    with director.driver() as driver:
        jobs = [job for job in driver.jobs.read_all()["data"] if job["state"] not in FINAL_STATES]
    return [
        {
            "job": job["id"],
            "stage": job["stage"],
            "project": job["keys"]["project_id"],
            "state": job["state"],
            "grid": job["grid"],
            "attempts": job["attempts"],
            "reason": job["progress"].get("reason"),
        }
        for job in jobs
    ]
