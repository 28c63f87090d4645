"""Experiments: a network to train, layer by layer."""

from __future__ import annotations

from typing import Any

from synergos.domain.records import Kind
from synergos.records.store import Record
from synergos.rest import schemas
from synergos.rest.declarations import Declarations
from synergos.rest.shapes import Shape, declared_experiment


class Experiments(Declarations):
    """The experiments of projects; ``model`` is what was asked for, ``fitted_model`` what alignment made of it."""

    kind = Kind.EXPERIMENT
    singular = "experiment"
    plural = "experiments"
    schema = schemas.EXPERIMENT
    id_field = "expt_id"
    parents = (Kind.COLLABORATION, Kind.PROJECT)
    settled = frozenset({"fitted_model"})

    def checked(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Refuse layers that cannot be built."""
        self.services.check_layers(payload["model"], "model")
        return payload

    def settle(self, before: Record | None, after: Record) -> None:
        """The fitted layers go with the layers they were fitted from, and stay with them."""
        is_same = before is not None and before["model"] == after["model"]
        fitted = before.get("fitted_model") if before is not None and is_same else None
        if after.get("fitted_model") != fitted:
            self.store.merge(self.kind, after["key"], {"fitted_model": fitted})

    def show_declared(self, record: Record) -> Shape:
        """With a number for ``doc_id``, and the time."""
        return declared_experiment(record, self.store.relations(self.kind, record["key"]))
