"""Studies as rows of a table: what is shown of each, put together at once, so that fifty of them take little longer than one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from synergos_portal.orchestrator.studies import Study
from synergos_portal.web.filters import NOTHING, moment, number, state
from synergos_portal.web.links import links_to
from synergos_portal.web.words import _

_ABOUT = ("collab_id", "project_id", "expt_id")


class Row(NamedTuple):
    """What a table shows of a study, in the reader's language and in this order.

    Attributes:
        direction: which values of the metric are best, in words; empty where that is not known.
        trials: how many were begun, of how many.
    """

    state: str
    address: str
    title: str
    about: str
    metric: str
    direction: str
    trials: str
    best: str
    begun: str
    ended: str


def rows(studies: Iterable[Study]) -> list[Row]:
    """A row for each study."""
    address, shown = links_to("studies.show", "study_id"), state.for_reader()
    when, figure = moment.for_reader(), number.for_reader()
    directions = {True: _("smallest is best"), False: _("largest is best")}
    return [
        Row(
            shown(study.state),
            address(study.id),
            study.id[:8],
            " / ".join(study.keys[name] for name in _ABOUT if name in study.keys),
            study.metric or NOTHING,
            directions[study.least_is_best] if study.optimize_mode else "",
            f"{study.begun} / {study.max_trial_num or NOTHING}",
            figure(study.best.objective if study.best else None),
            when(study.created_at),
            when(study.finished_at),
        )
        for study in studies
    ]
