"""Collaborations take turns at a basic TTP, and nobody waits for ever because new ones keep coming."""

from __future__ import annotations

from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos_ttp.running.turns import Turns


def job(collaboration: str) -> Job:
    return Job(Stage.PREPROCESS, job_key({"collab_id": collaboration, "project_id": "p"}))


def taken(turns: Turns, waiting: dict[str, str]) -> str:
    """Whose turn it is."""
    job_id = turns.take()
    assert job_id is not None
    return waiting[job_id]


def test_who_asks_for_one_job_waits_for_the_one_in_hand() -> None:
    turns, waiting = Turns(), dict[str, str]()

    def add(collaboration: str) -> None:
        found = job(collaboration)
        waiting[found.id] = collaboration
        turns.add(found)

    for _ in range(3):
        add("many")
    first = taken(turns, waiting)
    add("one")

    assert [first, *(taken(turns, waiting) for _ in range(3))] == ["many", "one", "many", "many"]


def test_new_ones_one_after_the_other_keep_nobody_waiting() -> None:
    turns, waiting = Turns(), dict[str, str]()

    def add(collaboration: str) -> None:
        found = job(collaboration)
        waiting[found.id] = collaboration
        turns.add(found)

    for _ in range(10):
        add("old")
    served = [taken(turns, waiting)]
    for number in range(20):
        add(f"new_{number}")
        served.append(taken(turns, waiting))

    # Its turn comes when those have had theirs who came before it had its last one.
    assert served.count("old") >= 4
