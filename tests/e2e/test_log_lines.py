"""What the programs log of a whole cycle: every line says its program, and whom and which round it is about where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grids.killable_grid import KillableGrid, killable
from grids.real_grid import WORKERS, Study
from support.log_lines import Line, read_lines
from support.waiting import DEADLINE
from synergos_simulator.datasets import Dataset

OF_JOBS = ("synergos_ttp.stages", "synergos_ttp.subscribers", "synergos_ttp.tracking", "synergos_ttp.workers")
"""The packages whose lines are about a job, all of them."""
OF_ROUNDS = ("round done", "round judged")


@pytest.fixture
def grid(tmp_path: Path, data: Path) -> Iterator[KillableGrid]:
    with killable(tmp_path, data, "--debug", "--rejoin_timeout", str(DEADLINE)) as running:
        yield running


def lines_of(grid: KillableGrid, program: str) -> list[Line]:
    [log] = [planned.log for planned in grid.grid.planned_programs if planned.name == program]
    return list(read_lines(Path(log).read_text()))


def expected_ids(study: Study) -> dict[str, dict[str, str]]:
    """What lines about each job of a study are to say, by the job's id."""
    jobs = [job for stage in ("preprocess", "train", "validate", "predict") for job in study.jobs(stage)]
    return {
        job["id"]: {"participant" if name == "participant_id" else name: value for name, value in job["keys"].items()}
        for job in jobs
    }


def test_every_line_says_its_program_and_whom_it_is_about(grid: KillableGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "lines", {"rounds": 4})
    study.declare()
    # So that there is something to be said of a participant.
    grid.arm("training", "worker_1", 1)
    answers = [study.align(), study.train(), study.validate(), study.predict("worker_1")]
    assert all(answer["success"] for answer in answers), answers
    assert grid.deaths == ["worker_1"]

    lines = {program: lines_of(grid, program) for program in ("ttp", *WORKERS)}
    assert [line for program, own in lines.items() for line in own if line.facts.get("component") != program] == []

    # worker_1 twice: it was killed, and started again.
    ready = {program: [line.event for line in own].count("ready") for program, own in lines.items()}
    assert ready == {"ttp": 1, "worker_1": 2, "worker_2": 1}

    ids = expected_ids(study)
    about_jobs = [line for line in lines["ttp"] if line.logger.startswith(OF_JOBS) or "job_id" in line.facts]
    for line in about_jobs:
        wanted = ids[line.facts["job_id"]]
        assert {name: line.facts.get(name) for name in wanted} == wanted, line
    assert {line.facts["job_id"] for line in about_jobs} == ids.keys()
    assert {"job started", "round done", "round judged", "job completed"} <= {line.event for line in about_jobs}

    waiting = [line for line in about_jobs if line.event == "waiting for a participant"]
    assert {line.facts.get("participant") for line in waiting} == {"worker_1"}
    of_rounds = [
        line for line in about_jobs if line.event in OF_ROUNDS or line.facts.get("wanted", "").startswith("round")
    ]
    assert {line.event for line in of_rounds} >= {*OF_ROUNDS, "waiting for a participant"}
    assert {int(line.facts["round"]) for line in of_rounds} == set(range(4))

    run = dict(zip(("collab_id", "project_id", "expt_id", "run_id"), study.keys, strict=True))
    for worker in WORKERS:
        of_sessions = [line for line in lines[worker] if line.logger.startswith("synergos_worker.session")]
        assert {"session opened", "session ended"} <= {line.event for line in of_sessions}
        for line in of_sessions:
            assert {**run, "participant": worker}.items() <= line.facts.items(), line
            assert line.facts["session"]
            assert line.facts["asked_by"] == "ttp"
            assert line.facts["job_id"] in ids
            assert line.facts["address"] == "127.0.0.1"
        prepared = [line for line in lines[worker] if line.event == "preparation completed"]
        assert prepared
        assert all(line.facts["project_id"] == run["project_id"] for line in prepared)
