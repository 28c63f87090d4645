"""Whose turn it is, against the rule applied one job after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.scheduling import scheduling_order

START = datetime(2026, 11, 23, tzinfo=UTC)
PROJECTS = ["p", "q", "r"]
RANKS = {Stage.CHECK: 0, Stage.PREPROCESS: 0, Stage.TRAIN: 1, Stage.VALIDATE: 2, Stage.PREDICT: 2}

jobs = st.builds(
    lambda stage, project, priority: Job(stage, ProjectKey("c", project), {"priority": priority}),
    st.sampled_from(list(Stage)),
    st.sampled_from(PROJECTS),
    st.integers(-1, 1),
)
times = st.dictionaries(
    st.builds(ProjectKey, st.just("c"), st.sampled_from(PROJECTS)),
    st.integers(0, 5).map(lambda minutes: START + timedelta(minutes=minutes)),
)


def one_after_the_other(ready: list[Job], served: dict[ProjectKey, datetime]) -> list[Job]:
    """What TTPs do that each take up one job an hour."""
    ready, served, now = list(ready), dict(served), START
    order = []
    while ready:
        job = min(
            ready,
            key=lambda each: (
                -each.priority,
                served.get(each.keys.project, START - timedelta(days=1)),
                RANKS[each.stage],
            ),
        )
        ready.remove(job)
        order.append(job)
        now += timedelta(hours=1)
        served[job.keys.project] = now
    return order


@given(st.lists(jobs, max_size=20), times)
def test_the_order_is_that_in_which_jobs_are_taken_up(ready: list[Job], served: dict[ProjectKey, datetime]) -> None:
    assert [job.id for job in scheduling_order(ready, served)] == [job.id for job in one_after_the_other(ready, served)]
