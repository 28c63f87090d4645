"""How a stored record looks in an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

from synergos.domain.records import Kind
from synergos.domain.tags import Meta
from synergos.records.store import Record

Shape = dict[str, Any]

COMPONENTS = ("catalogue", "logs", "meter", "mlops", "mq")
_INTERNAL: Mapping[str, frozenset[str]] = {
    Kind.MODEL: frozenset({"feature_space", "architecture", "hyperparameters"}),
}
_EXPORT_FIELDS = ("origin", "path", "loss_history")


def shape(record: Record, relations: Mapping[str, Sequence[Record]] | None = None) -> Shape:
    """A record as the driver knows it; what hangs under it is shown without what hangs under that."""
    kind = record["kind"]
    hidden = {"created_at"} | _INTERNAL.get(kind, frozenset())
    fields = {name: value for name, value in record.items() if name not in hidden and value not in (None, {})}
    shown: Shape = {**fields, **_COMPLETIONS.get(kind, _nothing)(fields), "doc_id": str(record["doc_id"])}
    if relations is not None:
        shown["relations"] = {name: [shape(related) for related in found] for name, found in relations.items()}
    return shown


def declared_experiment(record: Record, relations: Mapping[str, Sequence[Record]]) -> Shape:
    """What the declaration of an experiment, and nothing else, is answered with: a number, and a time."""
    created_at = record["created_at"].astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S N")
    return {**shape(record, relations), "doc_id": record["doc_id"], "created_at": created_at}


def joined_registration(
    registration: Shape, collaboration: Mapping[str, Any], project: Mapping[str, Any], participant: Mapping[str, Any]
) -> Shape:
    """A registration's shape, with what its three parents say at this moment."""
    parents = {"collaboration": collaboration, "project": project, "participant": participant}
    return {**registration, **_registration(parents)}


def _nothing(_record: Mapping[str, Any]) -> Shape:
    return {}


def _registration(parents: Mapping[str, Any]) -> Shape:
    collaboration, project, participant = (
        parents.get(name) or {} for name in ("collaboration", "project", "participant")
    )
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
    return {meta.value: {"X": [], "y": [], **record.get(meta.value, {})} for meta in Meta}


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
