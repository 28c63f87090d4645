"""Bodies of the command port: their JSON Schemas, and reading them into our own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.identifiers import check_identifier
from synergos.domain.keys import RunKey
from synergos.domain.tags import Meta, declared_tags
from synergos.errors import InvalidRequest
from synergos.learning.families.layers.layers import check_layers
from synergos.learning.hyperparameters import Hyperparameters
from synergos_worker.model import Recipe
from synergos_worker.sessions import Alignments, SessionRequest
from synergos_worker.tables import Tags

LONGEST_WAIT = 60.0

_METAS = [meta.value for meta in Meta]
_ACTION = {"enum": [action.value for action in Action], "description": "what the project's models do"}
_TAGS = {
    "type": "object",
    "description": "for each purpose, the dataset folders as lists of path tokens below the data folder",
    "properties": {meta: {"type": "array", "items": {"type": "array", "items": {"type": "string"}}} for meta in _METAS},
    "additionalProperties": False,
}
_POSITIONS = {"type": "array", "items": {"type": "integer", "minimum": 0}}
_ALIGNMENTS = {
    "type": "object",
    "description": "for each purpose, the positions of the columns that its data lacks",
    "properties": {meta: {"type": "object", "properties": {"X": _POSITIONS, "y": _POSITIONS}} for meta in _METAS},
    "additionalProperties": False,
}
_SPACE = {"type": "object", "description": "what all participants agreed on at alignment"}
_SESSION_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "32 hex digits, chosen by the TTP"}
_SOME_METAS = {"type": "array", "items": {"enum": _METAS}, "minItems": 1, "uniqueItems": True}
_WAIT = {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT, "description": "seconds to wait for the result"}


def _object(required: list[str], **properties: object) -> dict[str, Any]:
    # OpenAPI allows no empty list of what is required.
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


POLL = _object(["action", "tags"], action=_ACTION, tags=_TAGS)
ALIGN = _object(
    ["action", "tags", "alignments", "feature_space"],
    action=_ACTION,
    tags=_TAGS,
    alignments=_ALIGNMENTS,
    feature_space=_SPACE,
)
INITIALISE = _object(
    ["id", "session_id", "action", "tags", "feature_space", "architecture", "hyperparameters", "metas"],
    id={"type": "string", "description": "the participant's id"},
    session_id=_SESSION_ID,
    action=_ACTION,
    tags=_TAGS,
    alignments=_ALIGNMENTS,
    feature_space=_SPACE,
    architecture={"type": "array", "items": {"type": "object"}, "minItems": 1, "description": "the network's layers"},
    hyperparameters={"type": "object", "description": "of the run"},
    metas=_SOME_METAS,
)
PREDICT = _object(["session_id", "metas"], session_id=_SESSION_ID, metas=_SOME_METAS, wait=_WAIT)
TERMINATE = _object([], session_id=_SESSION_ID)


def check(body: object, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body that fits its schema.

    Raises:
        InvalidRequest: the first field that does not, and what was expected.
    """
    error = next(Draft202012Validator(schema).iter_errors(body), None)
    if error is not None:
        raise _explained(error)
    return dict(body) if isinstance(body, Mapping) else {}


def read_tags(body: Mapping[str, Any]) -> Tags:
    """The tags of a body, by purpose.

    Raises:
        InvalidRequest: there is none, or one is no list of plain folder names.
    """
    tags = declared_tags(body["tags"])
    if not tags:
        raise InvalidRequest("expected at least one tag", "tags")
    return tags


def read_space(body: Mapping[str, Any]) -> FeatureSpace:
    """The feature space of a body.

    Raises:
        InvalidRequest: it is none, or is for another action than the body.
    """
    space = FeatureSpace.from_dict(body["feature_space"])
    if space.action != body["action"]:
        raise InvalidRequest(f"expected {body['action']}, got {space.action}", "feature_space.action")
    return space


def read_alignments(body: Mapping[str, Any]) -> Alignments:
    """The spacers of a body, by purpose."""
    found: Alignments = body.get("alignments", {})
    return found


def read_session(body: Mapping[str, Any], run: RunKey) -> SessionRequest:
    """What an ``initialise`` asks for.

    Raises:
        InvalidRequest: names the field and what was expected.
    """
    space = read_space(body)
    return SessionRequest(
        session_id=body["session_id"],
        run=run,
        participant_id=check_identifier(body["id"], "id"),
        tags=read_tags(body),
        alignments=read_alignments(body),
        recipe=Recipe(
            check_layers(body["architecture"], "architecture"),
            Hyperparameters.from_run(body["hyperparameters"], space.action),
            space,
        ),
        metas=tuple(map(Meta, body["metas"])),
    )


def _explained(error: ValidationError) -> InvalidRequest:
    place = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path]
    if error.validator == "required":
        required: Any = error.validator_value
        instance: Any = error.instance
        missing = next(name for name in required if name not in instance)
        return InvalidRequest("is required", "".join([*place, f".{missing}"]).removeprefix("."))
    return InvalidRequest(f"{error.message:.200}", "".join(place).removeprefix(".") or "body")
