"""``metadata.json``: what type of data a folder holds, how its files are written, and what its owner says of all of it."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, TypeAlias

from msgspec import Meta as Limits
from msgspec import Struct

from synergos.errors import InvalidRequest, UnusableData
from synergos.schema import Definition

METADATA = "metadata.json"

Delimiter: TypeAlias = Annotated[
    str, Limits(min_length=1, max_length=1, description="between the cells of a line; a comma by default")
]
Encoding: TypeAlias = Annotated[
    str, Limits(min_length=1, description="of the text, such as cp1252 or utf-16; UTF-8 by default")
]
Disclosure: TypeAlias = Annotated[Mapping[str, object], Limits(description="the owner's limits on what leaves")]


class Decimal(StrEnum):
    """What stands before the fraction of a number."""

    POINT = "."
    COMMA = ","


class Metadata(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for all files of a folder."""

    datatype: Annotated[str, Limits(min_length=1, description="tabular, image, …")]
    operations: Annotated[Mapping[str, object], Limits(description="options of the data type")] = {}
    delimiter: Delimiter | None = None
    encoding: Encoding | None = None
    decimal: Annotated[Decimal, Limits(description="before the fraction of a number; a point by default")] | None = None
    disclosure: Disclosure | None = None
    # Old folders have it, and nothing in it.
    exclusions: Annotated[Mapping[str, object], Limits(max_length=0, description="nothing; in old folders only")] = {}


METADATA_FILE = Definition(Metadata)


def parse_metadata(content: Mapping[str, object], name: str) -> Metadata:
    """What a ``metadata.json`` says.

    Args:
        name: of the file, for errors.

    Raises:
        UnusableData: names the file, the field and what was expected.
    """
    try:
        metadata = METADATA_FILE.read(content)
        _check_text(metadata)
    except InvalidRequest as error:
        raise UnusableData(str(error), name) from None
    return metadata


def _check_text(metadata: Metadata) -> None:
    if metadata.encoding is not None and not _is_encoding(metadata.encoding):
        raise InvalidRequest("expected the name of an encoding, such as utf-8, cp1252 or utf-16", "encoding")
    if metadata.delimiter is not None and (metadata.delimiter.isalnum() or metadata.delimiter in '"\r\n.+-'):
        raise InvalidRequest("expected a sign that is no part of cells, such as ; or a tab", "delimiter")
    if metadata.decimal is Decimal.COMMA and (metadata.delimiter or ",") == ",":
        raise InvalidRequest("expected another delimiter beside it: a comma cannot be both", "decimal")


def _is_encoding(name: str) -> bool:
    try:
        # Codecs that make no text of bytes, such as base64, are none.
        return codecs.lookup(name)._is_text_encoding
    except (LookupError, ValueError):
        return False
