"""How stored records are represented in an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import Any

import structlog

from synergos.domain.damage import DAMAGED, UNREADABLE
from synergos.domain.records import OWN_FIELDS, Kind, Record
from synergos.domain.removal import Removal
from synergos.domain.tags import Purpose
from synergos.errors import DamagedRecord
from synergos.orchestration.deletions import Files
from synergos.orchestration.view import View

log = structlog.get_logger(__name__)

Representation = dict[str, object]

COMPONENTS = ("catalogue", "logs", "meter", "mlops", "mq")
_LARGE = frozenset(
    {"feature_space", "architecture", "hyperparameters", "definition", "agreement", "figures", "datasets"}
)
_ONLY_ALONE: Mapping[str, frozenset[str]] = {Kind.MODEL: _LARGE, Kind.MODEL_VERSION: _LARGE}
"""Fields that are not shown of a record that hangs under another one: a collaboration may have a thousand models."""
_MEASURED = (Purpose.EVALUATE.value, Purpose.PREDICT.value, "pooled")
_EXPORT_FIELDS = ("origin", "path", "loss_history")


def representation(view: View) -> Representation:
    """A record as the driver knows it; what hangs under it is shown without what hangs under that, and read when it is sent."""
    shown = represent(view.record)
    if view.parents:
        shown |= _if_possible(_registration, view.parents)
    if view.relations is not None:
        shown["relations"] = {name: _all_beneath(found) for name, found in view.relations.items()}
    elif view.counts is not None:
        shown["relations"] = dict(view.counts)
    return shown


def represent_declared(view: View) -> Representation:
    """A record as its declaration is answered: that of an experiment, and no other, has a number and a time."""
    shown = representation(view)
    if view.record["kind"] == Kind.EXPERIMENT:
        created_at = view.record["created_at"].astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S N")
        shown |= {"doc_id": view.record["doc_id"], "created_at": created_at}
    return shown


def represent(record: Record) -> Representation:
    """A record alone, as the driver knows it; of one that is damaged what it is, and that it is."""
    return _if_possible(_represent, record) or damaged(record)


def damaged(record: Record) -> Representation:
    """What is shown of a record that cannot be shown."""
    own = {name: record[name] for name in OWN_FIELDS}
    return _represent({**own, DAMAGED: UNREADABLE})


def _represent(record: Record) -> Representation:
    fields = {name: value for name, value in record.items() if name != "created_at" and value not in (None, {})}
    return {**fields, **_COMPLETIONS.get(record["kind"], _nothing)(fields), "doc_id": str(record["doc_id"])}


def _if_possible(show: Callable[[Any], Representation], stored: Mapping[Any, Any]) -> Representation:
    """What ``show`` makes of what is stored; nothing where that is not what its kind has."""
    try:
        return show(stored)
    except (TypeError, ValueError, AttributeError, LookupError, DamagedRecord) as error:
        log.warning(
            "a record cannot be shown", kind=stored.get("kind"), key=stored.get("key"), reason=type(error).__name__
        )
        return {}


def represent_removal(removal: Removal) -> Representation:
    """Files that are still to be removed, and where; times are ISO 8601 in UTC."""
    node = removal.node
    return {
        "kind": "Removal",
        "id": removal.id,
        "key": removal.folder.to_dict(),
        "purpose": removal.purpose,
        "place": removal.place,
        "address": None if node is None else node.command_address,
        "grid": removal.grid,
        "deleted_at": removal.created_at.isoformat(),
        "tried_at": None if removal.tried_at is None else removal.tried_at.isoformat(),
        "reason": removal.reason,
    }


def represent_files(files: Files) -> Representation:
    """What became of the files of something that was deleted."""
    return {
        "kept": files.are_kept,
        "removed": list(files.removed),
        "waiting": [represent_removal(removal) for removal in files.waiting],
        "stay": list(files.stay),
    }


def _all_beneath(found: Iterable[Record]) -> Iterable[Representation]:
    shown = map(_beneath, found)
    # What is read piece by piece is shown piece by piece.
    return list(shown) if isinstance(found, list) else shown


def _beneath(record: Record) -> Representation:
    """A record that hangs under another one."""
    return _if_possible(_in_short, record) or damaged(record)


def _in_short(record: Record) -> Representation:
    shown, hidden = represent(record), _ONLY_ALONE.get(record["kind"], frozenset())
    digest = {"digest": record["definition"]["digest"]} if hidden and "definition" in shown else {}
    return without_curves({name: value for name, value in shown.items() if name not in hidden} | digest)


def without_curves(shown: Representation) -> Representation:
    """What is shown of a validation or prediction where there may be a thousand of them: not the counts that curves are drawn from."""
    measured = {name: found for name in _MEASURED if isinstance(found := shown.get(name), Mapping)}
    less = {name: {key: each for key, each in value.items() if key != "curves"} for name, value in measured.items()}
    return shown | less


def _nothing(_record: Record) -> Representation:
    return {}


def _registration(parents: Mapping[Any, Any]) -> Representation:
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


def _alignment(record: Record) -> Representation:
    return {purpose.value: {"X": [], "y": [], **record.get(purpose.value, {})} for purpose in Purpose}


def _model(record: Record) -> Representation:
    exports = {name: value for name, value in record.items() if name == "global" or name.startswith("local_")}
    return {
        name: {
            **{field: value.get(field) for field in _EXPORT_FIELDS},
            **({"sha256": value["sha256"]} if "sha256" in value else {}),
        }
        for name, value in exports.items()
    }


def _validation(record: Record) -> Representation:
    return {"evaluate": {"statistics": {}, "res_path": None, **record.get("evaluate", {})}}


def _prediction(record: Record) -> Representation:
    return {"predict": {"statistics": {}, "res_path": None, **record.get("predict", {})}}


_COMPLETIONS: Mapping[str, Callable[[Record], Representation]] = {
    Kind.REGISTRATION: _registration,
    Kind.ALIGNMENT: _alignment,
    Kind.MODEL: _model,
    Kind.MODEL_VERSION: _model,
    Kind.VALIDATION: _validation,
    Kind.PREDICTION: _prediction,
}
