"""Runs as rows of their experiment's table: what is shown of each, put together at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from synergos_portal.orchestrator.declared import Declared
from synergos_portal.web.filters import number, or_nothing
from synergos_portal.web.links import links_to
from synergos_portal.web.words import _


class Row(NamedTuple):
    """What a table shows of a run, in the reader's language and in this order.

    Attributes:
        path: with its experiment, as a comparison names it.
        compare: what its box is called to those who hear it.
    """

    path: str
    compare: str
    address: str
    name: str
    algorithm: object
    rounds: str
    epochs: str
    lr: str
    is_trained: bool
    validations: str


def rows(runs: Iterable[Declared]) -> list[Row]:
    """A row for each run."""
    compare, figure = _("Compare %(name)s"), number.for_reader()
    address = links_to("runs.show", "collab_id", "project_id", "expt_id", "run_id")
    return [
        Row(
            run.path,
            compare % {"name": run.id},
            address(*run.spot.ids),
            run.id,
            or_nothing(run.fields.get("algorithm")),
            figure(run.fields.get("rounds")),
            figure(run.fields.get("epochs")),
            figure(run.fields.get("lr")),
            run.counts.get("Model", 0) > 0,
            figure(run.counts.get("Validation", 0)),
        )
        for run in runs
    ]
