"""How a stored record looks in an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from synergos.domain.records import Kind
from synergos.domain.tags import Purpose
from synergos.orchestration.view import View
from synergos.records.store import Record

Shape = dict[str, Any]

COMPONENTS = ("catalogue", "logs", "meter", "mlops", "mq")
_INTERNAL: Mapping[str, frozenset[str]] = {
    Kind.MODEL: frozenset({"feature_space", "architecture", "hyperparameters"}),
}
_EXPORT_FIELDS = ("origin", "path", "loss_history")


def shape(view: View) -> Shape:
    """A record as the driver knows it; what hangs under it is shown without what hangs under that."""
    shown = record_shape(view.record)
    if view.parents:
        shown |= _registration(view.parents)
    if view.relations is not None:
        related = {name: [record_shape(each) for each in found] for name, found in view.relations.items()}
        shown["relations"] = related
    return shown


def declared_shape(view: View) -> Shape:
    """A record as its declaration is answered: that of an experiment, and no other, has a number and a time."""
    shown = shape(view)
    if view.record["kind"] == Kind.EXPERIMENT:
        created_at = view.record["created_at"].astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S N")
        shown |= {"doc_id": view.record["doc_id"], "created_at": created_at}
    return shown


def record_shape(record: Record) -> Shape:
    """A record alone, as the driver knows it."""
    kind = record["kind"]
    hidden = {"created_at"} | _INTERNAL.get(kind, frozenset())
    fields = {name: value for name, value in record.items() if name not in hidden and value not in (None, {})}
    return {**fields, **_COMPLETIONS.get(kind, _nothing)(fields), "doc_id": str(record["doc_id"])}


def _nothing(_record: Mapping[str, Any]) -> Shape:
    return {}


def _registration(parents: Mapping[Any, Any]) -> Shape:
    kinds = (Kind.COLLABORATION, Kind.PROJECT, Kind.PARTICIPANT)
    collaboration, project, participant = (parents.get(kind) or {} for kind in kinds)
    return {
        "collaboration": {name: collaboration.get(name) or {} for name in COMPONENTS},
        "project": {
            "action": project.get("action"),
            "incentives": project.get("incentives") or {},
            "start_at": project.get("start_at"),
        },
        "participant": {
            "id": participant.get("id"),
            "category": participant.get("category") or [],
            "summary": participant.get("summary"),
            "phone": participant.get("phone"),
            "email": participant.get("email"),
            "socials": participant.get("socials") or {},
        },
    }


def _alignment(record: Mapping[str, Any]) -> Shape:
    return {purpose.value: {"X": [], "y": [], **record.get(purpose.value, {})} for purpose in Purpose}


def _model(record: Mapping[str, Any]) -> Shape:
    exports = {name: value for name, value in record.items() if name == "global" or name.startswith("local_")}
    return {name: {field: value.get(field) for field in _EXPORT_FIELDS} for name, value in exports.items()}


def _validation(record: Mapping[str, Any]) -> Shape:
    return {"evaluate": {"statistics": {}, "res_path": None, **record.get("evaluate", {})}}


def _prediction(record: Mapping[str, Any]) -> Shape:
    return {"predict": {"statistics": {}, "res_path": None, **record.get("predict", {})}}


_COMPLETIONS: Mapping[str, Callable[[Mapping[str, Any]], Shape]] = {
    Kind.REGISTRATION: _registration,
    Kind.ALIGNMENT: _alignment,
    Kind.MODEL: _model,
    Kind.VALIDATION: _validation,
    Kind.PREDICTION: _prediction,
}
