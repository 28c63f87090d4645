"""Ids in addresses: any may be there, be it one that a page of its own lies under."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import BaseConverter, ValidationError

WORDS = frozenset({"new"})
"""What stands in an address in the place of an id, and means a page."""


class OwnId(BaseConverter):
    """An id at the end of an address, but for those that are such a word: they have ``=`` before them, which begins no id."""

    def to_python(self, value: str) -> str:
        """The id in an address; none where it means a page."""
        if value in WORDS:
            raise ValidationError
        return value

    def to_url(self, value: str) -> str:
        """The id as an address has it."""
        if value in WORDS:
            raise ValidationError
        return super().to_url(value)


def install(app: Flask) -> None:
    """Have an application know them as ``<own_id:…>``."""
    app.url_map.converters["own_id"] = OwnId
