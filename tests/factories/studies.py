"""Studies."""

from __future__ import annotations

from fakes.orchestration import (
    RUN,
)
from synergos.domain.keys import ExperimentKey
from synergos.domain.study import Direction, Study, StudyState


def study_of(study_id: str, state: StudyState) -> Study:
    return Study(
        id=study_id,
        experiment=ExperimentKey.of(RUN),
        metric="R2",
        direction=Direction.MAXIMUM,
        search_space={},
        fixed={},
        searcher="random",
        scheduler="none",
        max_trials=1,
        seed=0,
        state=state,
    )
