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


def of(stage: Stage, run: str = "r", project: str = "p") -> Job:
    keys = {"collab_id": "c", "project_id": project, "expt_id": "e", "run_id": run}
    return Job(
        stage,
        job_key({name: keys[name] for name in ("collab_id", "project_id")} if stage is Stage.PREPROCESS else keys),
    )


def test_a_job_that_is_held_is_passed_over_and_so_is_what_depends_on_it() -> None:
    turns = Turns()
    aligning, training, measuring = of(Stage.PREPROCESS), of(Stage.TRAIN), of(Stage.VALIDATE)
    elsewhere = of(Stage.PREPROCESS, project="q")
    for job in (aligning, training, measuring, elsewhere):
        turns.add(job)

    assert turns.take() == aligning.id
    turns.hold(aligning)

    assert turns.order() == [elsewhere.id]
    assert turns.behind() == {training.id: aligning.id, measuring.id: training.id}
    assert turns.take() == elsewhere.id
    assert not turns
    turns.let_go(aligning.id)
    assert [turns.take() for _ in range(4)] == [aligning.id, training.id, measuring.id, None]


def test_jobs_that_were_held_keep_their_places() -> None:
    turns = Turns()
    jobs = [of(Stage.TRAIN, str(number)) for number in range(4)]
    for job in jobs:
        turns.add(job)
    for job in jobs[:3]:
        assert turns.take() == job.id
        turns.hold(job)

    for job in reversed(jobs[:3]):
        turns.let_go(job.id)

    assert turns.order() == [job.id for job in jobs]


def test_a_held_job_that_is_cancelled_holds_nobody_up() -> None:
    turns = Turns()
    aligning, training = of(Stage.PREPROCESS), of(Stage.TRAIN)
    turns.add(aligning)
    turns.add(training)
    turns.take()
    turns.hold(aligning)

    turns.remove(aligning.id)

    assert turns.take() == training.id
    assert turns.all() == []
