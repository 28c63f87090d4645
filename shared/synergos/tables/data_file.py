"""One file of a participant's data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synergos.errors import UnusableData


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
            content = json.loads(self.path.read_text(encoding="utf-8-sig"))
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
        return content

    def identity(self) -> tuple[int, int]:
        """What two names of one file have in common, be they links.

        Raises:
            UnusableData: it is gone.
        """
        try:
            status = self.path.stat()
        except OSError as error:
            raise unreadable(self.name, error) from error
        return status.st_dev, status.st_ino


def unreadable(name: str, error: OSError) -> UnusableData:
    """The failure to raise when a file cannot be read; ``name`` is its path below the data root."""
    return UnusableData(f"cannot be read: {error.strerror or type(error).__name__}", name)
