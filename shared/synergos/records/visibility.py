"""Which results are hidden: those that an unfinished job is about to replace.

Nothing is marked: a result is hidden as long as a job exists that is not over and whose scope covers it. So accepting
a job hides its results in the same instant, a job that fails or is cancelled gives them back, and when several jobs
wait for the same run its results stay hidden until the last of them is over.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, exists, not_, or_, true

from synergos.domain.job import UNFINISHED, Stage
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.records.tables import JOBS, RECORDS

REPLACES: Mapping[Stage, tuple[Kind, ...]] = {
    Stage.PREPROCESS: (Kind.ALIGNMENT,),
    Stage.TRAIN: (Kind.MODEL, *RECORD_TYPES[Kind.MODEL].cascade),
    Stage.VALIDATE: (Kind.VALIDATION,),
    Stage.PREDICT: (Kind.PREDICTION,),
}
"""The kinds of result each stage replaces; which of them, its job's keys say."""


def is_visible(kind: Kind) -> ColumnElement[bool]:
    """The condition, on the table of ``kind``, that no unfinished job is about to replace a row."""
    stages = [stage.value for stage, kinds in REPLACES.items() if kind in kinds]
    if not stages:
        return true()
    table = RECORDS[kind]
    # A job without, say, a participant covers every participant.
    covers = (or_(JOBS.c[field].is_(None), JOBS.c[field] == table.c[field]) for field in RECORD_TYPES[kind].key_fields)
    return not_(exists().where(and_(JOBS.c.state.in_(UNFINISHED), JOBS.c.stage.in_(stages), *covers)))
