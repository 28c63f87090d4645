"""How rows of text are written."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass

from synergos.tables.metadata import Decimal, Metadata

DELIMITERS: Mapping[str, str] = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
"""The usual ones; any other has to be declared, and is never suggested."""


@dataclass(frozen=True)
class TextFormat:
    """How the rows of a text file are written.

    Attributes:
        encoding: by the name Python gives it; a byte order mark is no part of the text.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."

    @classmethod
    def declared(cls, metadata: Metadata) -> TextFormat:
        """What a ``metadata.json`` says; commas, UTF-8 and decimal points where it says nothing."""
        encoding = codecs.lookup(metadata.encoding or "utf-8").name
        return cls(
            metadata.delimiter or ",",
            "utf-8" if encoding == "utf-8-sig" else encoding,
            metadata.decimal or Decimal.POINT,
        )

    @property
    def codec(self) -> str:
        """The codec to open a file with."""
        return "utf-8-sig" if self.encoding == "utf-8" else self.encoding

    @property
    def separator(self) -> str:
        """The delimiter in words."""
        return DELIMITERS.get(self.delimiter, repr(self.delimiter))
