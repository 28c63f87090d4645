"""Tags: where a participant's datasets lie, as path tokens below its data root."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

from synergos.errors import InvalidRequest

Tag = tuple[str, ...]
"""The tokens of one dataset folder, outermost first."""


LISTED = "expected a list of folders, each a list of names"


class Purpose(StrEnum):
    """What a dataset is for."""

    TRAIN = "train"
    EVALUATE = "evaluate"
    PREDICT = "predict"


def check_tag(value: object, field: str) -> Tag:
    """Return one tag as a tuple of path tokens.

    Raises:
        InvalidRequest: not a non-empty list of plain folder names.
    """
    if not isinstance(value, list | tuple) or not value:
        raise InvalidRequest("expected a list of folder names, outermost first", field)
    for position, token in enumerate(value):
        place = f"{field}[{position}]"
        if not isinstance(token, str) or not token:
            raise InvalidRequest("expected the name of a folder", place)
        if token in {".", ".."} or any(bad in token for bad in ("/", "\\", "\0")):
            raise InvalidRequest(f"{token!r} would leave the data folder; expected the plain name of a folder", place)
    return tuple(value)


def check_nesting(value: object, field: str) -> None:
    """Refuse tags that are one folder, or folders written as text, with how to write them; see :func:`check_tags` for the rest.

    Raises:
        InvalidRequest: a list of names, or a text, where a list of lists belongs.
    """
    if isinstance(value, str):
        raise InvalidRequest(f"{LISTED}; write {json.dumps([_parts(value)])}", field)
    if isinstance(value, list | tuple) and value and all(isinstance(each, str) for each in value):
        meant = [list(value)] if len(value) > 1 else [_parts(value[0])]
        raise InvalidRequest(f"{LISTED}; write {json.dumps(meant)} for {field}", f"{field}[0]")


def check_tags(value: object, field: str) -> tuple[Tag, ...]:
    """Return a list of tags, no two of which are the same; see :func:`check_tag`."""
    if not isinstance(value, list | tuple):
        raise InvalidRequest("expected a list of tags, each a list of folder names", field)
    tags = tuple(check_tag(tag, f"{field}[{position}]") for position, tag in enumerate(value))
    places: dict[Tag, int] = {}
    for position, tag in enumerate(tags):
        if (first := places.setdefault(tag, position)) < position:
            raise InvalidRequest(f"is the same as {field}[{first}]: its rows would come twice", f"{field}[{position}]")
    return tags


def _parts(folder: str) -> list[str]:
    """A folder that is written with slashes, as a list of names."""
    return [part for part in folder.split("/") if part] or [folder]


def declared_tags(record: Mapping[str, object] | Mapping[Purpose, object]) -> dict[Purpose, tuple[Tag, ...]]:
    """Read the tags of every purpose out of a Tag record or a request; purposes without tags are left out."""
    found = {purpose: check_tags(record.get(purpose) or [], f"tags.{purpose}") for purpose in Purpose}
    return {purpose: tags for purpose, tags in found.items() if tags}
