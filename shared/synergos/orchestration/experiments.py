"""Experiments: a model to train, of one family."""

from __future__ import annotations

from synergos import bodies
from synergos.bodies.declarations import Experiment
from synergos.domain.keys import RunKey
from synergos.domain.records import Ids, Kind, Record
from synergos.domain.trained_model import definition_of
from synergos.learning import families
from synergos.orchestration.declarations import Declarations
from synergos.records import model_versions


class Experiments(Declarations[Experiment]):
    """The experiments of projects; ``model`` is what was asked for, ``fitted_model`` what alignment made of it."""

    kind = Kind.EXPERIMENT
    schema = bodies.EXPERIMENT
    id_field = "expt_id"
    parents = (Kind.COLLABORATION, Kind.PROJECT)
    derived = frozenset({"fitted_model"})

    def checked(self, declared: Experiment, payload: dict[str, object], ids: Ids) -> dict[str, object]:
        """Refuse a model that its family cannot build."""
        families.named_in(payload).check(payload["model"])
        return payload

    def after_change(self, before: Record | None, after: Record) -> None:
        """The fitted model goes with the one it was fitted from, and stays with it; so do those that were trained."""
        is_same = before is not None and _asked(before) == _asked(after)
        fitted = before.get("fitted_model") if before is not None and is_same else None
        if after.get("fitted_model") != fitted:
            self.store.merge(self.kind, after["key"], {"fitted_model": fitted})
        if before is not None and (before is after or not is_same):
            self._note_change(before)

    def _note_change(self, before: Record) -> None:
        for model in self.store.find(Kind.MODEL, before["key"]):
            run = RunKey.of(model["key"])
            model_versions.note_change(self.store, run, definition_of(before, self.store.get(Kind.RUN, run)))


def _asked(record: Record) -> tuple[object, object]:
    return families.named_in(record).name, record["model"]
