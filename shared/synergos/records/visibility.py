"""Which results are hidden: those that an unfinished job is about to replace, and those of a model that is outdated.

Nothing is marked: a result is hidden as long as a job exists that is not over and whose scope covers it. So accepting
a job hides its results in the same instant, a job that fails or is cancelled gives them back, and when several jobs
wait for the same run its results stay hidden until the last of them is over.

A model whose run, or experiment, asks for something else by now is hidden as well, with all that was measured on it
(:mod:`synergos.records.model_versions`): nobody is to take its figures for those of the run as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Table, and_, exists, false, not_, or_, true

from synergos.domain.job import UNFINISHED, Stage
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.domain.trained_model import OUTDATED
from synergos.records.tables import JOBS, RECORDS

REPLACES: Mapping[Stage, tuple[Kind, ...]] = {
    Stage.PREPROCESS: (Kind.ALIGNMENT,),
    Stage.TRAIN: (Kind.MODEL, *RECORD_TYPES[Kind.MODEL].cascade),
    Stage.VALIDATE: (Kind.VALIDATION,),
    Stage.PREDICT: (Kind.PREDICTION,),
}
"""The kinds of result each stage replaces; which of them, its job's keys say."""


def stages_replacing(kind: Kind) -> list[str]:
    """The stages whose jobs replace results of a kind; none where it is no kind of result."""
    return [stage.value for stage, kinds in REPLACES.items() if kind in kinds]


def is_visible(kind: Kind) -> ColumnElement[bool]:
    """The condition, on the table of ``kind``, that a row is a result as things stand, or no result."""
    if not (stages := stages_replacing(kind)):
        return true()
    table = RECORDS[kind]
    # A job without, say, a participant covers every participant.
    covers = (or_(JOBS.c[field].is_(None), JOBS.c[field] == table.c[field]) for field in RECORD_TYPES[kind].key_fields)
    replaced = exists().where(and_(JOBS.c.state.in_(UNFINISHED), JOBS.c.stage.in_(stages), *covers))
    return not_(or_(replaced, _is_of_outdated_model(kind, table)))


def _is_of_outdated_model(kind: Kind, table: Table) -> ColumnElement[bool]:
    if kind not in REPLACES[Stage.TRAIN]:
        return false()
    models = RECORDS[Kind.MODEL].alias()
    same = (models.c[field] == table.c[field] for field in RECORD_TYPES[Kind.MODEL].key_fields)
    return exists().where(and_(models.c[OUTDATED], *same))
