"""``catalogue.json``: what the owner of a folder wants to be published of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta as Limits
from msgspec import Struct

from synergos.domain.catalogue import Extent, Sentence
from synergos.errors import InvalidRequest, UnusableData
from synergos.schema import Definition
from synergos.tables.data_file import DataFile

DESCRIPTION = "catalogue.json"
"""Beside a folder's ``metadata.json``; no part of what the folder holds, so that its digest does not change with it."""


class Described(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the owner says of a folder."""

    publish: Annotated[
        Extent | None, Limits(description="how much of it is published, where that is less than the worker publishes")
    ] = None
    title: Annotated[Sentence, Limits(description="what it is called, for people")] = ""
    description: Annotated[Sentence, Limits(description="what it holds, in the owner's words")] = ""
    classes: Annotated[
        bool, Limits(description="whether the labels may be named that schema.json lists, or that enough rows have")
    ] = False


DESCRIBED = Definition(Described)
NOTHING = Described()


def described(file: DataFile) -> Described:
    """What a folder's file says; nothing where there is none.

    Raises:
        UnusableData: it cannot be read, or says something else; names the field.
    """
    if not file.path.exists():
        return NOTHING
    try:
        return DESCRIBED.read(file.json())
    except UnusableData:
        raise
    except InvalidRequest as error:
        raise UnusableData(str(error), file.name) from None
