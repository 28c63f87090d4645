"""What a worker was started with, for commands on its folder that explain what it does."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from synergos.errors import Conflict
from synergos.identity.small_file import stored_in, write
from synergos.permission.judging import Unlisted

TOLD = "settings.json"
"""Written by the worker when it starts."""


@dataclass(frozen=True)
class Told:
    """Those of its settings that permissions depend on.

    Attributes:
        data: the root of its datasets; empty where no worker has said so.
    """

    data: str = ""
    unlisted: Unlisted = Unlisted.DENY

    @classmethod
    def read(cls, path: Path) -> Self:
        """What a worker has written; what holds for one that is told nothing where none has.

        Raises:
            Conflict: it is damaged.
        """
        stored = stored_in(path)
        is_known = stored.get("unlisted") in list(Unlisted)
        return cls(str(stored.get("data", "")), Unlisted(stored["unlisted"]) if is_known else Unlisted.DENY)

    def stands_in(self, path: Path) -> bool:
        """Whether a file says so already."""
        with suppress(Conflict):
            return stored_in(path) == self._content
        return False

    def write(self, path: Path) -> None:
        """Put it into a file, whole or not at all."""
        write(path, self._content)

    @property
    def _content(self) -> dict[str, str]:
        return {"data": self.data, "unlisted": self.unlisted.value}
