"""The vocabulary over HTTP: for forms, and for whoever wants to know what there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from typing import ClassVar

from flask import Response, request
from msgspec import json, structs, to_builtins

from synergos.errors import UnknownName
from synergos.orchestration.vocabulary import Vocabulary, vocabulary
from synergos.rest.api import Route
from synergos.rest.envelope import success
from synergos.rest.resource import Resource

FIELDS = "fields"
_PARTS = tuple(each.name for each in structs.fields(Vocabulary))


def routes() -> list[Route]:
    """The route below ``/ttp``."""
    about = {FIELDS: f"which parts to answer with, separated by commas; without it all: {', '.join(_PARTS)}"}
    return [Route("Vocabulary", VocabularyResource, None, ("/vocabulary",), "vocabulary", parameters=about)]


class VocabularyResource(Resource):
    """What can be named in requests."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": (FIELDS,)}

    def __init__(self, api: object, _handler: object) -> None:
        super().__init__(api)

    def get(self) -> Response:
        """Hyperparameters, algorithms, optimizers, losses, schedules, layers, statistics and search spaces, with defaults, bounds and meaning."""
        wanted = request.args[FIELDS].split(",") if FIELDS in request.args else _PARTS
        for name in wanted:
            if name not in _PARTS:
                raise UnknownName(name[:80], _PARTS, FIELDS, f"one of {', '.join(_PARTS)}")
        parts, digest = _told()
        return success(
            "vocabulary.get",
            {"kind": "Vocabulary", **{name: parts[name] for name in wanted}},
            headers={"ETag": f'"{digest}"'},
        )


@cache
def _told() -> tuple[Mapping[str, object], str]:
    found = to_builtins(vocabulary())
    return found, sha256(json.encode(found)).hexdigest()[:32]
