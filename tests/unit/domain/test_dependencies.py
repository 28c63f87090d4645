"""Which job waits for which, against the rule written down as plainly as possible."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synergos.domain.dependencies import JobDependencies
from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    stage = draw(st.sampled_from(list(Stage)))
    keys = {"collab_id": "c", "project_id": draw(st.sampled_from("pq"))}
    if stage not in {Stage.CHECK, Stage.PREPROCESS}:
        keys |= {"expt_id": "e", "run_id": draw(st.sampled_from("rs"))}
    participant = draw(st.sampled_from([None, "v", "w"]))
    if stage in {Stage.VALIDATE, Stage.PREDICT} and participant:
        keys["participant_id"] = participant
    return Job(stage, job_key(keys))


def conflict(one: Job, other: Job) -> bool:
    if one.keys["project_id"] != other.keys["project_id"]:
        return False
    stages = {one.stage, other.stage}
    if Stage.CHECK in stages:
        return False
    if Stage.PREPROCESS in stages:
        return True
    if one.keys["run_id"] != other.keys["run_id"]:
        return False
    if Stage.TRAIN in stages:
        return True
    participants = {one.keys.get("participant_id"), other.keys.get("participant_id")}
    return len(stages) == 1 and (None in participants or len(participants) == 1)


@given(st.lists(jobs(), max_size=25))
def test_each_waits_for_the_last_one_before_that_it_must_not_run_beside(accepted: list[Job]) -> None:
    dependencies = JobDependencies()
    for position, job in enumerate(accepted):
        expected = [other for other in accepted[:position] if conflict(job, other)]
        assert dependencies.add(job) is (expected[-1] if expected else None)
