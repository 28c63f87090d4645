"""Collaborations take turns at a basic TTP, and nobody waits for ever because new ones keep coming."""

from __future__ import annotations

from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos_ttp.running.turns import Turns


def job(collaboration: str) -> Job:
    return Job(Stage.PREPROCESS, job_key({"collab_id": collaboration, "project_id": "p"}))


class Line:
    """Jobs that wait, told by their collaborations."""

    def __init__(self) -> None:
        self._turns = Turns()
        self._collaboration_of: dict[str, str] = {}

    def add(self, collaboration: str) -> None:
        """Have one more job of a collaboration wait."""
        found = job(collaboration)
        self._collaboration_of[found.id] = collaboration
        self._turns.add(found)

    def take(self) -> str:
        """Whose turn it is."""
        job_id = self._turns.take()
        assert job_id is not None
        return self._collaboration_of[job_id]


def test_who_asks_for_one_job_waits_for_the_one_in_hand() -> None:
    line = Line()
    for _ in range(3):
        line.add("many")

    first = line.take()
    line.add("one")

    assert [first, *(line.take() for _ in range(3))] == ["many", "one", "many", "many"]


def test_new_ones_one_after_the_other_keep_nobody_waiting() -> None:
    line = Line()
    for _ in range(10):
        line.add("old")

    served = [line.take()]
    for number in range(20):
        line.add(f"new_{number}")
        served.append(line.take())

    # Its turn comes when those have had theirs who came before it had its last one.
    assert served.count("old") >= 4
