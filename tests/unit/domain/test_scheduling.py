"""Whose turn it is, against the rule applied one job after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.scheduling import Served, scheduling_order

START = datetime(2026, 11, 23, tzinfo=UTC)
PROJECTS = [ProjectKey("c", "p"), ProjectKey("c", "q"), ProjectKey("d", "p")]
RANKS = {Stage.CHECK: 0, Stage.PREPROCESS: 0, Stage.TRAIN: 1, Stage.VALIDATE: 2, Stage.PREDICT: 2}

jobs = st.builds(
    lambda stage, project, priority: Job(stage, project, {"priority": priority}),
    st.sampled_from(list(Stage)),
    st.sampled_from(PROJECTS),
    st.integers(-1, 1),
)
times = st.dictionaries(
    st.sampled_from(PROJECTS),
    st.integers(0, 5).map(lambda minutes: START + timedelta(minutes=minutes)),
)


def collaborations(served: dict[ProjectKey, datetime]) -> dict[str, datetime]:
    """When each was last served."""
    return {
        name: max(moment for project, moment in served.items() if project.collab_id == name)
        for name in {project.collab_id for project in served}
    }


def one_after_the_other(ready: list[Job], served: dict[ProjectKey, datetime]) -> list[Job]:
    """What TTPs do that each take up one job an hour."""
    ready, served, now, never = list(ready), dict(served), START, START - timedelta(days=1)
    order = []
    while ready:
        first = {job.keys["collab_id"]: -number for number, job in reversed(list(enumerate(ready)))}
        job = min(
            ready,
            key=lambda each: (
                collaborations(served).get(each.keys["collab_id"], never),
                -first[each.keys["collab_id"]],
                -each.priority,
                served.get(each.keys.project, never),
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
    order = scheduling_order(ready, Served(served, collaborations(served)))

    assert [job.id for job in order] == [job.id for job in one_after_the_other(ready, served)]
