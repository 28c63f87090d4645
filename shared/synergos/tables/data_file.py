"""One file of a participant's data."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synergos.errors import InvalidRequest, UnusableData
from synergos.schema.json_text import refuse_unusable

LARGEST_JSON = 2 * 2**20
"""Bytes. Ten thousand columns with long names take half of it; as objects in memory it may be thirty times as much."""


@dataclass(frozen=True)
class DataFile:
    """One file of a dataset.

    Attributes:
        name: its path below the data root, as errors and exports show it.
    """

    name: str
    path: Path

    def json(self) -> dict[str, Any]:
        """Its content as a JSON object.

        Raises:
            UnusableData: it cannot be read, or is no JSON object.
        """
        try:
            content = json.loads(self._text())
        except OSError as error:
            raise unreadable(self.name, error) from error
        except json.JSONDecodeError as error:
            # The words are Python's own and repeat nothing of the file.
            raise UnusableData(
                f"line {error.lineno} is not JSON: {error.msg} (column {error.colno})", self.name
            ) from error
        except (ValueError, RecursionError) as error:
            raise UnusableData("is not JSON in UTF-8", self.name) from error
        if not isinstance(content, dict):
            raise UnusableData(f"expected a JSON object, found a {type(content).__name__}", self.name)
        try:
            refuse_unusable(content)
        except InvalidRequest as error:
            raise UnusableData(str(error), self.name) from None
        return content

    def _text(self) -> str:
        with self.path.open("rb") as file:
            content = file.read(LARGEST_JSON + 1)
        if len(content) > LARGEST_JSON:
            raise UnusableData(f"has more than {LARGEST_JSON:,} bytes, which is the most for a file of JSON", self.name)
        return content.decode("utf-8-sig")

    def size(self) -> int:
        """Its bytes.

        Raises:
            UnusableData: it is gone.
        """
        return self._status().st_size

    def identity(self) -> tuple[int, int]:
        """What two names of one file have in common, be they links.

        Raises:
            UnusableData: it is gone.
        """
        status = self._status()
        return status.st_dev, status.st_ino

    def _status(self) -> os.stat_result:
        try:
            return self.path.stat()
        except OSError as error:
            raise unreadable(self.name, error) from error


def unreadable(name: str, error: OSError) -> UnusableData:
    """The failure to raise when a file cannot be read; ``name`` is its path below the data root."""
    return UnusableData(f"cannot be read: {error.strerror or type(error).__name__}", name)
